"""What is still open although its time is over (G13): nothing may be, without somebody being told.

`ours` is what this installation should have done; the rest is what a counterparty owes us, and a notice.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet

from offers import domain, models
from offers.domain import OfferState
from offers.models import Answer, MessageState

from . import queues
from .trading.offers_in import WAIT_FOR_REFERENCE
from .trading.sweeps import expiring_offers, expiring_requests

GRACE = timedelta(seconds=60)  # for the sweeps to come round
ANSWER_GRACE = timedelta(hours=1)  # after its expiry an answer is of no use any more
LONGEST_SILENCE = timedelta(hours=24)  # for what has no expiry; replies may take hours

COUNT_TO = 1_000  # more of them say no more

Rows = QuerySet[Any]


@dataclass(frozen=True)
class Kind:
    """One way to be overdue: a question to the rows, and what to tell a person about `n` of them."""

    find: Callable[[datetime], Rows]
    text: str
    ours: bool = True


def _not_given_up(now: datetime) -> Rows:
    late = now - GRACE
    over = Q(expires_at__lt=late) | Q(state_at__lt=late - domain.RETRY_WINDOW)
    return models.Message.objects.queued().filter(over)


def _unprocessed(now: datetime) -> Rows:
    received = models.Message.objects.filter(direction="in", state=MessageState.RECEIVED)
    return received.filter(next_attempt_at__lt=now - GRACE)


def _waiting(now: datetime) -> Rows:
    waiting = models.Message.objects.filter(direction="in", state=MessageState.WAITING)
    return waiting.filter(received_at__lt=now - GRACE - WAIT_FOR_REFERENCE)


def _parked(now: datetime) -> Rows:
    """What was answered Rejected is over for the counterparty; of the others it hears nothing."""
    parked = models.Message.objects.filter(direction="in", state=MessageState.PARKED, answer=Answer.NONE)
    return parked.filter(state_at__lt=now - GRACE)


def _not_sent_as_planned(now: datetime) -> Rows:
    return models.FlexOffer.objects.filter(state=OfferState.DRAFT, send_at__lt=now - GRACE)


def _unanswered(now: datetime) -> Rows:
    late = Q(expires_at__lt=now - ANSWER_GRACE) | Q(expires_at=None, state_at__lt=now - LONGEST_SILENCE)
    # In the order of their own index. Nearly all messages are delivered and nearly all are answered, which
    # PostgreSQL takes to be true of many at once: in any other order it expects plenty, and reads them all.
    return models.Message.objects.unanswered().filter(late).order_by("owner_id", "pk")


def _order_unanswered(now: datetime) -> Rows:
    return models.FlexOffer.objects.filter(state=OfferState.ORDERING, expires_at__lt=now - ANSWER_GRACE)


KINDS: Mapping[str, Kind] = {
    "not_given_up": Kind(_not_given_up, "still queued although it is too late to send"),
    "unprocessed": Kind(_unprocessed, "received but not processed for a minute"),
    "waiting": Kind(_waiting, "still waiting for the message that it refers to"),
    "parked": Kind(_parked, "parked and never answered: process it again in the console"),
    "requests_open": Kind(lambda now: expiring_requests(now - GRACE), "request open past its expiry"),
    "offers_open": Kind(lambda now: expiring_offers(now - GRACE), "offer open past its expiry"),
    "planned_unsent": Kind(_not_sent_as_planned, "offer not sent at its planned time"),
    "unanswered": Kind(_unanswered, "delivered, but never answered", ours=False),
    "orders_unanswered": Kind(_order_unanswered, "ordered, but the aggregator has not answered", ours=False),
}


@dataclass(frozen=True)
class Overdue:
    """So many of one kind."""

    kind: str
    text: str
    count: int
    ours: bool


def overdue(now: datetime, owner: models.Participant | None = None) -> list[Overdue]:
    """What is open past its deadline, of one participant or of all."""
    return list(_found(now, owner))


def _found(now: datetime, owner: models.Participant | None) -> Iterator[Overdue]:
    for name, kind in KINDS.items():
        rows = kind.find(now) if owner is None else kind.find(now).filter(owner=owner)
        count = rows[:COUNT_TO].count()
        if count:
            yield Overdue(name, kind.text, count, kind.ours)


def oldest_due(now: datetime) -> timedelta:
    """For how long the oldest message that could be sent has been waiting for a worker.

    A counterparty that fails is left out: its messages wait for it, not for us.
    """
    pk = queues.oldest(now)
    if pk is None:
        return timedelta(0)
    return now - models.Message.objects.values_list("next_attempt_at", flat=True).get(pk=pk)
