"""What may become what: one table per object, the same for both sides of a trade.

The tables do not know which role we play. An aggregator and a distribution system operator look the
same event up in the same table, so that both ends of a conversation end in the same state, in
whatever order the messages arrive (protocol.md §4, D16, D17).
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar


class RequestState(StrEnum):
    DRAFT = "draft"
    SENT = "sent"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    FAILED = "failed"


class OfferState(StrEnum):
    DRAFT = "draft"
    SENT = "sent"
    ACCEPTED = "accepted"
    ORDERING = "ordering"
    ORDERED = "ordered"
    REJECTED = "rejected"
    REVOKED = "revoked"
    EXPIRED = "expired"
    FAILED = "failed"


class OrderState(StrEnum):
    SENT = "sent"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    FAILED = "failed"


class Event(StrEnum):
    """What can happen to a request, an offer or an order; who may cause it stands in ACTORS."""

    SEND = "send"
    ACCEPT = "accept"
    REJECT = "reject"
    SUPERSEDE = "supersede"
    REVOKE = "revoke"
    PLACE = "place"
    ORDER = "order"
    ORDER_REJECTED = "order rejected"
    EXPIRE = "expire"
    FAIL = "fail"


class Actor(StrEnum):
    USER = "user"
    MESSAGE = "message"
    CLOCK = "clock"
    GATEWAY = "gateway"


ACTORS: Mapping[Event, frozenset[Actor]] = {
    Event.SEND: frozenset({Actor.USER, Actor.MESSAGE}),
    Event.ACCEPT: frozenset({Actor.USER, Actor.MESSAGE, Actor.GATEWAY}),
    Event.REJECT: frozenset({Actor.USER, Actor.MESSAGE, Actor.GATEWAY, Actor.CLOCK}),
    Event.SUPERSEDE: frozenset({Actor.USER, Actor.MESSAGE}),
    Event.REVOKE: frozenset({Actor.USER, Actor.MESSAGE}),
    Event.PLACE: frozenset({Actor.USER}),
    Event.ORDER: frozenset({Actor.MESSAGE}),
    Event.ORDER_REJECTED: frozenset({Actor.MESSAGE, Actor.GATEWAY}),
    Event.EXPIRE: frozenset({Actor.CLOCK}),
    Event.FAIL: frozenset({Actor.GATEWAY}),
}

R, O, D, E = RequestState, OfferState, OrderState, Event

REQUEST: Mapping[tuple[RequestState, Event], RequestState] = {
    (R.DRAFT, E.SEND): R.SENT,
    (R.SENT, E.ACCEPT): R.ACCEPTED,
    (R.SENT, E.REJECT): R.REJECTED,
    (R.SENT, E.SUPERSEDE): R.SUPERSEDED,
    (R.SENT, E.EXPIRE): R.EXPIRED,
    (R.SENT, E.FAIL): R.FAILED,
    (R.ACCEPTED, E.SUPERSEDE): R.SUPERSEDED,
    (R.ACCEPTED, E.EXPIRE): R.EXPIRED,
    # An answer that comes after the deadline or after we gave up is still the counterparty's word.
    (R.EXPIRED, E.ACCEPT): R.EXPIRED,
    (R.EXPIRED, E.REJECT): R.REJECTED,
    (R.SUPERSEDED, E.ACCEPT): R.SUPERSEDED,
    (R.SUPERSEDED, E.REJECT): R.REJECTED,
    (R.FAILED, E.SEND): R.SENT,
    (R.FAILED, E.ACCEPT): R.ACCEPTED,
    (R.FAILED, E.REJECT): R.REJECTED,
    (R.FAILED, E.EXPIRE): R.EXPIRED,
}

OFFER: Mapping[tuple[OfferState, Event], OfferState] = {
    (O.DRAFT, E.SEND): O.SENT,
    (O.SENT, E.ACCEPT): O.ACCEPTED,
    (O.SENT, E.REJECT): O.REJECTED,
    (O.SENT, E.REVOKE): O.REVOKED,
    (O.SENT, E.EXPIRE): O.EXPIRED,
    (O.SENT, E.FAIL): O.FAILED,
    # An order may overtake the answer to its offer and implies that the offer was accepted.
    (O.SENT, E.ORDER): O.ORDERED,
    (O.ACCEPTED, E.PLACE): O.ORDERING,
    (O.ACCEPTED, E.ORDER): O.ORDERED,
    (O.ACCEPTED, E.REVOKE): O.REVOKED,
    (O.ACCEPTED, E.EXPIRE): O.EXPIRED,
    (O.ORDERING, E.ORDER): O.ORDERED,
    (O.ORDERING, E.ORDER_REJECTED): O.ACCEPTED,
    # D16: as long as the order is unanswered the revocation wins.
    (O.ORDERING, E.REVOKE): O.REVOKED,
    (O.ORDERED, E.ACCEPT): O.ORDERED,
    (O.REVOKED, E.ACCEPT): O.REVOKED,
    (O.REVOKED, E.REJECT): O.REVOKED,
    (O.REVOKED, E.FAIL): O.REVOKED,
    (O.REVOKED, E.ORDER_REJECTED): O.REVOKED,
    (O.EXPIRED, E.ACCEPT): O.EXPIRED,
    (O.EXPIRED, E.FAIL): O.EXPIRED,
    # Whether the sweep or the other side's "Not reviewed before expiry" comes first must not matter.
    (O.EXPIRED, E.REJECT): O.REJECTED,
    # An order or a revocation received in time counts, however late it is processed (D3).
    (O.EXPIRED, E.ORDER): O.ORDERED,
    (O.EXPIRED, E.REVOKE): O.REVOKED,
    # We gave up, and then the other side answers all the same.
    (O.FAILED, E.SEND): O.SENT,
    (O.FAILED, E.ACCEPT): O.ACCEPTED,
    (O.FAILED, E.REJECT): O.REJECTED,
    (O.FAILED, E.ORDER): O.ORDERED,
    (O.FAILED, E.REVOKE): O.REVOKED,
    (O.FAILED, E.EXPIRE): O.EXPIRED,
}

ORDER: Mapping[tuple[OrderState, Event], OrderState] = {
    (D.SENT, E.ACCEPT): D.ACCEPTED,
    (D.SENT, E.REJECT): D.REJECTED,
    # A revocation that crosses an unanswered order rejects it (D16).
    (D.SENT, E.REVOKE): D.REJECTED,
    (D.SENT, E.FAIL): D.FAILED,
    (D.REJECTED, E.REJECT): D.REJECTED,
    (D.FAILED, E.SEND): D.SENT,
    (D.FAILED, E.ACCEPT): D.ACCEPTED,
    (D.FAILED, E.REJECT): D.REJECTED,
    (D.FAILED, E.REVOKE): D.REJECTED,
}

S = TypeVar("S", RequestState, OfferState, OrderState)

TABLES: Mapping[type[StrEnum], Mapping[tuple[str, Event], StrEnum]] = {
    RequestState: {**REQUEST},
    OfferState: {**OFFER},
    OrderState: {**ORDER},
}
NOUNS = {RequestState: "FlexRequest", OfferState: "FlexOffer", OrderState: "FlexOrder"}


class IllegalMove(ValueError):
    """The table has no such move; the text is a sentence for a person."""


def after(state: S, event: Event) -> S:
    """The state that `event` leads to from `state`; IllegalMove if the table has none."""
    found = TABLES[type(state)].get((state, event))
    if found is None:
        raise IllegalMove(f"{NOUNS[type(state)]} is {state}: it cannot be {PARTICIPLES[event]} any more.")
    return type(state)(found)


PARTICIPLES = {
    Event.SEND: "sent",
    Event.ACCEPT: "accepted",
    Event.REJECT: "rejected",
    Event.SUPERSEDE: "superseded",
    Event.REVOKE: "revoked",
    Event.PLACE: "ordered",
    Event.ORDER: "ordered",
    Event.ORDER_REJECTED: "freed by a rejected order",
    Event.EXPIRE: "expired",
    Event.FAIL: "reported as undeliverable",
}


def sources(states: type[S], event: Event) -> list[S]:
    """All states from which `event` is legal, for set-based questions such as "what may expire"."""
    return [states(state) for state, seen in TABLES[states] if seen == event]


FINAL_OFFER_STATES = frozenset({O.ORDERED, O.REJECTED, O.REVOKED, O.EXPIRED})
OPEN_OFFER_STATES = frozenset({O.SENT, O.ACCEPTED, O.ORDERING})
OPEN_REQUEST_STATES = frozenset({R.SENT, R.ACCEPTED})


# --- delivery -----------------------------------------------------------------------------------

BACKOFF = tuple(timedelta(seconds=s) for s in (5, 15, 30, 60, 120, 300, 600, 1200, 2400))
JITTER = 0.2
RETRY_WINDOW = timedelta(hours=24)
LONGEST_WAIT = timedelta(hours=1)


def retry_delay(attempts: int, jitter: random.Random) -> timedelta:
    """How long to wait after the `attempts`-th failed attempt (1 for the first): grows, then hourly."""
    base = BACKOFF[attempts - 1] if attempts <= len(BACKOFF) else LONGEST_WAIT
    return base * jitter.uniform(1, 1 + JITTER)


def give_up_at(created_at: datetime, expires_at: datetime | None) -> datetime:
    """The moment after which a message is not sent any more: its own expiry, at most a day (protocol.md §3.5)."""
    latest = created_at + RETRY_WINDOW
    return min(latest, expires_at) if expires_at is not None else latest


class Verdict(StrEnum):
    """What one attempt says about a message."""

    DELIVERED = "delivered"
    TEMPORARY = "temporary"
    PERMANENT = "permanent"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one attempt ended. `unknown`: the other side may have it all the same (time-out, reset after sending)."""

    verdict: Verdict
    text: str
    status: int | None = None
    unknown: bool = False
    retry_after: timedelta | None = None


TEMPORARY_STATUSES = frozenset({404, 408, 419, 425, 429})
ALREADY_THERE_STATUSES = frozenset({400, 409})


def verdict_of_status(status: int, unknown_before: bool) -> Verdict:
    """Sort an HTTP status (protocol.md §3.2, G09); total over all integers.

    `unknown_before`: an earlier attempt may have arrived. The Java library answers a duplicate with
    400, so then a 400 says that the message is already there.
    """
    if 200 <= status < 300:
        return Verdict.DELIVERED
    if unknown_before and status in ALREADY_THERE_STATUSES:
        return Verdict.DELIVERED
    if 400 <= status < 500 and status not in TEMPORARY_STATUSES:
        return Verdict.PERMANENT
    return Verdict.TEMPORARY
