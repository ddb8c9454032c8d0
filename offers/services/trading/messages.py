"""Verbs on messages themselves: a test message, sending again, prognoses, and answers without a trade."""

from datetime import datetime

from django.contrib.auth.models import User
from django.db.models import Max

from offers import models, uftp
from offers.domain import Event

from .. import mapping, outbox
from ..atomic import atomic, locked
from .answers import ACCEPTED, Judgement, name
from .moves import Cause, lock, move
from .requests import lock_point


@atomic
def send_test(owner: models.Participant, counterparty: models.Participant, now: datetime) -> models.Message:
    """Ask a counterparty whether it hears us: signed, delivered and answered like any message."""
    head = mapping.head(owner, counterparty, now, outbox.new_id(), outbox.new_id())
    return outbox.enqueue(owner, counterparty, uftp.TestMessage(**head), now, about="test")


OVER = ("revoked", "rejected", "superseded")


@atomic
def send_again(owner: models.Participant, message_id: int, by: User, now: datetime) -> models.Message:
    """Send the same bytes once more; what had failed with the message is sent again, too."""
    row = locked(models.Message.objects.filter(pk=message_id, owner=owner)).get()
    row = outbox.send_again(row, now)
    for noun in ("flex_request", "flex_offer", "flex_order"):
        trade = getattr(row, noun, None)
        if trade is not None and trade.state in OVER:
            raise outbox.NotQueueable(f"{trade} is {trade.state}: there is nothing left to send.")
        if trade is not None and trade.state == "failed":
            _revive(trade, by, now)
    return row


def _revive(trade: models.FlexRequest | models.FlexOffer | models.FlexOrder, by: User, now: datetime) -> None:
    if isinstance(trade, models.FlexOrder) and trade.flex_offer is not None:
        offer = lock(trade.flex_offer)
        move(offer, Event.PLACE, Cause.by(by), now)
    move(lock(trade), Event.SEND, Cause.by(by), now)


def take_test(row: models.Message, message: uftp.TestMessage, now: datetime) -> Judgement:
    name(row, "test")
    return ACCEPTED


def take_prognosis(row: models.Message, message: uftp.DPrognosis, now: datetime) -> Judgement:
    """A DSO gets a D-Prognosis: the accepted one with the highest Revision is the actual one (D12, D19)."""
    point = lock_point(message.congestion_point)
    market = mapping.market_of(point, row.owner, row.counterparty, message)
    same = models.Prognosis.objects.filter(
        owner=row.owner,
        counterparty=row.counterparty,
        congestion_point=point,
        period=message.period,
        state="accepted",
    )
    highest = same.aggregate(highest=Max("revision"))["highest"] if point else None
    reasons = uftp.check_prognosis(message, market, row.received_at or now, highest)
    if reasons or point is None:
        return Judgement.no(reasons)
    models.Prognosis.objects.create(
        owner=row.owner,
        counterparty=row.counterparty,
        congestion_point=point,
        period=message.period,
        message=row,
        state="accepted",
        revision=message.revision,
        isps=mapping.power_segments(message.isps),
        state_at=now,
        created_at=now,
    )
    return ACCEPTED


def just_noted(
    row: models.Message, asked: models.Message, message: uftp.PayloadMessage, now: datetime
) -> None:
    """An answer that moves no trade: it stands at the message that asked."""
