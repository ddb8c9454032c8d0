"""What time and the gateway do to trades: expiry, giving up, sending what was planned."""

from collections.abc import Callable
from datetime import datetime
from functools import partial

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from offers import domain, models, uftp
from offers.crashpoints import crashpoint
from offers.domain import Event, OfferState, OrderState, RequestState
from offers.models import Direction, MessageState

from .. import keys, queues
from ..atomic import atomic, locked
from .answers import Refused
from .moves import CLOCK, GATEWAY, lock, move, move_all
from .offers import reject_unreviewed, send_offer

CHUNK = 200
# One tenant without a key, or with a draft that no XML can hold, must not stop the sweep for all.
UNSENDABLE = (keys.NoKey, keys.MasterKeyWrong, uftp.BadMessage)
LOST = [MessageState.FAILED, MessageState.EXPIRED]


def expire_due(now: datetime) -> int:
    """Expire every request and offer whose ExpirationDateTime has come; how many.

    Each state by itself and by its time alone: so the next chunk stands in an index in its order. Asked for
    several states, or for an order within the same instant, PostgreSQL reads all that is due for each chunk,
    and with it every message that there is.
    """
    if not queues.any_expired(now):
        return 0  # nearly always: one question instead of a transaction for each state
    steps: list[Callable[[], int]] = []
    steps += [partial(_expire_offers, state, now) for state in domain.sources(OfferState, Event.EXPIRE)]
    steps += [partial(_expire_requests, state, now) for state in domain.sources(RequestState, Event.EXPIRE)]
    return sum(_in_chunks(step) for step in steps)


def _in_chunks(step: Callable[[], int]) -> int:
    done = 0
    while (count := step()) > 0:
        done += count
    return done


def expiring_offers(now: datetime, *states: OfferState) -> QuerySet[models.FlexOffer]:
    """Offers past their expiry, but for those with a message received in time that is not processed yet;
    in these states, or in all from which an offer expires."""
    unprocessed = models.Message.objects.unprocessed().filter(
        owner=OuterRef("owner"),
        counterparty=OuterRef("counterparty"),
        conversation_id=OuterRef("message__conversation_id"),
        received_at__lt=OuterRef("expires_at"),
    )
    states = states or tuple(domain.sources(OfferState, Event.EXPIRE))
    return models.FlexOffer.objects.filter(~Exists(unprocessed), state__in=states, expires_at__lte=now)


@atomic
def _expire_offers(state: OfferState, now: datetime) -> int:
    due = expiring_offers(now, state).select_related("message", "owner", "counterparty")
    rows = list(locked(due.order_by("expires_at"), skip_locked=True)[:CHUNK])
    waiting = [row for row in rows if row.message is not None and row.message.state == MessageState.PENDING]
    for row in waiting:
        _reject_or_expire(row, now)
    others = [row for row in rows if row not in waiting]
    move_all(others, Event.EXPIRE, CLOCK, now)
    for _ in others:
        crashpoint("sweep.offer_expired")
    return len(rows)


def _reject_or_expire(row: models.FlexOffer, now: datetime) -> None:
    try:
        with transaction.atomic():
            reject_unreviewed(row, CLOCK, now)
            crashpoint("sweep.unreviewed_rejected")
    except UNSENDABLE as error:  # without a key there is no answer, but the offer is over all the same
        move(lock(row), Event.EXPIRE, CLOCK, now, text=str(error))


def expiring_requests(now: datetime, *states: RequestState) -> QuerySet[models.FlexRequest]:
    """Requests past their expiry; in these states, or in all from which a request expires."""
    states = states or tuple(domain.sources(RequestState, Event.EXPIRE))
    return models.FlexRequest.objects.filter(state__in=states, expires_at__lte=now)


@atomic
def _expire_requests(state: RequestState, now: datetime) -> int:
    due = expiring_requests(now, state).order_by("expires_at")
    rows = list(locked(due, skip_locked=True)[:CHUNK])
    move_all(rows, Event.EXPIRE, CLOCK, now)
    for _ in rows:
        crashpoint("sweep.request_expired")
    return len(rows)


def fail_undelivered(now: datetime) -> int:
    """Tell the trades whose message never arrived; how many."""
    if not queues.any_lost(now):
        return 0
    return _fail_requests(now) + _fail_offers(now) + _fail_orders(now)


def _fail(row: models.FlexRequest | models.FlexOffer | models.FlexOrder, now: datetime) -> None:
    text = row.message.error if row.message is not None else ""
    move(row, Event.FAIL, GATEWAY, now, text=text, reason=text)
    crashpoint("sweep.failed")


@atomic
def _fail_requests(now: datetime) -> int:
    lost = models.FlexRequest.objects.filter(
        state=RequestState.SENT, message__direction=Direction.OUT, message__state__in=LOST
    )
    rows = list(locked(lost.select_related("message"), skip_locked=True)[:CHUNK])
    for row in rows:
        _fail(row, now)
    return len(rows)


@atomic
def _fail_offers(now: datetime) -> int:
    lost = models.FlexOffer.objects.filter(
        state=OfferState.SENT, message__direction=Direction.OUT, message__state__in=LOST
    )
    rows = list(locked(lost.select_related("message"), skip_locked=True)[:CHUNK])
    for row in rows:
        _fail(row, now)
    return len(rows)


@atomic
def _fail_orders(now: datetime) -> int:
    """Only orders that certainly never arrived: where an attempt may have, the AGR has the last word."""
    lost = models.FlexOrder.objects.filter(
        state=OrderState.SENT,
        message__direction=Direction.OUT,
        message__state__in=LOST,
        message__unknown_outcome=False,
    )
    rows = list(lost.select_related("message").order_by("flex_offer_id", "pk")[:CHUNK])
    for row in rows:
        offer = lock(row.flex_offer) if row.flex_offer is not None else None
        row = lock(row)
        if row.state != OrderState.SENT:
            continue  # its answer came in the meantime
        _fail(row, now)
        if offer is not None and offer.state == OfferState.ORDERING:
            move(offer, Event.ORDER_REJECTED, GATEWAY, now, text="the order was never delivered")
    return len(rows)


def _still_may(row: models.FlexOffer) -> None:
    """Whoever planned it may have lost the right since."""
    by = row.drafted_by
    mine = models.Membership.objects.filter(user=by, user__is_active=True, participant=row.owner).first()
    if mine is None or not mine.may(models.Right.TRADE):
        raise domain.IllegalMove(f"{by or 'Its author'} may not trade for {row.owner} any more.")


def send_planned(now: datetime) -> int:
    """Send the drafts whose time has come; one that is refused by then stays a draft with the reason."""
    if not queues.any_planned(now):
        return 0
    due = models.FlexOffer.objects.filter(state=OfferState.DRAFT, send_at__lte=now)
    rows = list(due.select_related("owner", "drafted_by")[:CHUNK])
    for row in rows:
        crashpoint("planned.before_send")
        try:
            _still_may(row)
            send_offer(row.owner, row.pk, row.drafted_by, now)
            crashpoint("planned.sent")
        except models.FlexOffer.DoesNotExist:
            continue
        except (Refused, domain.IllegalMove, *UNSENDABLE) as error:
            models.FlexOffer.objects.filter(pk=row.pk, state=OfferState.DRAFT).update(
                send_at=None, reason=f"Not sent at the planned time: {error}"
            )
    return len(rows)
