"""Requests, offers and orders as rows of a page: chips, hours, figures, and what to do next."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from offers import figures, formats
from offers.domain import FINAL_OFFER_STATES, OfferState, OrderState
from offers.models import CongestionPoint, FlexOffer, FlexOrder, FlexRequest, Message, MessageState
from offers.services import drafts

from . import options


@dataclass(frozen=True)
class Chip:
    """A state as {% chip %} draws it; `at` is an instant or ready words."""

    state: str
    label: str = ""
    at: datetime | str | None = None


def minutes_of(point: CongestionPoint) -> int:
    return int(point.isp_duration.total_seconds() // 60)


# --- chips: delivered is not accepted, accepted is not ordered ------------------------------------------


def delivery_of(message: Message | None, zone: str) -> Chip | None:
    """How far a message of ours got."""
    if message is None:
        return None
    if message.state == MessageState.QUEUED:
        return _queued(message, zone)
    if message.state == MessageState.EXPIRED:
        return Chip("failed", "Too late", message.state_at)
    return Chip(message.state, "", message.state_at)


def _queued(message: Message, zone: str) -> Chip:
    """Which try is next, or under way: a worker that holds the lease has counted it already."""
    number = message.attempts if message.lease_token else message.attempts + 1
    if number <= 1:
        return Chip("queued", "", message.created_at)
    following = f"next {formats.clock(message.next_attempt_at, zone, seconds=True)}"
    return Chip("queued", f"Queued, try {number}", "under way" if message.lease_token else following)


def offer_delivery(offer: FlexOffer) -> Chip:
    """Of a draft: when it was saved, or when it will be sent by itself."""
    zone = offer.congestion_point.time_zone
    if offer.state == OfferState.DRAFT and offer.send_at is not None:
        day = formats.day_name(formats.local_day(offer.send_at, zone))
        return Chip("queued", "Planned", f"{day} {formats.clock(offer.send_at, zone)}")
    return delivery_of(offer.message, zone) or Chip("draft", "", offer.state_at)


def offer_answer(offer: FlexOffer, orders: Iterable[FlexOrder], now: datetime) -> Chip | None:
    """What the other side said, or how it ended; None where nothing can have been said yet."""
    if offer.state in (OfferState.DRAFT, OfferState.FAILED):
        return None
    if offer.state == OfferState.SENT:
        there = offer.message is not None and offer.message.state == MessageState.DELIVERED
        return Chip("sent", "", silent_for(offer, now)) if there else None
    if offer.state == OfferState.ORDERED:
        return Chip("ordered", _ordered_words(orders), offer.state_at)
    answered = offer.message.answered_at if offer.message is not None else None
    at = answered if offer.state == OfferState.ACCEPTED else None
    return Chip(offer.state, "", at or offer.state_at)


def silent_for(offer: FlexOffer, now: datetime) -> str:
    since = offer.message.state_at if offer.message is not None else offer.state_at
    return formats.ago(int((now - since).total_seconds()))


def _ordered_words(orders: Iterable[FlexOrder]) -> str:
    order = next((o for o in orders if o.state == OrderState.ACCEPTED), None)
    if order is None:
        return ""
    name = order.option.letter if order.option is not None else order.option_reference
    return f"Ordered {name} × {formats.grouped(order.factor, 2)}"


# --- offers ------------------------------------------------------------------------------------------


@dataclass
class OfferRow:
    """An offer in a list."""

    offer: FlexOffer
    now: datetime

    @cached_property
    def options(self) -> list[options.OptionView]:
        return options.options_of(self.offer)

    @cached_property
    def span(self) -> tuple[int, int] | None:
        return options.span_of(self.options)

    @property
    def minutes(self) -> int:
        return minutes_of(self.offer.congestion_point)

    @property
    def peak_w(self) -> int | None:
        peaks = {option.index: option.peak_w for option in self.options}
        return figures.peak_w(peaks) if peaks else None

    @property
    def rebounds(self) -> bool:
        return any(option.rebound_w for option in self.options)

    @property
    def letters(self) -> str:
        return " ".join(option.letter for option in self.options)

    @cached_property
    def prices(self) -> tuple[Decimal, Decimal] | None:
        return options.price_range(self.options)

    @property
    def price_words(self) -> str:
        """From the least price to the greatest, which has no currency of its own."""
        if self.prices is None:
            return formats.NONE
        least, most = self.prices
        words = formats.amount(least, self.offer.currency)
        if least == most:
            return words
        return f"{words}–{formats.amount(most, self.offer.currency).rpartition(formats.NBSP)[2]}"

    @property
    def hours(self) -> str:
        if self.span is None:
            return ""
        point = self.offer.congestion_point
        return formats.isp_hours(self.offer.period, *self.span, point.time_zone, self.minutes)

    @cached_property
    def delivery(self) -> Chip:
        return offer_delivery(self.offer)

    @cached_property
    def answer(self) -> Chip | None:
        return offer_answer(self.offer, self.offer.known_orders(), self.now)

    @property
    def why(self) -> str:
        """In the place of an answer: why an offer was never delivered, or a draft not sent as planned."""
        text = self.offer.reason
        return f"{text[:39]}…" if len(text) > 40 else text

    @property
    def done(self) -> bool:
        return self.offer.state in FINAL_OFFER_STATES - {OfferState.ORDERED} or self.is_failed

    @property
    def is_failed(self) -> bool:
        return self.offer.state == OfferState.FAILED

    @property
    def is_draft(self) -> bool:
        return self.offer.state == OfferState.DRAFT

    @property
    def runs(self) -> bool:
        """Whether its expiry is still worth counting down to."""
        return self.offer.state in ("draft", "sent", "accepted", "ordering") and self.expires_at is not None

    @cached_property
    def expires_at(self) -> datetime | None:
        return self.offer.expires_at or typed_expiry(self.offer.draft)

    @cached_property
    def deadline(self) -> datetime | None:
        """Its expiry where that is worth counting down to."""
        return self.expires_at if self.runs else None

    @property
    def copyable(self) -> bool:
        """Whether a copy could still be sent: its request runs, or there is none."""
        asked = self.offer.flex_request
        return asked is None or RequestRow(asked, self.now).is_open

    @property
    def revocable(self) -> bool:
        return may_revoke(self.offer, self.now)

    @property
    def begun(self) -> bool:
        """Whether it is too late to revoke it though it is still valid."""
        return self.offer.is_valid_at(self.now) and self.offer.has_begun_at(self.now)


def may_revoke(offer: FlexOffer, now: datetime) -> bool:
    """Who sees the button may press it: as `trading.revoke` decides."""
    stands = offer.state in ("sent", "accepted", "ordering", "failed") and offer.is_valid_at(now)
    return stands and not offer.has_begun_at(now)


def typed_expiry(draft: Mapping[str, Any]) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(draft.get("expires_at") or ""))
    except ValueError:
        return None
    return moment if moment.tzinfo is not None and moment.year in drafts.YEARS else None


# --- requests ----------------------------------------------------------------------------------------

# The answer that matters most comes first.
RANK = ("ordered", "ordering", "accepted", "sent", "draft", "rejected", "failed", "expired", "revoked")


@dataclass
class RequestRow:
    """A request in a list, with our answer to it."""

    request: FlexRequest
    now: datetime

    @cached_property
    def need(self) -> dict[int, int]:
        return figures.need_w(self.request.isps)

    @property
    def minutes(self) -> int:
        return minutes_of(self.request.congestion_point)

    @cached_property
    def span(self) -> tuple[int, int] | None:
        """First and last Requested ISP; of a request without any, those that it speaks of."""
        numbers = list(self.need) or request_numbers(self.request.isps)
        return (min(numbers), max(numbers)) if numbers else None

    @property
    def peak_w(self) -> int:
        return figures.peak_w(self.need)

    @property
    def kwh(self) -> float:
        return abs(figures.need_wh(self.need, self.request.congestion_point.isp_duration)) / 1000

    @property
    def asks(self) -> str:
        if not any(self.need.values()):
            return "stay inside"
        return "use more" if figures.asks_more(self.need) else "use less"

    @cached_property
    def offers(self) -> list[FlexOffer]:
        """Our offers on it, the one that matters most first, newer before older."""
        return sorted(self.request.flex_offers.all(), key=lambda offer: (RANK.index(offer.state), -offer.pk))

    @property
    def best(self) -> FlexOffer | None:
        return self.offers[0] if self.offers else None

    @property
    def is_open(self) -> bool:
        at = self.request.expires_at
        return self.request.state in ("sent", "accepted") and at is not None and self.now < at

    @property
    def answer(self) -> Chip | None:
        offer = self.best
        if offer is None:
            return None
        queued = offer.message is not None and offer.message.state == MessageState.QUEUED
        if offer.state == OfferState.SENT:
            tries = offer.message.attempts + 1 if offer.message is not None else 1
            words = f"Queued, try {tries}" if tries > 1 else ""
            return Chip("queued", words) if queued else Chip("delivered", "Delivered, no answer")
        return Chip("queued", "Planned") if offer.send_at and offer.state == "draft" else Chip(offer.state)

    @property
    def unanswered(self) -> bool:
        """Open, and nothing of ours stands or is being written."""
        dead = {"rejected", "failed", "expired", "revoked"}
        return self.is_open and all(offer.state in dead for offer in self.offers)

    @property
    def needs_you(self) -> bool:
        return self.unanswered or (self.is_open and self.best is not None and self.best.state == "draft")


def request_numbers(segments: Sequence[Mapping[str, Any]]) -> list[int]:
    return [n for s in segments for n in range(s["start"], s["start"] + s.get("duration", 1))]


# --- orders ------------------------------------------------------------------------------------------


@dataclass
class OrderRow:
    """An order in a list."""

    order: FlexOrder

    @cached_property
    def powers(self) -> dict[int, int]:
        return figures.powers_of(self.order.isps)

    @property
    def minutes(self) -> int:
        return minutes_of(self.order.congestion_point)

    @cached_property
    def span(self) -> tuple[int, int] | None:
        numbers = [n for n, power in self.powers.items() if power] or list(self.powers)
        return (min(numbers), max(numbers)) if numbers else None

    @cached_property
    def need(self) -> dict[int, int]:
        offer = self.order.flex_offer
        request = offer.flex_request if offer is not None else None
        return figures.need_w(request.isps) if request is not None else {}

    @cached_property
    def along_wh(self) -> int:
        return figures.along_wh(self.powers, self.need, self.order.congestion_point.isp_duration)

    @property
    def peak_w(self) -> int:
        return figures.peak_along_w(self.powers, self.need)

    @property
    def kwh(self) -> float:
        return self.along_wh / 1000

    @property
    def per_mwh(self) -> Decimal | None:
        return figures.per_mwh(self.order.price, self.along_wh)

    @property
    def done(self) -> bool:
        return self.order.state in (OrderState.REJECTED, OrderState.FAILED)

    @property
    def option(self) -> str:
        if self.order.option is not None:
            return self.order.option.letter
        return self.order.option_reference

    @property
    def verb(self) -> str:
        """What was ordered, in words: use 140 kW less."""
        peak = self.peak_w
        return f"use {formats.load(abs(peak))} kW {'more' if peak > 0 else 'less'}"
