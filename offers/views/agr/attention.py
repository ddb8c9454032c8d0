"""What needs the trader now: derived from the state of things, and gone when that is solved."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from offers import formats
from offers.models import Answer, FlexOffer, Message, MessageState
from offers.views.trades.rows import OfferRow, RequestRow, silent_for

CLOSES_SOON = timedelta(hours=1)
SILENT_TOO_LONG = timedelta(minutes=5)
TRIES_TOO_MANY = 2


@dataclass(frozen=True)
class Notice:
    """One thing to do: what, why, until when, and where."""

    level: str  # bad, warn, or nothing
    icon: str
    title: str
    text: str
    verb: str
    page: str  # name of a URL that takes `pk`
    pk: int
    by: datetime | None = None
    since: str = ""
    post: bool = False

    @property
    def order(self) -> tuple[int, float]:
        urgency = {"bad": 0, "warn": 1}.get(self.level, 2)
        return urgency, self.by.timestamp() if self.by else float("inf")


def notices(requests: Sequence[RequestRow], offers: Sequence[OfferRow], now: datetime) -> list[Notice]:
    """The most pressing first."""
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
    return sorted(found, key=lambda notice: notice.order)


def _unanswered(requests: Iterable[RequestRow], now: datetime) -> Iterator[Notice]:
    for row in requests:
        closes = row.request.expires_at
        if row.offers or closes is None or closes - now > CLOSES_SOON:
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
    soon = closes is not None and closes - now <= CLOSES_SOON
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
    message = offer.message
    if offer.state != "sent" or message is None:
        return
    name = offer.congestion_point
    if message.state == MessageState.QUEUED and message.attempts >= TRIES_TOO_MANY:
        text = f"{message.attempts} tries, the last: {message.error or 'no answer'}."
        again = formats.clock(message.next_attempt_at, name.time_zone, seconds=True)
        title = f"{name}: {offer} is not delivered yet"
        yield Notice("warn", "queued", title, text, "Open", "agr-offer", offer.pk, since=f"next {again}")
    if message.state == MessageState.DELIVERED and now - message.state_at > SILENT_TOO_LONG:
        at = formats.clock(message.state_at, name.time_zone, seconds=True)
        text = f"Delivered {at}, no answer since."
        title = f"{name}: {offer} is unanswered"
        since = silent_for(offer, now)
        yield Notice("", "waiting", title, text, "Open", "agr-offer", offer.pk, since=since)


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
