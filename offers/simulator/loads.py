"""A believable day of a station: what households, heat pumps, cars, sun and wind draw or feed in, per ISP."""

import math
import random
from collections.abc import Iterator
from datetime import date, timedelta

from offers import uftp

from .world import Point

Bump = tuple[float, float, float]  # hour of its top, hours that it is wide, height

HOUSEHOLDS: tuple[Bump, ...] = ((7.6, 1.4, 0.28), (12.5, 2.5, 0.12), (18.6, 1.9, 0.55), (21.5, 1.6, 0.22))
HEAT_PUMPS: tuple[Bump, ...] = ((6.5, 1.8, 0.22), (18.0, 3.0, 0.20), (23.0, 2.5, 0.08))
CARS: tuple[Bump, ...] = ((18.9, 1.3, 0.26), (22.4, 2.0, 0.14))
BASE = 0.32
SUN: Bump = (12.6, 1.9, 0.16)
MARGIN = 8  # ISPs that a request shows before and after what it asks for


def forecast(point: Point, day: date, dice: random.Random) -> list[int]:
    """Watts per ISP, plus is consumption. Always beyond the capacity for a part of the day."""
    shape = list(_feed_in(point, day, dice) if _feeds_in(point) else _consumption(point, day, dice))
    top = max(map(abs, shape))
    peak = point.capacity_w * dice.uniform(1.12, 1.28)
    return [_rounded(value / top * peak, point) for value in shape]


def revised(point: Point, load: list[int], dice: random.Random) -> list[int]:
    """The same day as it looks some hours later."""
    nudge = dice.uniform(0.97, 1.04)
    return [_rounded(watts * nudge, point) for watts in load]


def _rounded(watts: float, point: Point) -> int:
    step = 1000 if point.capacity_w < 1_000_000 else 5000
    return round(watts / step) * step


def _feeds_in(point: Point) -> bool:
    return any(word in point.address.rpartition(":")[2] for word in ("wind", "solar", "sun"))


def _hours(point: Point, day: date) -> Iterator[float]:
    """The local hour in the middle of each ISP, also on days of 23 and 25 hours."""
    for number in range(1, point.isps_of(day) + 1):
        start, end = uftp.isp.isp_bounds(day, point.zone, point.isp_duration, number)
        middle = (start + (end - start) / 2).astimezone(point.zone)
        yield middle.hour + middle.minute / 60


def _bump(hour: float, bump: Bump) -> float:
    top, width, height = bump
    away = min(abs(hour - top), 24 - abs(hour - top))
    return height * math.exp(-((away / width) ** 2))


def _consumption(point: Point, day: date, dice: random.Random) -> Iterator[float]:
    weekend = 0.85 if day.weekday() >= 5 else 1.0
    cold, cars, sun = dice.uniform(0.6, 1.5), dice.uniform(0.7, 1.4), dice.uniform(0.2, 1.3)
    later = dice.uniform(-0.5, 0.6)
    noise = 0.0
    for hour in _hours(point, day):
        noise = 0.75 * noise + dice.gauss(0, 0.012)
        value = BASE + weekend * sum(_bump(hour - later, bump) for bump in HOUSEHOLDS)
        value += cold * sum(_bump(hour, bump) for bump in HEAT_PUMPS)
        value += cars * sum(_bump(hour - later, bump) for bump in CARS)
        yield value - sun * _bump(hour, SUN) + noise


def _feed_in(point: Point, day: date, dice: random.Random) -> Iterator[float]:
    """A wind front of some hours over a little consumption: minus is production."""
    top, width = dice.uniform(9, 17), dice.uniform(2.0, 3.5)
    gust = 0.0
    for hour in _hours(point, day):
        gust = 0.7 * gust + dice.gauss(0, 0.03)
        yield 0.15 - 0.45 - _bump(hour, (top, width, 0.85)) + gust


def asked(point: Point, day: date, load: list[int]) -> tuple[uftp.RequestISP, ...]:
    """The request that a load makes necessary: how far each ISP may deviate, around what is too much.

    MaxPower = capacity − forecast, MinPower = −capacity − forecast; Requested where the forecast is beyond
    the capacity in either direction.
    """
    beyond = [n for n, watts in enumerate(load, start=1) if abs(watts) > point.capacity_w]
    first, last = max(1, beyond[0] - MARGIN), min(len(load), beyond[-1] + MARGIN)
    bounds = {n: _bounds(point, load[n - 1]) for n in range(first, last + 1)}
    return tuple(
        uftp.RequestISP(
            disposition=disposition, min_power=low, max_power=high, start=start, duration=duration
        )
        for start, duration, (disposition, low, high) in uftp.isp.compress(bounds)
    )


def _bounds(point: Point, watts: int) -> tuple[str, int, int]:
    disposition = "Requested" if abs(watts) > point.capacity_w else "Available"
    return disposition, -point.capacity_w - watts, point.capacity_w - watts


def seeded(point: Point, day: date, seed: int) -> random.Random:
    """The same day at the same point looks the same after a restart."""
    return random.Random(f"{seed} {point.address} {day}")  # noqa: S311 - weather, no secret


def days_ahead(today: date, most: int) -> list[date]:
    return [today + timedelta(days=n) for n in range(1, most + 1)]
