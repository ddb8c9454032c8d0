"""Congestion points on the desk: forecast and load after orders against the capacity."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property

from offers import charts, formats
from offers.models import CongestionPoint, FlexOrder, FlexRequest, Membership
from offers.uftp import isp
from offers.views import scope
from offers.views.trades.rows import minutes_of

from .rows import forecast_of, ordered_per_day


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

    @cached_property
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

    @cached_property
    def after(self) -> dict[int, int]:
        return {n: watts + self.ordered.get(n, 0) for n, watts in self.forecast.items()}

    @cached_property
    def unmet_w(self) -> int | None:
        """By how much the load after all orders passes the capacity at the worst ISP."""
        capacity = self.point.capacity_w
        if capacity is None or not self.forecast:
            return None
        return max(0, max(self.after.values()) - capacity)

    @cached_property
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
