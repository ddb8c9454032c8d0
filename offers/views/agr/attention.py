"""What needs the trader now: derived from the state of things, and gone when that is solved."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from offers import formats
from offers.models import Answer, FlexOffer, Message, MessageState
from offers.views.trades.notices import SOON, Notice, by_urgency, hanging
from offers.views.trades.rows import OfferRow, RequestRow


def notices(requests: Sequence[RequestRow], offers: Sequence[OfferRow], now: datetime) -> list[Notice]:
    open_requests = {row.request.pk: row for row in requests}
    found = [*_unanswered(requests, now)]
    for row in offers:
        asked = open_requests.get(row.offer.flex_request_id or 0)
        found += [
            *_lost(row, asked),
            *_drafts(row, now),
            *_under_way(row.offer, now),
            *_revocations(row.offer),
        ]
    return by_urgency(found)


def _unanswered(requests: Iterable[RequestRow], now: datetime) -> Iterator[Notice]:
    for row in requests:
        closes = row.request.expires_at
        if row.offers or closes is None or closes - now > SOON:
            continue
        text = f"Asks to {row.asks}, {formats.kilowatts(row.peak_w)} kW at the peak."
        title = f"{row.request.congestion_point}: {row.request} is not answered"
        yield Notice("warn", "open", title, text, "Open", "agr-request", row.request.pk, by=closes)


def _lost(row: OfferRow, asked: RequestRow | None) -> Iterator[Notice]:
    """Rejected or never arrived, while the request is open and nothing else of ours stands on it."""
    offer = row.offer
    if offer.state not in ("rejected", "failed"):
        return
    if asked is not None and (asked.best is None or asked.best.pk != offer.pk):
        return
    if asked is None and not _still_counts(offer, row.now):
        return
    done = "was rejected" if offer.state == "rejected" else "was never delivered"
    by = asked.request.expires_at if asked is not None else offer.expires_at
    title = f"{offer.congestion_point}: {offer} {done}"
    sign = "rejected" if offer.state == "rejected" else "failed"
    mend = asked is not None and offer.state == "rejected"
    verb, page = ("Fix a copy", "agr-offer-copy") if mend else ("Open", "agr-offer")
    yield Notice(
        "bad", sign, title, offer.reason or "No reason was given.", verb, page, offer.pk, by, post=mend
    )


def _still_counts(offer: FlexOffer, now: datetime) -> bool:
    return offer.flex_request_id is None and offer.is_valid_at(now)


def _drafts(row: OfferRow, now: datetime) -> Iterator[Notice]:
    """A draft that was not sent as planned, or whose time runs out."""
    offer, until = row.offer, row.expires_at
    if offer.state != "draft" or offer.send_at is not None:
        return
    request = offer.flex_request
    closes = request.expires_at if request is not None else until
    if closes is not None and closes <= now:
        yield _too_late(offer)
        return
    soon = closes is not None and closes - now <= SOON
    if not soon and not offer.reason:
        return
    words = offer.reason or "It is a draft: only you know it."
    title = f"{offer.congestion_point}: {offer} is not sent"
    level = "bad" if offer.reason else "warn"
    yield Notice(level, "draft", title, words, "Continue", "agr-offer-edit", offer.pk, closes)


def _too_late(offer: FlexOffer) -> Notice:
    title = f"{offer.congestion_point}: {offer} was never sent"
    text = offer.reason or "It is too late for this draft: delete it, or give it another expiry."
    return Notice("", "expired", title, text, "Open", "agr-offer", offer.pk)


def _under_way(offer: FlexOffer, now: datetime) -> Iterator[Notice]:
    """Sent, but not there after some tries, or there without an answer."""
    if offer.state != "sent" or offer.message is None:
        return
    place = offer.congestion_point
    found = hanging(offer.message, place.time_zone, now)
    if found is not None:
        level = "warn" if found.icon == "queued" else ""
        title = f"{place}: {offer} {found.done}"
        yield Notice(level, found.icon, title, found.text, "Open", "agr-offer", offer.pk, since=found.since)


def _revocations(offer: FlexOffer) -> Iterator[Notice]:
    """The other side does not know, or does not agree, that the offer is withdrawn."""
    if offer.revocation is None or not (problem := _problem(offer.revocation)):
        return
    title = f"{offer.congestion_point}: the revocation of {offer} {problem}"
    text = offer.revocation.answer_reason or offer.revocation.error or "Ask the other side."
    yield Notice("bad", "failed", title, text, "Open", "agr-offer", offer.pk)


def _problem(revocation: Message) -> str:
    if revocation.answer == Answer.REJECTED:
        return "was rejected"
    lost = revocation.state in (MessageState.FAILED, MessageState.EXPIRED)
    return "was never delivered" if lost else ""
