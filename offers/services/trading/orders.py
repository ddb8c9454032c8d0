"""FlexOrders: placed at the DSO, taken in at the AGR; binding once they are accepted."""

from datetime import datetime
from decimal import Decimal

from django.contrib.auth.models import User
from django.db.models import QuerySet, prefetch_related_objects

from offers import domain, models, uftp
from offers.crashpoints import crashpoint
from offers.domain import Event, OfferState, OrderState
from offers.models import Profile

from .. import drafts, mapping, outbox, sql
from ..atomic import atomic
from .answers import ACCEPTED, Judgement, Refused, accepted, name, reason
from .moves import Cause, created, lock, move, note
from .offers import accept_if_waiting, locked_offer
from .offers_in import offer_of


@atomic
def order(
    owner: models.Participant,
    offer_id: int,
    option_reference: str,
    factor: Decimal,
    by: User,
    now: datetime,
    order_reference: str = "",
) -> models.FlexOrder:
    """Order one option of an offer at a factor. Refused has all reasons; then nothing happened."""
    offer = locked_offer(owner, offer_id)
    if not offer.is_valid_at(now) and offer.state in domain.OPEN_OFFER_STATES:
        raise domain.IllegalMove("FlexOffer is expired: it cannot be ordered any more.")
    offer = accept_if_waiting(offer, Cause.by(by), now)
    domain.after(OfferState(offer.state), Event.PLACE)
    option = offer.options.filter(option_reference=option_reference).first()
    if option is None or offer.message is None:
        raise Refused([reason("OptionReference", f"The offer has no option “{option_reference}”.")])
    _check_factor(option, factor)
    reference = (
        drafts.plain(order_reference)[: drafts.TEXT_LIMIT]
        or f"{owner.domain.partition('.')[0]}-{now:%Y%m%d}-{outbox.new_id()[:8]}"
    )
    message = _order_message(offer, option, factor, reference, now)
    market = mapping.market_of(offer.congestion_point, offer.owner, offer.counterparty, message)
    stored = mapping.stored_offer(offer)
    reasons = uftp.check_order(message, market, now, stored, mapping.OFFER_STANDING[offer.state])
    if reasons:
        raise Refused(reasons)
    queued = outbox.enqueue(
        offer.owner,
        offer.counterparty,
        message,
        now,
        about=f"{offer} {option.option_reference} × {factor}",
        expires_at=offer.expires_at,
        refers_to=offer.message,
    )
    placed = _store(queued, offer, option, factor, reference, OrderState.SENT, now)
    created(placed, "place", Cause.by(by), now)
    move(offer, Event.PLACE, Cause.by(by), now, text=f"{option.option_reference} × {factor}")
    return placed


def _check_factor(option: models.OfferOption, factor: Decimal) -> None:
    if not factor.is_finite() or factor != round(factor, 2) or not option.min_factor <= factor <= 1:
        raise Refused(
            [
                reason(
                    "ActivationFactor",
                    f"ActivationFactor {factor} is not within {option.min_factor} and 1.00.",
                )
            ]
        )


def _order_message(
    offer: models.FlexOffer, option: models.OfferOption, factor: Decimal, reference: str, now: datetime
) -> uftp.FlexOrder:
    """As offered plus the factor, or scaled where the counterparty wants it so (D5)."""
    assert offer.message is not None  # noqa: S101  # for the type checker: it was sent, else it could not be ordered
    form = uftp.Form.SCALED if offer.counterparty.profile == Profile.SCALED else uftp.Form.OFFERED
    said = uftp.written(mapping.option_message(option), factor, offer.currency, form)
    head = mapping.head(offer.owner, offer.counterparty, now, outbox.new_id(), offer.message.conversation_id)
    return uftp.FlexOrder(
        **head,
        **mapping.flex(offer.congestion_point, offer.period),
        flex_offer_message_id=offer.message.message_id,
        contract_id=offer.contract.contract_id if offer.contract else None,
        d_prognosis_message_id=offer.d_prognosis_message_id or None,
        baseline_reference=offer.baseline_reference or None,
        price=said.price,
        currency=offer.currency,
        order_reference=reference,
        option_reference=option.option_reference,
        activation_factor=factor,
        unsolicited=uftp.unsolicited(head["version"], offer.message.message_id),
        isps=said.isps,
    )


def _store(
    row: models.Message,
    offer: models.FlexOffer,
    option: models.OfferOption,
    factor: Decimal,
    reference: str,
    state: OrderState,
    now: datetime,
) -> models.FlexOrder:
    """The order as it is to be carried out and paid: power and price at the factor (D7)."""
    done = uftp.scaled(mapping.option_message(option), factor, offer.currency)
    segments = mapping.power_segments(done.isps)
    order = models.FlexOrder(
        owner=offer.owner,
        counterparty=offer.counterparty,
        congestion_point=offer.congestion_point,
        period=offer.period,
        flex_offer=offer,
        option=option,
        message=row,
        state=state,
        order_reference=reference,
        option_reference=option.option_reference,
        activation_factor=mapping.hundredths(factor),
        price=done.price,
        currency=offer.currency,
        isps=segments,
        energy_wh=mapping.energy_wh(segments, offer.congestion_point),
        peak_w=mapping.peak_w(segments),
        state_at=now,
        created_at=now,
    )
    return sql.insert(order)


# --- what comes in ------------------------------------------------------------------------------------


NO_DIRECT_ORDERS = "Unknown reference FlexOfferMessageID: direct orders, without an offer, are not taken here"


def take_order(row: models.Message, message: uftp.FlexOrder, now: datetime) -> Judgement:
    """An AGR gets an order: it must match its offer exactly, in time, and be the first (D17)."""
    point = sql.find(models.CongestionPoint, entity_address=message.congestion_point)
    market = mapping.market_of(point, row.owner, row.counterparty, message)
    offer = offer_of(row, message.flex_offer_message_id) if message.flex_offer_message_id else None
    prefetch_related_objects([offer] if offer is not None else [], "options")
    stored = mapping.stored_offer(offer) if offer is not None else None
    standing = mapping.OFFER_STANDING[offer.state] if offer is not None else "unknown"
    reasons = uftp.check_order(message, market, row.received_at or now, stored, standing)
    if message.flex_offer_message_id is None:
        reasons = [reason("FlexOfferMessageID", NO_DIRECT_ORDERS), *reasons]
    if reasons or offer is None or stored is None:
        _note_refusal(row, offer, message, reasons, now)
        return Judgement.no(reasons or [reason("FlexOfferMessageID", "Unknown reference FlexOfferMessageID")])
    match = uftp.match_order(message, stored)
    if not isinstance(match, uftp.Match):
        return Judgement.no(match)
    option = next(o for o in offer.options.all() if o.option_reference == match.option.option_reference)
    placed = _store(row, offer, option, match.factor, message.order_reference, OrderState.SENT, now)
    created(placed, "receive", Cause.of(row), now)
    crashpoint("order.stored")
    move(placed, Event.ACCEPT, Cause.of(row), now)
    move(offer, Event.ORDER, Cause.of(row), now, text=f"{option.option_reference} × {match.factor}")
    name(row, f"{offer} {option.option_reference} × {match.factor}")
    return ACCEPTED


def _note_refusal(
    row: models.Message,
    offer: models.FlexOffer | None,
    message: uftp.FlexOrder,
    reasons: list[uftp.Reason],
    now: datetime,
) -> None:
    """A refused order leaves the offer as it is, but its time line must show it."""
    if offer is not None:
        why = "; ".join(r.text for r in reasons)
        note(offer, "order refused", Cause.of(row), now, f"{message.order_reference[:100]}: {why}")


def order_answered(
    row: models.Message, asked: models.Message, message: uftp.ResponseMessage, now: datetime
) -> None:
    """A DSO gets an AGR's answer to its order."""
    placed = sql.find(models.FlexOrder, message=asked)
    if placed is None or placed.flex_offer_id is None:
        return
    offer = sql.find(models.FlexOffer, locked=True, pk=placed.flex_offer_id)
    assert offer is not None  # noqa: S101 - for the type checker: a reference of the database
    placed = lock(placed)
    cause, text = Cause.of(row), message.rejection_reason or ""
    try:
        if accepted(message):
            domain.after(OrderState(placed.state), Event.ACCEPT)
            _give_way(offer, placed, cause, now)
            move(placed, Event.ACCEPT, cause, now)
            crashpoint("order.answer_half_noted")
            move(offer, Event.ORDER, cause, now)
        else:
            move(placed, Event.REJECT, cause, now, text=text, reason=text)
            if offer.state == OfferState.ORDERING and not _others_sent(offer, placed).exists():
                move(offer, Event.ORDER_REJECTED, cause, now, text=text)
    except domain.IllegalMove:
        note(offer, "late answer", cause, now, f"{message.result}: {text}".rstrip(": "))


def _others_sent(offer: models.FlexOffer, order: models.FlexOrder) -> QuerySet[models.FlexOrder]:
    """Orders for the same offer that wait for their answer; one was placed after another was given up."""
    return offer.flex_orders.filter(state=OrderState.SENT).exclude(pk=order.pk)


def _give_way(offer: models.FlexOffer, accepted_one: models.FlexOrder, cause: Cause, now: datetime) -> None:
    """We gave an order up and placed another, and now the AGR accepts the first: that one binds (D17)."""
    why = f"Flexibility already ordered by {accepted_one.order_reference[:100]}"
    for other in _others_sent(offer, accepted_one).order_by("pk"):
        move(lock(other), Event.REJECT, cause, now, text=why, reason=why)
