"""Rows found by equality, inserted and changed, by statements that are written once for each kind of it.

Django writes every statement anew, which takes longer than PostgreSQL needs to answer it. What each message
asks goes by here. Values pass through the fields of the model, as they do in Django, on both databases; what
must hold is in the database. Nothing here begins a transaction.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, connections, models

M = TypeVar("M", bound=models.Model)
Column = tuple[str, list[Callable[..., Any]], Any]  # attribute, converters, expression


def insert(row: M) -> M:
    """Store a new row; it has its key then."""
    statement, fields = _insertion(type(row))
    here = connections[DEFAULT_DB_ALIAS]  # `connection` looks for it at each use
    values = [field.get_db_prep_save(getattr(row, field.attname), here) for field in fields]
    with here.cursor() as cursor:
        cursor.execute(statement, values)
        row.pk = cursor.fetchone()[0]
    row._state.adding, row._state.db = False, here.alias
    return row


def change(model: type[models.Model], where: Mapping[str, Any], fields: Mapping[str, Any]) -> int:
    """Give the rows that are so these values; how many. The count tells who wins of several that try."""
    statement = _change(model, tuple(where), tuple(fields))
    with connection.cursor() as cursor:
        cursor.execute(statement, [*_values(model, fields), *_values(model, where)])
        return int(cursor.rowcount)


def save(row: models.Model, **fields: Any) -> None:
    """Give a row that is there these values, and write them down."""
    for name, value in fields.items():
        setattr(row, name, value)
    change(type(row), {"pk": row.pk}, fields)


def find(model: type[M], *related: str, locked: bool = False, **where: Any) -> M | None:
    """The row that is so, with its (never empty) `related` ones; None if there is none.

    To be asked for one by what is unique: of several it is any. Who wanted the first of them would have
    PostgreSQL look through all rows in their order. `locked` is as atomic.locked.
    """
    statement, parts = _search(model, related, locked, tuple(where))
    with connection.cursor() as cursor:
        cursor.execute(statement, _values(model, where))
        found = cursor.fetchone()
    if found is None:
        return None
    made: list[Any] = []  # the row itself, then the related ones
    rest = list(found)
    for kind, columns in parts:
        values, rest = rest[: len(columns)], rest[len(columns) :]
        made.append(kind.from_db(connection.alias, [name for name, *_ in columns], _read(columns, values)))
    for name, one in zip(related, made[1:], strict=True):
        setattr(made[0], name, one)
    row: M = made[0]
    return row


def _field(model: type[models.Model], name: str) -> Any:
    return model._meta.pk if name == "pk" else model._meta.get_field(name)


def _values(model: type[models.Model], given: Mapping[str, Any]) -> list[Any]:
    here = connections[DEFAULT_DB_ALIAS]
    return [
        _field(model, name).get_db_prep_save(value.pk if isinstance(value, models.Model) else value, here)
        for name, value in given.items()
    ]


def _read(columns: Sequence[Column], values: Sequence[Any]) -> list[Any]:
    read, here = [], connections[DEFAULT_DB_ALIAS]
    for (_, converters, expression), value in zip(columns, values, strict=True):
        for convert in converters:
            value = convert(value, expression, here)
        read.append(value)
    return read


def _quoted(model: type[models.Model], names: Sequence[str]) -> list[str]:
    return [connection.ops.quote_name(str(_field(model, name).column)) for name in names]


@functools.cache
def _insertion(model: type[models.Model]) -> tuple[str, list[Any]]:
    fields = [field for field in model._meta.local_concrete_fields if not field.primary_key]
    columns = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
    marks = ", ".join(["%s"] * len(fields))
    statement = f"INSERT INTO {_table(model)} ({columns}) VALUES ({marks}) RETURNING {_key(model)}"  # noqa: S608
    return statement, fields


@functools.cache
def _change(model: type[models.Model], where: tuple[str, ...], fields: tuple[str, ...]) -> str:
    changes = ", ".join(f"{column} = %s" for column in _quoted(model, fields))
    conditions = " AND ".join(f"{column} = %s" for column in _quoted(model, where))
    return f"UPDATE {_table(model)} SET {changes} WHERE {conditions}"  # noqa: S608


@functools.cache
def _search(
    model: type[models.Model], related: tuple[str, ...], locked: bool, where: tuple[str, ...]
) -> tuple[str, list[tuple[type[models.Model], list[Column]]]]:
    kinds = [(model, "this"), *((_field(model, name).related_model, name) for name in related)]
    selected = ", ".join(
        f"{alias}.{connection.ops.quote_name(str(field.column))}"
        for kind, alias in kinds
        for field in kind._meta.local_concrete_fields
    )
    joins = " ".join(
        f"JOIN {_table(kind)} AS {alias} ON {alias}.{_key(kind)} = this.{_quoted(model, [alias])[0]}"
        for kind, alias in kinds[1:]
    )
    conditions = " AND ".join(f"this.{column} = %s" for column in _quoted(model, where))
    lock = " FOR NO KEY UPDATE OF this" if locked and connection.features.has_select_for_update else ""
    statement = f"SELECT {selected} FROM {_table(model)} AS this {joins} WHERE {conditions}{lock}"  # noqa: S608
    return statement, [(kind, _columns(kind)) for kind, _ in kinds]


def _columns(model: type[models.Model]) -> list[Column]:
    found = []
    for field in model._meta.local_concrete_fields:
        expression: Any = field.get_col(model._meta.db_table)
        converters = [
            *connection.ops.get_db_converters(expression),
            *expression.get_db_converters(connection),
        ]
        found.append((field.attname, converters, expression))
    return found


def _key(model: type[models.Model]) -> str:
    return _quoted(model, ["pk"])[0]


def _table(model: type[models.Model]) -> str:
    return str(connection.ops.quote_name(model._meta.db_table))
