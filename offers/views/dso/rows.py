"""Requests as the DSO sees them: one need, asked of several AGRs, with what came of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any
from uuid import UUID

from offers import figures, formats
from offers.domain import OPEN_REQUEST_STATES, OfferState, RequestState
from offers.models import Answer, CongestionPoint, FlexOffer, FlexOrder, FlexRequest, MessageState
from offers.views.trades.options import OptionView, options_of
from offers.views.trades.rows import Chip, delivery_of, minutes_of, request_numbers, typed_expiry

from .review import best_of
from .typed import typed_isps

LIVE_OFFERS = ("sent", "accepted", "ordering", "ordered")
# What a group is, told by the first of these that any of its requests is in.
RANK = ("superseded", "expired", "accepted", "sent", "failed", "rejected")


@dataclass
class Recipient:
    """The request to one AGR: how far it got, and what the AGR said."""

    request: FlexRequest
    now: datetime

    @property
    def delivery(self) -> Chip | None:
        return delivery_of(self.request.message, self.request.congestion_point.time_zone)

    @property
    def is_replaced(self) -> bool:
        """Whether this AGR took a newer revision in its place."""
        return self.request.state == RequestState.SUPERSEDED

    @property
    def said(self) -> str:
        return self.request.message.answer if self.request.message is not None else ""

    @property
    def answer(self) -> Chip | None:
        """None while nothing can have been said."""
        message = self.request.message
        if message is None:
            return None
        if message.answer:
            return Chip(message.answer, "", message.answered_at)
        there = message.state == MessageState.DELIVERED
        silent = int((self.now - message.state_at).total_seconds())
        return Chip("sent", "", formats.ago(silent)) if there else None

    @property
    def reason(self) -> str:
        message = self.request.message
        if message is None or self.said == Answer.ACCEPTED:
            return ""
        return message.answer_reason or self.request.reason or message.error

    @property
    def offers(self) -> list[FlexOffer]:
        return list(self.request.flex_offers.all())

    @property
    def ordered(self) -> int:
        return sum(offer.state == OfferState.ORDERED for offer in self.offers)


@dataclass(frozen=True)
class Best:
    """The option that covers most of a need so far."""

    offer: FlexOffer
    option: OptionView

    @property
    def weight(self) -> tuple[float, Decimal]:
        return self.option.coverage or 0, -(self.option.per_mwh or Decimal(0))


@dataclass
class GroupRow:
    """One need: the same request to several AGRs."""

    rows: Sequence[FlexRequest]
    now: datetime

    @property
    def first(self) -> FlexRequest:
        return self.rows[0]

    @property
    def key(self) -> UUID:
        return self.first.group

    @property
    def point(self) -> CongestionPoint:
        return self.first.congestion_point

    @property
    def minutes(self) -> int:
        return minutes_of(self.point)

    @property
    def name(self) -> str:
        """What a person calls it: the number of its first request."""
        return f"R-{min(row.pk for row in self.rows)}"

    @property
    def is_draft(self) -> bool:
        return self.first.state == RequestState.DRAFT

    @cached_property
    def isps(self) -> list[dict[str, Any]]:
        """As sent, or as far as the draft can be read."""
        return list(typed_isps(self.first.draft)) if self.is_draft else self.first.isps

    @cached_property
    def need(self) -> dict[int, int]:
        return figures.need_w(self.isps)

    @cached_property
    def span(self) -> tuple[int, int] | None:
        numbers = list(self.need) or request_numbers(self.isps)
        return (min(numbers), max(numbers)) if numbers else None

    @property
    def is_idle(self) -> bool:
        """A draft in which nothing is Requested yet."""
        return self.is_draft and not self.need

    @property
    def peak_w(self) -> int:
        return figures.peak_w(self.need)

    @property
    def kwh(self) -> float:
        return abs(figures.need_wh(self.need, self.point.isp_duration)) / 1000

    @property
    def asks(self) -> str:
        return "use more" if figures.asks_more(self.need) else "use less"

    @property
    def closes_at(self) -> datetime | None:
        return typed_expiry(self.first.draft) if self.is_draft else self.first.expires_at

    @property
    def is_open(self) -> bool:
        at = self.first.expires_at
        runs = any(row.state in OPEN_REQUEST_STATES for row in self.rows)
        return runs and at is not None and self.now < at

    @property
    def replaced(self) -> int:
        """AGRs that took a newer revision in its place."""
        return sum(row.state == RequestState.SUPERSEDED for row in self.rows)

    @property
    def state_words(self) -> str:
        """In the place of "Open", where it is that for some only."""
        if not self.is_open or not self.replaced:
            return ""
        left = sum(row.state in OPEN_REQUEST_STATES for row in self.rows)
        return f"Open for {left} of {self.asked}"

    @property
    def state(self) -> str:
        """Draft, open, or how it ended."""
        if self.is_draft:
            return "draft"
        if self.is_open:
            return "open"
        states = {row.state for row in self.rows}
        found = next((state for state in RANK if state in states), "expired")
        return "expired" if found in ("accepted", "sent") else found

    @cached_property
    def recipients(self) -> list[Recipient]:
        return [Recipient(row, self.now) for row in self.rows]

    @property
    def asked(self) -> int:
        return len(self.rows)

    @property
    def accepted(self) -> int:
        return sum(each.said == Answer.ACCEPTED for each in self.recipients)

    @property
    def rejected(self) -> int:
        return sum(row.state in ("rejected", "failed") for row in self.rows)

    @property
    def offered(self) -> int:
        """AGRs that made an offer which stands."""
        return sum(any(o.state in LIVE_OFFERS for o in each.offers) for each in self.recipients)

    @property
    def ordered(self) -> int:
        return sum(each.ordered for each in self.recipients)

    @cached_property
    def offers(self) -> list[FlexOffer]:
        return [offer for each in self.recipients for offer in each.offers]

    @cached_property
    def best(self) -> Best | None:
        """The best option of the offers that stand: what covers most, of equals the cheapest."""
        standing = [offer for offer in self.offers if offer.state in LIVE_OFFERS]
        tops = [(offer, best_of(offer, options_of(offer))) for offer in standing]
        found = [Best(offer, option) for offer, option in tops if option is not None]
        return max(found, key=lambda best: best.weight, default=None)

    @cached_property
    def forecast(self) -> dict[int, int]:
        return forecast_of(self.first)


def forecast_of(row: FlexRequest) -> dict[int, int]:
    return {int(n): watts for n, watts in row.forecast_w.items()}


def group_rows(found: Iterable[Sequence[FlexRequest]], now: datetime) -> list[GroupRow]:
    return [GroupRow(rows, now) for rows in found if rows]


def ordered_per_day(orders: Iterable[FlexOrder]) -> dict[tuple[int, date], dict[int, int]]:
    """Watts per ISP that orders come to, by point and day."""
    sums: dict[tuple[int, date], dict[int, int]] = {}
    for order in orders:
        place = sums.setdefault((order.congestion_point_id, order.period), {})
        for n, power in figures.powers_of(order.isps).items():
            place[n] = place.get(n, 0) + power
    return sums
