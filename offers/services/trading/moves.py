"""The one place where a request, an offer or an order changes its state."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.contrib.auth.models import User
from django.db import models as db
from django.db.models import F

from offers import domain, models
from offers.crashpoints import crashpoint

from .. import sql

Trade = models.FlexRequest | models.FlexOffer | models.FlexOrder
Row = TypeVar("Row", bound=Trade)

STATES: dict[type[db.Model], Any] = {
    models.FlexRequest: domain.RequestState,
    models.FlexOffer: domain.OfferState,
    models.FlexOrder: domain.OrderState,
}
EVENT_FIELDS: dict[type[db.Model], str] = {
    models.FlexRequest: "flex_request",
    models.FlexOffer: "flex_offer",
    models.FlexOrder: "flex_order",
}


@dataclass(frozen=True, slots=True)
class Cause:
    """Who or what makes a row move: a user, a message, or neither (the clock, the gateway)."""

    actor: domain.Actor
    user: User | None = None
    message: models.Message | None = None

    @classmethod
    def by(cls, user: User | None) -> "Cause":
        return cls(domain.Actor.USER, user=user)

    @classmethod
    def of(cls, message: models.Message) -> "Cause":
        return cls(domain.Actor.MESSAGE, message=message)


CLOCK = Cause(domain.Actor.CLOCK)
GATEWAY = Cause(domain.Actor.GATEWAY)


def lock(row: Row) -> Row:
    """The row as it is now, locked until the transaction ends; SQLite's transactions are exclusive anyway."""
    found = sql.find(type(row), locked=True, pk=row.pk)
    if found is None:
        raise type(row).DoesNotExist(f"{row} is gone.")
    return found


def move(row: Row, event: domain.Event, cause: Cause, now: datetime, text: str = "", **fields: Any) -> Row:
    """Lead `row` from its state to the one that the table gives for `event`, and write the event row.

    One UPDATE whose row count decides, so that of two racing moves one wins on every database.
    `fields` are written with it. Raises domain.IllegalMove, and then nothing has changed.
    """
    if cause.actor not in domain.ACTORS[event]:
        raise domain.IllegalMove(f"A {cause.actor} cannot cause “{event}”.")
    states = STATES[type(row)]
    seen = states(row.state)
    target = domain.after(seen, event)
    as_seen = {"pk": row.pk, "state": seen, "version": row.version}
    moved = {"state": target, "state_at": now, "version": row.version + 1, **fields}
    changed = sql.change(type(row), as_seen, moved)
    if changed != 1:
        return move(lock(row), event, cause, now, text, **fields)
    crashpoint("move.updated")
    row.state, row.state_at, row.version = target, now, row.version + 1
    for name, value in fields.items():
        setattr(row, name, value)
    _record(row, str(event), str(seen), str(target), cause, now, text)
    crashpoint("move.recorded")
    return row


def move_all(trades: Sequence[Trade], event: domain.Event, cause: Cause, now: datetime) -> None:
    """What `move` does, for many rows that this transaction has locked: two statements for each state."""
    if cause.actor not in domain.ACTORS[event]:
        raise domain.IllegalMove(f"A {cause.actor} cannot cause “{event}”.")
    groups: dict[tuple[type[Trade], Any], list[Trade]] = defaultdict(list)
    for row in trades:
        groups[type(row), STATES[type(row)](row.state)].append(row)
    for (kind, seen), group in groups.items():
        target = domain.after(seen, event)
        there = kind._default_manager.filter(pk__in=[row.pk for row in group], state=seen)
        changed = there.update(state=target, state_at=now, version=F("version") + 1)
        if changed != len(group):  # nobody else can move a locked row; if one did, nothing has changed
            raise domain.IllegalMove(f"{len(group) - changed} locked rows are not {seen} any more.")
        crashpoint("moves.updated")
        for row in group:
            row.state, row.state_at, row.version = target, now, row.version + 1
        models.Event.objects.bulk_create(
            _event(row, str(event), str(seen), str(target), cause, now, "") for row in group
        )
        crashpoint("moves.recorded")


def note(row: Row, event: str, cause: Cause, now: datetime, text: str) -> None:
    """Write what happened to `row` although it did not move, such as an order that was refused."""
    row = lock(row)
    type(row)._default_manager.filter(pk=row.pk).update(version=row.version + 1)
    row.version += 1
    _record(row, event, str(row.state), str(row.state), cause, now, text)


def created(row: Row, event: str, cause: Cause, now: datetime, text: str = "") -> None:
    """Write the first event of a row that was just made."""
    _record(row, event, "", str(row.state), cause, now, text)


def _record(row: Trade, event: str, seen: str, target: str, cause: Cause, now: datetime, text: str) -> None:
    sql.insert(_event(row, event, seen, target, cause, now, text))


def _event(
    row: Trade, event: str, seen: str, target: str, cause: Cause, now: datetime, text: str
) -> models.Event:
    return models.Event(
        owner_id=row.owner_id,
        version=row.version,
        event=event,
        from_state=seen,
        to_state=target,
        at=now,
        user=cause.user,
        message=cause.message,
        text=text,
        **{EVENT_FIELDS[type(row)]: row},
    )
