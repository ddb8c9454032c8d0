"""FlexOffers: drafted, sent and revoked at the AGR; taken in, accepted or rejected at the DSO."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.contrib.auth.models import User

from offers import domain, models, uftp
from offers.crashpoints import crashpoint
from offers.domain import Event, OfferState
from offers.models import MessageState
from offers.uftp import display

from .. import drafts, mapping, outbox
from ..atomic import atomic, locked
from .answers import Refused, answer, reason
from .moves import Cause, created, move, note


@atomic
def draft_offer(
    owner: models.Participant,
    point: models.CongestionPoint,
    counterparty: models.Participant,
    period: date,
    draft: Mapping[str, Any],
    by: User,
    now: datetime,
    request: models.FlexRequest | None = None,
) -> models.FlexOffer:
    """Start an offer to a DSO, on a request or (without one) unsolicited."""
    if not mapping.trade_at(point, owner, counterparty):
        raise Refused(
            [reason("CongestionPoint", f"Invalid congestion point: {owner} is not active at {point}.")]
        )
    row = models.FlexOffer.objects.create(
        owner=owner,
        counterparty=counterparty,
        congestion_point=point,
        period=period,
        flex_request=request,
        contract=request.contract if request is not None else None,
        currency=point.currency,
        draft=drafts.to_keep(draft),
        drafted_by=by,
        state_at=now,
        created_at=now,
    )
    created(row, "draft", Cause.by(by), now)
    return row


def locked_offer(owner: models.Participant, offer_id: int) -> models.FlexOffer:
    """The offer as it is now, locked, with what every verb asks of it."""
    offers = models.FlexOffer.objects.filter(pk=offer_id, owner=owner)
    row: models.FlexOffer = locked(offers.select_related("counterparty", "congestion_point", "message")).get()
    return between(row, owner, row.counterparty)


def between(
    row: models.FlexOffer, owner: models.Participant, counterparty: models.Participant
) -> models.FlexOffer:
    """Tell an offer and its message who their parties are, so that nobody asks the database again."""
    row.owner, row.counterparty = owner, counterparty
    if row.message is not None:
        row.message.owner, row.message.counterparty = owner, counterparty
    return row


def _draft(owner: models.Participant, offer_id: int, verb: str = "changed") -> models.FlexOffer:
    row = locked_offer(owner, offer_id)
    if row.state != OfferState.DRAFT:
        raise domain.IllegalMove(f"FlexOffer is {row.state}: it cannot be {verb} any more.")
    return row


@atomic
def save_offer_draft(
    owner: models.Participant, offer_id: int, draft: Mapping[str, Any], by: User, now: datetime
) -> models.FlexOffer:
    """Keep what was typed, right or wrong."""
    row = _draft(owner, offer_id)
    row.draft, row.drafted_by, row.state_at = drafts.to_keep(draft), by, now
    row.save(update_fields=["draft", "drafted_by", "state_at"])
    return row


@atomic
def delete_offer_draft(owner: models.Participant, offer_id: int) -> None:
    """Throw a draft away."""
    row = _draft(owner, offer_id)
    row.events.all().delete()
    row.delete()


@atomic
def schedule_offer(
    owner: models.Participant, offer_id: int, at: datetime | None, by: User, now: datetime
) -> models.FlexOffer:
    """Let a draft be sent by itself at `at`; None takes that back."""
    row = _draft(owner, offer_id)
    if at is not None:
        if at.year not in drafts.YEARS or at <= now:
            far = f"The time to send must lie in the future, and before the year {drafts.YEARS.stop}."
            raise Refused([reason("send_at", far)])
        _, reasons = _message_of(row, row.draft, now)
        if reasons:
            raise Refused(reasons)
    row.send_at, row.drafted_by, row.reason = at, by, ""
    row.save(update_fields=["send_at", "drafted_by", "reason"])
    note(
        row,
        "schedule",
        Cause.by(by),
        now,
        f"to be sent at {at:%Y-%m-%d %H:%M} UTC" if at else "not sent later",
    )
    return row


def check_offer(row: models.FlexOffer, draft: Mapping[str, Any], now: datetime) -> list[uftp.Reason]:
    """All reasons why the draft could not be sent now."""
    return _message_of(row, draft, now)[1]


def preview_offer(row: models.FlexOffer, draft: Mapping[str, Any], now: datetime) -> str:
    """The XML as it would go out; Refused while the draft cannot be read."""
    message, reasons = _message_of(row, draft, now)
    if message is None:
        raise Refused(reasons)
    return display.pretty(message)


def _message_of(
    row: models.FlexOffer, draft: Mapping[str, Any], now: datetime
) -> tuple[uftp.FlexOffer | None, list[uftp.Reason]]:
    """The draft as a message, and what the rules say of it; None when it cannot be read."""
    try:
        read, wrong = drafts.read_offer(draft)
    except drafts.NotADraft as error:
        return None, [reason("OfferOption", str(error))]
    if read is None:
        return None, wrong
    request = row.flex_request
    conversation = request.message.conversation_id if request and request.message else outbox.new_id()
    row.baseline_reference = read.baseline_reference
    options = [_segmented(option, request) for option in read.options]
    head = mapping.head(row.owner, row.counterparty, now, outbox.new_id(), conversation)
    contract_id = read.contract_id or (row.contract.contract_id if row.contract else None)
    message = mapping.offer_message(row, options, read.expires_at, head, contract_id)
    market = mapping.market_of(row.congestion_point, row.owner, row.counterparty, message)
    asked = mapping.stored_request(request)
    return message, uftp.check_offer(message, market, now, asked, request is None or asked is not None)


def _segmented(option: uftp.OfferOption, request: models.FlexRequest | None) -> uftp.OfferOption:
    """Cut into the request's own segments wherever the power is constant there (D8).

    Only a plain list of single ISPs is cut; one that overlaps itself goes to the rules as it is.
    """
    numbers = [isp.start for isp in option.isps]
    if request is None or len(set(numbers)) < len(numbers) or any(isp.duration != 1 for isp in option.isps):
        return option
    segments = mapping.segment_like({isp.start: isp.power for isp in option.isps}, request.isps)
    return uftp.OfferOption(
        option_reference=option.option_reference,
        price=option.price,
        min_activation_factor=option.min_activation_factor,
        isps=mapping.power_isps(segments),
    )


@atomic
def send_offer(owner: models.Participant, offer_id: int, by: User | None, now: datetime) -> models.FlexOffer:
    """Send a drafted offer. Refused has all reasons; then nothing was sent and the draft is as it was."""
    row = _draft(owner, offer_id, "sent")
    message, reasons = _message_of(row, row.draft, now)
    if message is None or reasons:
        raise Refused(reasons)
    request = row.flex_request
    queued = outbox.enqueue(
        row.owner,
        row.counterparty,
        message,
        now,
        about=f"{row} {row.congestion_point}",
        expires_at=message.expiration_date_time,
        refers_to=request.message if request is not None else None,
    )
    crashpoint("offer.enqueued")
    mapping.add_options(row, message.options)
    return move(
        row,
        Event.SEND,
        Cause.by(by),
        now,
        message=queued,
        expires_at=message.expiration_date_time,
        contract=mapping.contract_of(message.contract_id, row.owner, row.counterparty),
        baseline_reference=row.baseline_reference,
        send_at=None,
    )


@atomic
def revoke(owner: models.Participant, offer_id: int, by: User, now: datetime) -> models.FlexOffer:
    """Withdraw an offer that was sent: from this moment on an order for it is rejected (D16)."""
    row = locked_offer(owner, offer_id)
    domain.after(OfferState(row.state), Event.REVOKE)
    if row.message is None or not row.is_valid_at(now):
        raise domain.IllegalMove("FlexOffer is expired: it cannot be revoked any more.")
    if row.has_begun_at(now):
        raise domain.IllegalMove("The first ISP of the FlexOffer has begun: it cannot be revoked any more.")
    message = uftp.FlexOfferRevocation(
        **mapping.head(row.owner, row.counterparty, now, outbox.new_id(), row.message.conversation_id),
        flex_offer_message_id=row.message.message_id,
    )
    queued = outbox.enqueue(
        row.owner, row.counterparty, message, now, about=row.message.about, refers_to=row.message
    )
    return move(row, Event.REVOKE, Cause.by(by), now, revocation=queued)


@atomic
def accept_offer(owner: models.Participant, offer_id: int, by: User, now: datetime) -> models.FlexOffer:
    """Staff accept an offer that waits for them: it may then be ordered."""
    row = _waiting(owner, offer_id, now)
    return _accept(row, Cause.by(by), now)


@atomic
def reject_offer(
    owner: models.Participant, offer_id: int, text: str, by: User, now: datetime
) -> models.FlexOffer:
    """Staff reject an offer that waits for them; the text goes to the AGR."""
    row = _waiting(owner, offer_id, now)
    words = drafts.plain(text)
    if not words:
        raise Refused([reason("RejectionReason", "The aggregator needs a reason: write one sentence.")])
    return _reject(row, words, Cause.by(by), now)


def _waiting(owner: models.Participant, offer_id: int, now: datetime) -> models.FlexOffer:
    row = locked_offer(owner, offer_id)
    if row.state == OfferState.SENT and not row.is_valid_at(now):
        raise domain.IllegalMove("FlexOffer is expired: it cannot be answered any more.")
    if row.state != OfferState.SENT or row.message is None or row.message.state != MessageState.PENDING:
        raise domain.IllegalMove(f"FlexOffer is {row.state}: there is nothing left to answer.")
    return row


def _accept(row: models.FlexOffer, cause: Cause, now: datetime) -> models.FlexOffer:
    moved = move(row, Event.ACCEPT, cause, now)
    if row.message is not None:
        answer(row.message, [], now)
    return moved


def _reject(row: models.FlexOffer, text: str, cause: Cause, now: datetime) -> models.FlexOffer:
    moved = move(row, Event.REJECT, cause, now, text=text, reason=text)
    if row.message is not None:
        answer(row.message, [reason("FlexOffer", text)], now)
    return moved


def accept_if_waiting(row: models.FlexOffer, cause: Cause, now: datetime) -> models.FlexOffer:
    """D23: an offer that still waits is answered Accepted before it is ordered or its revocation taken in."""
    waits = (
        row.state == OfferState.SENT and row.message is not None and row.message.state == MessageState.PENDING
    )
    return _accept(row, cause, now) if waits else row


NOT_REVIEWED = "Not reviewed before expiry"


def reject_unreviewed(row: models.FlexOffer, cause: Cause, now: datetime) -> models.FlexOffer:
    """D23: an offer that nobody answered is rejected at its expiry."""
    return _reject(row, NOT_REVIEWED, cause, now)
