"""FlexOffers, revocations and their answers, as they come in from the other side."""

from datetime import datetime, timedelta
from typing import Any

from offers import domain, models, uftp
from offers.crashpoints import crashpoint
from offers.domain import Event, OfferState
from offers.models import Direction

from .. import mapping, sql
from ..atomic import locked
from .answers import ACCEPTED, PENDING, WAITS, Judgement, accepted, name
from .moves import GATEWAY, Cause, created, move, note
from .offers import accept_if_waiting, between

WAIT_FOR_REFERENCE = timedelta(seconds=30)


def take_offer(row: models.Message, message: uftp.FlexOffer, now: datetime) -> Judgement:
    """A DSO gets an offer: judged at its receipt; accepted at once or left to staff, as the point is set."""
    point = sql.find(models.CongestionPoint, entity_address=message.congestion_point)
    market = mapping.market_of(point, row.owner, row.counterparty, message)
    wanted = message.flex_request_message_id
    request = _request_of(row, wanted)
    known = wanted is None or request is not None
    reasons = uftp.check_offer(
        message, market, row.received_at or now, mapping.stored_request(request), known
    )
    if reasons or point is None:
        return Judgement.no(reasons)
    offer = models.FlexOffer(
        owner=row.owner,
        counterparty=row.counterparty,
        congestion_point=point,
        period=message.period,
        flex_request=request,
        message=row,
        state=OfferState.SENT,
        expires_at=message.expiration_date_time,
        contract=mapping.contract_of(message.contract_id, row.owner, row.counterparty),
        baseline_reference=message.baseline_reference or "",
        d_prognosis_message_id=message.d_prognosis_message_id or "",
        currency=message.currency,
        state_at=now,
        created_at=now,
    )
    sql.insert(offer)
    mapping.add_options(offer, message.options)
    crashpoint("offer.taken_in")
    created(offer, "receive", Cause.of(row), now)
    name(row, f"{offer} {point}")
    if not point.answers_automatically:
        return PENDING
    move(offer, Event.ACCEPT, GATEWAY, now)
    return ACCEPTED


def _request_of(row: models.Message, message_id: str | None) -> models.FlexRequest | None:
    """The request of ours with this MessageID, with what the rules ask of it."""
    if message_id is None:
        return None
    ours: dict[str, Any] = {"owner": row.owner, "counterparty": row.counterparty, "direction": Direction.OUT}
    sent = sql.find(models.Message, **ours, message_id=message_id)
    request = sql.find(models.FlexRequest, "congestion_point", message=sent) if sent is not None else None
    if request is not None and sent is not None:
        request.message, sent.owner, sent.counterparty = sent, row.owner, row.counterparty
    return request


def offer_of(row: models.Message, message_id: str | None) -> models.FlexOffer | None:
    """The offer with this MessageID between the two parties of a message, locked."""
    offers = models.FlexOffer.objects.filter(
        owner=row.owner, counterparty=row.counterparty, message__message_id=message_id
    )
    related = ("congestion_point", "message", "flex_request__message")
    offer = locked(offers.select_related(*related)).first()
    return offer and between(offer, row.owner, row.counterparty)


def take_revocation(row: models.Message, message: uftp.FlexOfferRevocation, now: datetime) -> Judgement:
    """A DSO gets a revocation: it wins over an order that is not answered yet (D16)."""
    moment = row.received_at or now
    offer = offer_of(row, message.flex_offer_message_id)
    is_late = now >= moment + WAIT_FOR_REFERENCE
    if offer is None and (not is_late or _is_unread(row, message.flex_offer_message_id)):
        return WAITS
    reasons = uftp.check_revocation(
        offer is not None,
        offer is not None and offer.state == OfferState.ORDERED,
        message_id=message.flex_offer_message_id,
    )
    if reasons or offer is None:
        return Judgement.no(reasons)
    name(row, offer.message.about if offer.message is not None else str(offer))
    if offer.state not in GONE:
        offer = accept_if_waiting(offer, GATEWAY, now)
        move(offer, Event.REVOKE, Cause.of(row), now, revocation=row)
        crashpoint("revocation.moved")
        _drop_pending_orders(offer, row, now)
    return ACCEPTED


def _is_unread(row: models.Message, message_id: str) -> bool:
    """Whether the offer has arrived, too, and no worker has come to it: the revocation overtook it."""
    unread = models.Message.objects.unprocessed().filter(owner=row.owner, counterparty=row.counterparty)
    return unread.filter(type="FlexOffer", message_id=message_id).exists()


# Nothing is left to revoke; the protocol knows no ground to refuse it (protocol.md §2.1).
GONE = (OfferState.REVOKED, OfferState.REJECTED)
REVOKED_FIRST = "Reference message revoked"


def _drop_pending_orders(offer: models.FlexOffer, row: models.Message, now: datetime) -> None:
    for order in offer.flex_orders.filter(state__in=domain.sources(domain.OrderState, Event.REVOKE)):
        move(order, Event.REVOKE, Cause.of(row), now, text=REVOKED_FIRST, reason=REVOKED_FIRST)


def offer_answered(
    row: models.Message, asked: models.Message, message: uftp.ResponseMessage, now: datetime
) -> None:
    """An AGR gets a DSO's answer to its offer: valid for the other side, or not; never yet an order."""
    offer = sql.find(models.FlexOffer, locked=True, message=asked)
    if offer is None:
        return
    text = message.rejection_reason or ""
    event = Event.ACCEPT if accepted(message) else Event.REJECT
    try:
        if event == Event.ACCEPT:
            move(offer, event, Cause.of(row), now)
        else:
            move(offer, event, Cause.of(row), now, text=text, reason=text)
    except domain.IllegalMove:
        note(offer, f"late {event}", Cause.of(row), now, f"{message.result}: {text}".rstrip(": "))


def revocation_answered(
    row: models.Message, asked: models.Message, message: uftp.ResponseMessage, now: datetime
) -> None:
    """An AGR gets the answer to its revocation; when it is No, the two sides disagree and staff must know."""
    offer = models.FlexOffer.objects.filter(revocation=asked).first()
    if offer is not None:
        text = (
            "accepted" if accepted(message) else f"rejected: {message.rejection_reason or 'no reason given'}"
        )
        note(offer, "revocation answered", Cause.of(row), now, text)
