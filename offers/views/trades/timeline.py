"""What happened to an offer or an order, in order: its moves and the attempts to deliver its messages."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from offers.models import Attempt, Event, FlexOffer, FlexOrder, FlexRequest, Message


@dataclass(frozen=True)
class Entry:
    """One line of a timeline; `message` opens in the console."""

    at: datetime
    icon: str
    title: str
    text: str = ""
    who: str = ""
    message: int | None = None
    level: str = ""


ICONS = {
    "draft": "draft",
    "send": "queued",
    "receive": "in",
    "accept": "accepted",
    "reject": "rejected",
    "revoke": "revoked",
    "order": "ordered",
    "place": "ordering",
    "expire": "expired",
    "fail": "failed",
    "schedule": "waiting",
}
TITLES = {
    "draft": "Drafted",
    "send": "Signed and queued",
    "receive": "Received",
    "accept": "Accepted by the other side",
    "reject": "Rejected",
    "revoke": "Revoked",
    "order": "Ordered",
    "expire": "Expired",
    "fail": "Given up: it was never delivered",
    "schedule": "Planned",
}
# An order is accepted by us: the gateway answers for its owner.
ORDER_TITLES = {**TITLES, "accept": "Accepted by us: binding", "reject": "Refused by us"}
REQUEST_TITLES = {
    **TITLES,
    "accept": "Accepted by the aggregator",
    "reject": "Rejected by the aggregator",
    "supersede": "Superseded",
}
LEVELS = {"accept": "good", "order": "good", "reject": "bad", "fail": "bad"}


def of_offer(offer: FlexOffer) -> list[Entry]:
    sent = {offer.message_id: "Offer", offer.revocation_id: "Revocation"}
    own = {"send": offer.message_id, "revoke": offer.revocation_id}
    return entries(offer, TITLES, own, sent)


def entries(
    row: FlexOffer | FlexOrder,
    titles: Mapping[str, str],
    own: Mapping[str, int | None],
    sent: dict[int | None, str],
) -> list[Entry]:
    """The moves of a row under `titles`, and the attempts of the messages in `sent`; `own`: which message
    of ours a move sent."""
    return _sorted([_event(move, titles, own.get(move.event)) for move in _events(row)], sent)


def of_requests(rows: Sequence[FlexRequest]) -> list[Entry]:
    """A request of ours to several AGRs; what happened to some of them at once is one entry."""
    names = {row.pk: row.counterparty.name for row in rows}
    own = {row.pk: row.message_id for row in rows}
    events = Event.objects.filter(flex_request__in=names).select_related("user", "message")
    moves: dict[tuple[datetime, str, str], Entry] = {}
    for event in events.defer("message__sealed"):
        sent = own[event.flex_request_id or 0] if event.event == "send" else None
        entry = _event(event, REQUEST_TITLES, sent)
        name = names[event.flex_request_id or 0]
        text = f"{name}: {entry.text}" if entry.text else name
        key = (entry.at, entry.title, entry.who)
        moves[key] = _with(moves[key], text) if key in moves else replace(entry, text=text)
    return _sorted(moves.values(), {row.message_id: f"Request to {names[row.pk]}" for row in rows})


def _with(entry: Entry, text: str) -> Entry:
    """Several messages went: the console finds each under its own attempts."""
    return replace(entry, text=f"{entry.text}, {text}", message=None)


def of_order(order: FlexOrder) -> list[Entry]:
    """The order came in; our answer went out."""
    return entries(order, ORDER_TITLES, {}, {pk: "Answer" for pk in answers_to(order.message_id)})


def answers_to(message: int | None) -> list[int]:
    return list(Message.objects.filter(answers=message).values_list("pk", flat=True))


def _events(row: FlexOffer | FlexOrder) -> Iterable[Event]:
    return row.events.select_related("user", "message").defer("message__sealed")


def _sorted(moves: Iterable[Entry], messages: dict[int | None, str]) -> list[Entry]:
    attempts = Attempt.objects.filter(message__in=[pk for pk in messages if pk is not None])
    tries = [_attempt(row, messages[row.message_id]) for row in attempts]
    return sorted([*moves, *tries], key=lambda entry: entry.at)


def _event(row: Event, titles: Mapping[str, str], message: int | None = None) -> Entry:
    return Entry(
        at=row.at,
        icon=ICONS.get(row.event, "info"),
        title=titles.get(row.event, row.event.capitalize()),
        text=row.text,
        who=row.user.get_username() if row.user is not None else _by(row),
        message=row.message_id or message,
        level=LEVELS.get(row.event, ""),
    )


def _by(row: Event) -> str:
    return row.message.type if row.message is not None else "by itself"


def _attempt(row: Attempt, what: str) -> Entry:
    done = row.verdict == "delivered"
    said = f"HTTP {row.status}" if row.status is not None and not done else ""
    words = ", ".join(part for part in (said, "" if done else row.text) if part)
    title = (
        f"{what} delivered"
        if done
        else f"{what}: try {row.number} failed"
        if row.verdict
        else f"{what}: try {row.number}"
    )
    return Entry(
        at=row.ended_at or row.started_at,
        icon="delivered" if done else "queued",
        title=title,
        text=words,
        who=f"try {row.number}" if done else "",
        message=row.message_id,
        level="" if done or not row.verdict else "warn",
    )
