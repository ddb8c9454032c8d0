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

RS, OS, DS, EV = RequestState, OfferState, OrderState, Event

REQUEST: Mapping[tuple[RequestState, Event], RequestState] = {
    (RS.DRAFT, EV.SEND): RS.SENT,
    (RS.SENT, EV.ACCEPT): RS.ACCEPTED,
    (RS.SENT, EV.REJECT): RS.REJECTED,
    (RS.SENT, EV.SUPERSEDE): RS.SUPERSEDED,
    (RS.SENT, EV.EXPIRE): RS.EXPIRED,
    (RS.SENT, EV.FAIL): RS.FAILED,
    (RS.ACCEPTED, EV.SUPERSEDE): RS.SUPERSEDED,
    (RS.ACCEPTED, EV.EXPIRE): RS.EXPIRED,
    # An answer that comes after the deadline or after we gave up is still the counterparty's word.
    (RS.EXPIRED, EV.ACCEPT): RS.EXPIRED,
    (RS.EXPIRED, EV.REJECT): RS.REJECTED,
    (RS.SUPERSEDED, EV.ACCEPT): RS.SUPERSEDED,
    (RS.SUPERSEDED, EV.REJECT): RS.REJECTED,
    (RS.FAILED, EV.SEND): RS.SENT,
    (RS.FAILED, EV.ACCEPT): RS.ACCEPTED,
    (RS.FAILED, EV.REJECT): RS.REJECTED,
    (RS.FAILED, EV.EXPIRE): RS.EXPIRED,
}

OFFER: Mapping[tuple[OfferState, Event], OfferState] = {
    (OS.DRAFT, EV.SEND): OS.SENT,
    (OS.SENT, EV.ACCEPT): OS.ACCEPTED,
    (OS.SENT, EV.REJECT): OS.REJECTED,
    (OS.SENT, EV.REVOKE): OS.REVOKED,
    (OS.SENT, EV.EXPIRE): OS.EXPIRED,
    (OS.SENT, EV.FAIL): OS.FAILED,
    # An order may overtake the answer to its offer and implies that the offer was accepted.
    (OS.SENT, EV.ORDER): OS.ORDERED,
    (OS.ACCEPTED, EV.PLACE): OS.ORDERING,
    (OS.ACCEPTED, EV.ORDER): OS.ORDERED,
    (OS.ACCEPTED, EV.REVOKE): OS.REVOKED,
    (OS.ACCEPTED, EV.EXPIRE): OS.EXPIRED,
    (OS.ORDERING, EV.ORDER): OS.ORDERED,
    (OS.ORDERING, EV.ORDER_REJECTED): OS.ACCEPTED,
    # D16: as long as the order is unanswered the revocation wins.
    (OS.ORDERING, EV.REVOKE): OS.REVOKED,
    (OS.ORDERED, EV.ACCEPT): OS.ORDERED,
    (OS.REVOKED, EV.ACCEPT): OS.REVOKED,
    (OS.REVOKED, EV.REJECT): OS.REVOKED,
    (OS.REVOKED, EV.FAIL): OS.REVOKED,
    (OS.REVOKED, EV.ORDER_REJECTED): OS.REVOKED,
    (OS.EXPIRED, EV.ACCEPT): OS.EXPIRED,
    (OS.EXPIRED, EV.FAIL): OS.EXPIRED,
    # Whether the sweep or the other side's "Not reviewed before expiry" comes first must not matter.
    (OS.EXPIRED, EV.REJECT): OS.REJECTED,
    # An order or a revocation received in time counts, however late it is processed (D3).
    (OS.EXPIRED, EV.ORDER): OS.ORDERED,
    (OS.EXPIRED, EV.REVOKE): OS.REVOKED,
    # We gave up, and then the other side answers all the same.
    (OS.FAILED, EV.SEND): OS.SENT,
    (OS.FAILED, EV.ACCEPT): OS.ACCEPTED,
    (OS.FAILED, EV.REJECT): OS.REJECTED,
    (OS.FAILED, EV.ORDER): OS.ORDERED,
    (OS.FAILED, EV.REVOKE): OS.REVOKED,
    (OS.FAILED, EV.EXPIRE): OS.EXPIRED,
}

ORDER: Mapping[tuple[OrderState, Event], OrderState] = {
    (DS.SENT, EV.ACCEPT): DS.ACCEPTED,
    (DS.SENT, EV.REJECT): DS.REJECTED,
    # A revocation that crosses an unanswered order rejects it (D16).
    (DS.SENT, EV.REVOKE): DS.REJECTED,
    (DS.SENT, EV.FAIL): DS.FAILED,
    (DS.REJECTED, EV.REJECT): DS.REJECTED,
    (DS.FAILED, EV.SEND): DS.SENT,
    (DS.FAILED, EV.ACCEPT): DS.ACCEPTED,
    (DS.FAILED, EV.REJECT): DS.REJECTED,
    (DS.FAILED, EV.REVOKE): DS.REJECTED,
}

S = TypeVar("S", RequestState, OfferState, OrderState)

TABLES: Mapping[type[StrEnum], Mapping[tuple[str, Event], StrEnum]] = {
    RequestState: {(str(state), event): to for (state, event), to in REQUEST.items()},
    OfferState: {(str(state), event): to for (state, event), to in OFFER.items()},
    OrderState: {(str(state), event): to for (state, event), to in ORDER.items()},
}
NOUNS = {RequestState: "FlexRequest", OfferState: "FlexOffer", OrderState: "FlexOrder"}


class IllegalMove(ValueError):
    """The table has no such move; the text is a sentence for a person."""


def after(state: S, event: Event) -> S:
    """The state that `event` leads to from `state`; IllegalMove if the table has none."""
    found = TABLES[type(state)].get((state, event))
    if found is None:
        done = PARTICIPLES[event]
        raise IllegalMove(f"{NOUNS[type(state)]} is {state}: it cannot be {done} any more.")
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


FINAL_OFFER_STATES = frozenset({OS.ORDERED, OS.REJECTED, OS.REVOKED, OS.EXPIRED})
OPEN_OFFER_STATES = frozenset({OS.SENT, OS.ACCEPTED, OS.ORDERING})
OPEN_REQUEST_STATES = frozenset({RS.SENT, RS.ACCEPTED})


# --- delivery -----------------------------------------------------------------------------------

# Each is at least 1.2 times the one before, so that no jitter makes a wait shorter than the last one, and the
# fifteenth attempt comes within the day also where each wait is as long as it can be.
BACKOFF = (
    *(timedelta(seconds=s) for s in (5, 15, 45)),
    *(timedelta(minutes=m) for m in (2, 5, 12, 25, 45, 65, 95, 135, 175, 220, 270)),
)
JITTER = (1.1, 1.3)
RETRY_WINDOW = timedelta(hours=24)
MOST_ATTEMPTS = len(BACKOFF) + 1


def retry_delay(failures: int, jitter: random.Random) -> timedelta:
    """How long to wait after so many failed attempts (1 or more); what failed together is spread (G10)."""
    return BACKOFF[min(failures, len(BACKOFF)) - 1] * jitter.uniform(*JITTER)


def give_up_at(created_at: datetime, expires_at: datetime | None) -> datetime:
    """The moment from which a message is not sent any more: its expiry, at most a day (protocol.md §3.5)."""
    latest = created_at + RETRY_WINDOW
    return min(latest, expires_at) if expires_at is not None else latest


class Verdict(StrEnum):
    """What one attempt says about a message."""

    DELIVERED = "delivered"
    TEMPORARY = "temporary"
    PERMANENT = "permanent"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one attempt ended. `unknown`: the other side may have it all the same, as after a time-out."""

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
