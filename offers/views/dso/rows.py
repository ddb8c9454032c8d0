"""Requests as the DSO sees them: one need, asked of several AGRs, with what came of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any
from uuid import UUID

from offers import charts, figures, formats
from offers.domain import RequestState
from offers.models import Answer, CongestionPoint, FlexOffer, FlexOrder, FlexRequest, Membership, MessageState
from offers.uftp import isp
from offers.views import scope
from offers.views.agr.options import OptionView, options_of
from offers.views.agr.rows import Chip, delivery_of, minutes_of, request_numbers, typed_expiry

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
        runs = any(row.state in ("sent", "accepted") for row in self.rows)
        return runs and at is not None and self.now < at

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


# --- congestion points ----------------------------------------------------------------------------------


@dataclass
class PointRow:
    """A congestion point with the day that has most to do: forecast, what is ordered, what stays unmet."""

    point: CongestionPoint
    now: datetime
    membership: Membership
    day: date | None = None
    forecast: dict[int, int] = field(default_factory=dict)
    ordered: dict[int, int] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return f"load-{self.point.pk}"

    @property
    def agrs(self) -> int:
        return len(self.point.agrs.all())

    @property
    def peak_n(self) -> int | None:
        return max(self.forecast, key=lambda n: self.forecast[n], default=None)

    @property
    def peak_w(self) -> int | None:
        return None if self.peak_n is None else self.forecast[self.peak_n]

    @property
    def peak_at(self) -> str:
        if self.peak_n is None or self.day is None:
            return ""
        start = formats.isp_start(self.day, self.peak_n, self.point.time_zone, minutes_of(self.point))
        return formats.clock(start, self.point.time_zone)

    @property
    def after(self) -> dict[int, int]:
        return {n: watts + self.ordered.get(n, 0) for n, watts in self.forecast.items()}

    @property
    def unmet_w(self) -> int | None:
        """By how much the load after all orders passes the capacity at the worst ISP."""
        capacity = self.point.capacity_w
        if capacity is None or not self.forecast:
            return None
        return max(0, max(self.after.values()) - capacity)

    @property
    def figure(self) -> charts.Figure | None:
        if not self.forecast or self.day is None:
            return None
        return charts.mini(load_figure(self.point, self.day, self.forecast, self.ordered))

    @property
    def heads(self) -> list[str]:
        return LOAD_HEADS

    @property
    def table(self) -> list[list[str]]:
        return load_table(self.point, self.day, self.forecast, self.ordered) if self.day else []

    @property
    def switch_url(self) -> str:
        return scope.url(self.membership, "dso-point-answers", self.point.pk)


LOAD_HEADS = ["Local", "UTC", "ISP", "Forecast kW", "Ordered kW", "Load after kW"]


def _axis(point: CongestionPoint, day: date, forecast: dict[int, int]) -> list[charts.Isp]:
    last = isp.count(day, formats.zone_info(point.time_zone), point.isp_duration)
    numbers = [n for n in forecast if n <= last]
    wanted = range(min(numbers), max(numbers) + 1) if numbers else range(1, last + 1)
    return charts.axis(day, wanted, point.time_zone, minutes_of(point))


def load_figure(
    point: CongestionPoint, day: date, forecast: dict[int, int], ordered: dict[int, int]
) -> charts.Figure:
    """Forecast against capacity; with the load after what is ordered, where anything is."""
    axis = _axis(point, day, forecast)
    if not any(ordered.values()):
        return charts.request_chart(axis, forecast, point.capacity_w)
    after = {n: watts + ordered.get(n, 0) for n, watts in forecast.items()}
    return charts.load_after_order(axis, point.capacity_w, forecast, after)


def load_table(
    point: CongestionPoint, day: date, forecast: dict[int, int], ordered: dict[int, int]
) -> list[list[str]]:
    return [
        [
            entry["local"],
            entry.get("utc", ""),
            str(n),
            formats.load(forecast[n]),
            formats.kilowatts(ordered[n]) if n in ordered else formats.NONE,
            formats.load(forecast[n] + ordered.get(n, 0)),
        ]
        for entry in _axis(point, day, forecast)
        if (n := entry["n"]) in forecast
    ]


def point_rows(
    points: Iterable[CongestionPoint],
    known: Iterable[FlexRequest],
    orders: Iterable[FlexOrder],
    membership: Membership,
    now: datetime,
) -> list[PointRow]:
    """Of each point the day with the greatest unmet need, else the later one that has a forecast; the point
    that is shortest first."""
    sums = ordered_per_day(orders)
    days: dict[int, list[FlexRequest]] = {}
    for row in known:
        days.setdefault(row.congestion_point_id, []).append(row)
    found = []
    for point in points:
        each = [
            PointRow(
                point, now, membership, row.period, forecast_of(row), sums.get((point.pk, row.period), {})
            )
            for row in days.get(point.pk, [])
        ]
        best = max(each, key=lambda p: (p.unmet_w or 0, p.day or date.min), default=None)
        found.append(best or PointRow(point, now, membership))
    return sorted(found, key=lambda place: -(place.unmet_w or 0))


def ordered_per_day(orders: Iterable[FlexOrder]) -> dict[tuple[int, date], dict[int, int]]:
    """Watts per ISP that orders come to, by point and day."""
    sums: dict[tuple[int, date], dict[int, int]] = {}
    for order in orders:
        place = sums.setdefault((order.congestion_point_id, order.period), {})
        for n, power in figures.powers_of(order.isps).items():
            place[n] = place.get(n, 0) + power
    return sums
