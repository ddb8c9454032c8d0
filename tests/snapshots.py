"""A world that takes long to build is built once per process; each further test gets a copy of its rows."""

import pickle
from collections.abc import Callable
from typing import Any, TypeVar

from django.apps import apps
from django.db import connection, models
from django.db.models.sql import InsertQuery

World = TypeVar("World")
Rows = dict[str, list[tuple[str, Any]]]  # by table: the statements that fill it, with their values

FIXED = ("auth_permission",)  # made by the migrations
READS = ("SELECT", "SAVEPOINT", "RELEASE")
# Who is signed in, and since when, belongs to no world.
UNSEEN = ('INSERT INTO "django_session"', 'UPDATE "django_session"', 'UPDATE "auth_user" SET "last_login" =')

EMPTY = "nothing"  # as every test finds its database

_kept: dict[str, tuple[bytes, Rows]] = {EMPTY: (b"", {})}


class Watch:
    """Around what a test asks the database: whether a world still stands there as it was copied."""

    standing = ""

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if not sql.startswith((*READS, *UNSEEN)):
            self.standing = ""
        return execute(sql, params, many, context)


watch = Watch()


def copied(name: str, build: Callable[[], World], upon: str = "") -> World:
    """What `build` returns, with the database as it leaves it; from the second time on without building.

    The rows keep their primary keys, so one world may be built on top of another that was copied, too.
    With `upon` only if nothing was written since that world was copied; else it is built.
    """
    if upon and not (watch.standing == upon and connection.in_atomic_block):
        return build()
    if name in _kept:
        world, rows = _kept[name]
        _replace(rows)
        watch.standing = name
        return pickle.loads(world)  # type: ignore[no-any-return]  # noqa: S301  # our own, of this process
    made = build()
    _kept[name] = pickle.dumps(made), _rows()
    watch.standing = name
    return made


def _tables() -> dict[str, type[models.Model]]:
    ours = (app.get_models(include_auto_created=True) for app in map(apps.get_app_config, ("auth", "offers")))
    found = {model._meta.db_table: model for models_of_app in ours for model in models_of_app}
    return {table: model for table, model in found.items() if table not in FIXED}


def _rows() -> Rows:
    return {table: statements for table, model in _tables().items() if (statements := _inserts(model))}


def _inserts(model: type[models.Model]) -> list[tuple[str, Any]]:
    rows, fields = list(model._base_manager.all()), model._meta.concrete_fields
    size = connection.ops.bulk_batch_size(fields, rows) if rows else 1
    made: list[tuple[str, Any]] = []
    for first in range(0, len(rows), size):
        query = InsertQuery(model)
        query.insert_values(fields, rows[first : first + size], raw=True)
        made += query.get_compiler(connection=connection).as_sql()
    return made


def _replace(rows: Rows) -> None:
    """Foreign keys are checked at the end of the transaction, so that the order of the tables is free."""
    here = _kept[watch.standing][1] if watch.standing else dict.fromkeys(_tables(), [])
    changed = [table for table in {**here, **rows} if here.get(table) != rows.get(table)]
    with connection.cursor() as cursor:
        for table in changed:
            if table in here:
                cursor.execute(f'DELETE FROM "{table}"')
            for statement, values in rows.get(table, ()):
                cursor.execute(statement, values)
