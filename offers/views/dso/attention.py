"""What needs the DSO's staff now: derived from the state of things, and gone when that is solved."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from offers import formats
from offers.models import FlexOrder, FlexRequest, Message, MessageState

from .offers import ReviewRow

SOON = timedelta(hours=1)
VERY_SOON = timedelta(minutes=15)
SILENT_TOO_LONG = timedelta(minutes=5)
TRIES_TOO_MANY = 2


@dataclass(frozen=True)
class Notice:
    """One thing to do: what, why, until when, and where."""

    level: str  # bad, warn, or nothing
    icon: str
    title: str
    text: str
    verb: str
    page: str  # name of a URL that takes `key`
    key: int | UUID
    by: datetime | None = None
    since: str = ""

    @property
    def order(self) -> tuple[int, float]:
        urgency = {"bad": 0, "warn": 1}.get(self.level, 2)
        return urgency, self.by.timestamp() if self.by else float("inf")


def notices(
    offers: Sequence[ReviewRow],
    requests: Iterable[FlexRequest],
    orders: Iterable[FlexOrder],
    now: datetime,
) -> list[Notice]:
    """The most pressing first."""
    found = [notice for row in offers for notice in _offer(row)]
    found += [notice for row in requests for notice in _request(row, now)]
    found += [notice for order in orders for notice in _order(order, now)]
    return sorted(found, key=lambda notice: notice.order)


def _level(left: timedelta) -> str:
    if left < VERY_SOON:
        return "bad"
    return "warn" if left < SOON else ""


def _offer(row: ReviewRow) -> Iterator[Notice]:
    """One that waits for an answer; one that is accepted and lapses before anybody orders it."""
    offer, until = row.offer, row.offer.expires_at
    if until is None or until <= row.now:
        return
    best = row.best
    covers = best.coverage if best is not None else None
    words = f"covers {formats.grouped(100 * covers, 1)} %" if covers is not None else "unsolicited"
    about = f"{offer.counterparty.name}, {words}"
    if row.waits:
        title = f"{offer.congestion_point}: {offer} waits for an answer"
        text = f"{about}. Unanswered at its expiry it is rejected."
        level = _level(until - row.now) or "warn"
        yield Notice(level, "waiting", title, text, "Review", "dso-offer", offer.pk, until)
    elif offer.state == "accepted" and until - row.now <= SOON:
        title = f"{offer.congestion_point}: {offer} is not ordered"
        text = f"{about}. Accepted, and nothing is bought yet."
        yield Notice(_level(until - row.now), "open", title, text, "Review", "dso-offer", offer.pk, until)


def _request(row: FlexRequest, now: datetime) -> Iterator[Notice]:
    agr, place = row.counterparty.name, row.congestion_point
    if row.state in ("rejected", "failed"):
        done = f"{agr} rejected {row}" if row.state == "rejected" else f"{row} never reached {agr}"
        text = row.reason or (row.message.error if row.message is not None else "") or "No reason was given."
        yield Notice(
            "bad", row.state, f"{place}: {done}", text, "Open", "dso-request", row.group, row.expires_at
        )
    elif row.message is not None:
        hanging = _hanging(row.message, place.time_zone, now)
        if hanging is not None:
            icon, done, text, since = hanging
            title = f"{place}: {row} to {agr} {done}"
            yield Notice("warn", icon, title, text, "Open", "dso-request", row.group, since=since)


def _order(order: FlexOrder, now: datetime) -> Iterator[Notice]:
    agr, place = order.counterparty.name, order.congestion_point
    name = f"{place}: order {order.order_reference}"
    if order.state in ("rejected", "failed"):
        done = f"was rejected by {agr}" if order.state == "rejected" else f"never reached {agr}"
        text = f"{order.reason or order.message.error or 'No reason was given.'} Nothing is bought."
        yield Notice("bad", order.state, f"{name} {done}", text, "Open", "dso-order", order.pk)
        return
    hanging = _hanging(order.message, place.time_zone, now)
    if hanging is not None:
        icon, done, text, since = hanging
        yield Notice("warn", icon, f"{name} {done}", text, "Open", "dso-order", order.pk, since=since)


def _hanging(message: Message, zone: str, now: datetime) -> tuple[str, str, str, str] | None:
    """Sent, but not there after some tries, or there without an answer."""
    if message.state == MessageState.QUEUED and message.attempts >= TRIES_TOO_MANY:
        text = f"{message.attempts} tries, the last: {message.error or 'no answer'}."
        again = formats.clock(message.next_attempt_at, zone, seconds=True)
        return "queued", "is not delivered yet", text, f"next {again}"
    silent = message.no_answer_for(now)
    if silent is not None and silent > SILENT_TOO_LONG:
        text = f"Delivered {formats.clock(message.state_at, zone, seconds=True)}, no answer since."
        return "waiting", "is unanswered", text, formats.ago(int(silent.total_seconds()))
    return None
