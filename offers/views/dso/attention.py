"""What needs the DSO's staff now: derived from the state of things, and gone when that is solved."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from offers import formats
from offers.models import FlexOrder, FlexRequest
from offers.views.trades.notices import SOON, Notice, by_urgency, hanging

from .offers import ReviewRow

VERY_SOON = timedelta(minutes=15)


def notices(
    offers: Sequence[ReviewRow],
    requests: Iterable[FlexRequest],
    orders: Iterable[FlexOrder],
    now: datetime,
) -> list[Notice]:
    found = [notice for row in offers for notice in _offer(row)]
    found += [notice for row in requests for notice in _request(row, now)]
    found += [notice for order in orders for notice in _order(order, now)]
    return by_urgency(found)


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
        found = hanging(row.message, place.time_zone, now)
        if found is not None:
            title = f"{place}: {row} to {agr} {found.done}"
            yield Notice(
                "warn", found.icon, title, found.text, "Open", "dso-request", row.group, since=found.since
            )


def _order(order: FlexOrder, now: datetime) -> Iterator[Notice]:
    agr, place = order.counterparty.name, order.congestion_point
    name = f"{place}: order {order.order_reference}"
    if order.state in ("rejected", "failed"):
        done = f"was rejected by {agr}" if order.state == "rejected" else f"never reached {agr}"
        text = f"{order.reason or order.message.error or 'No reason was given.'} Nothing is bought."
        yield Notice("bad", order.state, f"{name} {done}", text, "Open", "dso-order", order.pk)
        return
    found = hanging(order.message, place.time_zone, now)
    if found is not None:
        title = f"{name} {found.done}"
        yield Notice("warn", found.icon, title, found.text, "Open", "dso-order", order.pk, since=found.since)
