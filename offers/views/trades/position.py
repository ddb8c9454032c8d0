"""The position: what is ordered and what is offered per ISP, at each congestion point."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple, Protocol

from offers import charts, figures, formats
from offers.models import CongestionPoint, FlexOrder
from offers.uftp import isp

from .rows import minutes_of

Sums = dict[date, Counter[int]]  # watts per ISP of a day
KEYS = ["ordered", "offered", "now"]  # what the chart draws, for its key
HEADS = ["Day", "Local", "UTC", "ISP", "Ordered kW", "Offered kW"]


class Ordered(Protocol):
    """What a position needs to know of an order."""

    @property
    def congestion_point_id(self) -> int: ...
    @property
    def period(self) -> date: ...
    @property
    def isps(self) -> figures.Segments: ...


class Offered(NamedTuple):
    """What a position needs to know of an offer: the powers of each of its options."""

    congestion_point_id: int
    period: date
    options: Sequence[figures.Powers]


@dataclass
class Position:
    """One congestion point over some days."""

    point: CongestionPoint
    days: Sequence[date]
    ordered: Sums
    offered: Sums
    now: datetime

    @property
    def id(self) -> str:
        return f"position-{self.point.pk}"

    @property
    def is_empty(self) -> bool:
        """Nothing on the days that are shown."""
        return not any(self.ordered.get(day) or self.offered.get(day) for day in self.days)

    def _last(self, day: date) -> int:
        return isp.count(day, formats.zone_info(self.point.time_zone), self.point.isp_duration)

    def _shifted(self, sums: Sums) -> dict[int, int]:
        """The days behind each other on one axis."""
        found: dict[int, int] = {}
        shift = 0
        for day in self.days:
            found |= {n + shift: power for n, power in sums.get(day, {}).items() if power}
            shift += self._last(day)
        return found

    @cached_property
    def isps(self) -> list[charts.Isp]:
        found: list[charts.Isp] = []
        for day in self.days:
            numbers = range(1, self._last(day) + 1)
            zone, minutes = self.point.time_zone, minutes_of(self.point)
            found += charts.axis(day, numbers, zone, minutes, shift=len(found))
        return found

    @property
    def figure(self) -> charts.Figure:
        minute = self.now.replace(second=0, microsecond=0)  # so that a poll finds nothing new every second
        edge = charts.edge_of(minute, self.days[0], self.point.time_zone, minutes_of(self.point))
        isps = [self._named(entry) for entry in self.isps]
        inside = edge if 0 <= edge <= len(isps) else None
        return charts.position(isps, self._shifted(self.ordered), self._shifted(self.offered), None, inside)

    def _named(self, entry: charts.Isp) -> charts.Isp:
        """Midnight has the short name of the day that begins: a row of the desk is narrow."""
        return {**entry, "local": f"{self._day_of(entry):%a}"} if entry.get("isp") == 1 else entry

    def _day_of(self, entry: charts.Isp) -> date:
        """The day of an entry of the axis, on which days stand behind each other."""
        shift = entry["n"] - entry.get("isp", entry["n"])
        for day in self.days:
            if shift <= 0:
                return day
            shift -= self._last(day)
        return self.days[-1]

    @property
    def mini(self) -> charts.Figure:
        return charts.mini(self.figure)

    @cached_property
    def words(self) -> str:
        """Ordered −140 today, offered +220 tomorrow."""
        parts = [
            f"{kind} {formats.kilowatts(figures.peak_w(sums[day]))} kW {self._day_word(day)}"
            for kind, sums in (("ordered", self.ordered), ("offered", self.offered))
            for day in self.days
            if figures.peak_w(sums.get(day, {}))
        ]
        return ", ".join(parts) or "nothing promised"

    def _day_word(self, day: date) -> str:
        ahead = (day - formats.local_day(self.now, self.point.time_zone)).days
        return {0: "today", 1: "tomorrow"}.get(ahead, formats.day_name(day))

    @property
    def rows(self) -> list[list[str]]:
        """The ISPs in which anything is promised, with their values."""
        ordered, offered = self._shifted(self.ordered), self._shifted(self.offered)
        return [
            [
                formats.day_name(self._day_of(entry)),
                entry["local"],
                entry.get("utc", ""),
                str(entry.get("isp", entry["n"])),
                _kw(ordered, entry["n"]),
                _kw(offered, entry["n"]),
            ]
            for entry in self.isps
            if entry["n"] in ordered or entry["n"] in offered
        ]

    @property
    def heads(self) -> list[str]:
        return HEADS


def _kw(powers: Mapping[int, int], n: int) -> str:
    return formats.kilowatts(powers[n]) if n in powers else formats.NONE


def days_from(point: CongestionPoint, now: datetime) -> list[date]:
    """Today and tomorrow, as the point's clock sees them."""
    today = formats.local_day(now, point.time_zone)
    return [today, today + timedelta(days=1)]


def positions(
    points: Iterable[CongestionPoint],
    orders: Iterable[Ordered],
    offers: Iterable[Offered],
    now: datetime,
    days: Sequence[date] | None = None,
) -> list[Position]:
    """The position at each point at which anything is promised; without `days` for today and tomorrow."""
    found = {point.pk: Position(point, days or days_from(point, now), {}, {}, now) for point in points}
    for order in orders:
        place = found.get(order.congestion_point_id)
        if place is not None and order.period in place.days:
            place.ordered.setdefault(order.period, Counter()).update(figures.powers_of(order.isps))
    for offer in offers:
        place = found.get(offer.congestion_point_id)
        if place is not None and offer.period in place.days:
            place.offered.setdefault(offer.period, Counter()).update(most_of(offer.options))
    return [place for place in found.values() if not place.is_empty]


def most_of(options: Iterable[figures.Powers]) -> dict[int, int]:
    """The most that an open offer may come to: per ISP the option furthest from zero; only one is ordered."""
    most: dict[int, int] = {}
    for powers in options:
        for n, power in powers.items():
            if abs(power) > abs(most.get(n, 0)):
                most[n] = power
    return most


def schedule(orders: Iterable[FlexOrder]) -> Iterator[dict[str, Any]]:
    """One line per promised ISP, for a machine: watts, instants with offset."""
    for order in orders:
        yield from _lines(order)


def _lines(order: FlexOrder) -> list[dict[str, Any]]:
    point = order.congestion_point
    zone, minutes = formats.zone_info(point.time_zone), minutes_of(point)
    lines = []
    for n, power in sorted(figures.powers_of(order.isps).items()):
        start = formats.isp_start(order.period, n, zone, minutes)
        lines.append(
            {
                "order": order.order_reference,
                "congestion_point": point.entity_address,
                "day": order.period.isoformat(),
                "local": start.astimezone(zone).isoformat(timespec="minutes"),
                "utc": formats.iso(start),
                "isp": n,
                "power_w": power,
            }
        )
    return lines
