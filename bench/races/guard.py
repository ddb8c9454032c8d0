"""The protection switched off, for the controls: no row locks, no compare-and-set, no last wall."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import Any
from unittest import mock

from django.db import connection
from django.db.models import QuerySet

from offers import domain, models
from offers.services import sql
from offers.services.trading import messages, moves, offers, orders, requests, sweeps

WALLS = ((models.Event, "one_event_per_offer_version"), (models.FlexOrder, "one_live_order_per_offer"))
MOVERS = (messages, moves, offers, orders, requests, sweeps)


def read_check_save(
    row: Any, event: domain.Event, cause: moves.Cause, now: datetime, text: str = "", **fields: Any
) -> Any:
    """What moves.move would be without its guard: what was read decides, and what is saved last stays."""
    seen = moves.STATES[type(row)](row.state)
    target = domain.after(seen, event)
    row.state, row.state_at, row.version = target, now, row.version + 1
    for name, value in fields.items():
        setattr(row, name, value)
    row.save()
    moves._record(row, str(event), str(seen), str(target), cause, now, text)
    return row


@contextmanager
def unguarded() -> Iterator[None]:
    """As if nobody had thought of races. Orders and events are gone at the end, for the walls' sake."""
    with ExitStack() as stack:
        for module in MOVERS:
            if hasattr(module, "move"):
                stack.enter_context(mock.patch.object(module, "move", read_check_save))
        stack.enter_context(mock.patch.object(QuerySet, "select_for_update", _no_lock))
        stack.enter_context(mock.patch.object(sql, "find", _find_without_lock))
        stack.enter_context(_without_walls())
        yield


def _no_lock(self: Any, *args: Any, **kwargs: Any) -> Any:
    return self.all()


def _find_without_lock(*args: Any, locked: bool = False, **where: Any) -> Any:
    return _find(*args, **where)


_find = sql.find


@contextmanager
def _without_walls() -> Iterator[None]:
    walls = [(model, next(c for c in model._meta.constraints if c.name == name)) for model, name in WALLS]
    with connection.schema_editor() as editor:
        for model, wall in walls:
            editor.remove_constraint(model, wall)
    try:
        yield
    finally:
        with connection.schema_editor() as editor:
            for model, _ in walls:
                editor.execute(f"TRUNCATE {model._meta.db_table} CASCADE")
            for model, wall in walls:
                editor.add_constraint(model, wall)
