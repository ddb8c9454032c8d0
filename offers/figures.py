"""The figures of a trade, in one place: energy, price per MWh, what is asked, how much of it is covered.

Plain values in and out; powers are watts, minus = less consumption or more production.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

SECOND = timedelta(seconds=1)
SECONDS_PER_HOUR = 3600
WH_PER_MWH = 1_000_000

Segments = Iterable[Mapping[str, Any]]  # {start, duration, power} or {…, disposition, min_power, max_power}
Powers = Mapping[int, int]  # watts per ISP number


def powers_of(segments: Segments) -> dict[int, int]:
    """Watts per ISP number of a stored list (its bounds were checked before it was stored)."""
    return {n: segment["power"] for segment in segments for n in _numbers(segment)}


def _numbers(segment: Mapping[str, Any]) -> range:
    return range(segment["start"], segment["start"] + segment.get("duration", 1))


def energy_wh(segments: Segments, isp_length: timedelta) -> int:
    """The net energy of a power list in watt-hours, signed like the power."""
    return _wh(sum(segment["power"] * segment.get("duration", 1) for segment in segments), isp_length)


def _wh(watts: int, isp_length: timedelta) -> int:
    """Half a watt-hour counts as one. In whole numbers: a float is exact up to 2⁵³ only."""
    doubled = abs(watts) * (isp_length // SECOND) * 2
    rounded = (doubled + SECONDS_PER_HOUR) // (2 * SECONDS_PER_HOUR)
    return rounded if watts >= 0 else -rounded


def need_w(request_segments: Segments) -> dict[int, int]:
    """What a request asks per Requested ISP: the bound of its power space that is nearer to zero.

    Negative asks for less consumption, positive for more; an ISP whose power space contains zero asks
    for nothing and is 0.
    """
    return {
        n: _asked(segment["min_power"], segment["max_power"])
        for segment in request_segments
        if segment.get("disposition") == "Requested"
        for n in _numbers(segment)
    }


def _asked(least: int, most: int) -> int:
    if most < 0:
        return most
    return least if least > 0 else 0


def asks_more(need: Powers) -> bool:
    """Whether a request asks to use more; otherwise it asks to use less."""
    return any(watts > 0 for watts in need.values())


def along_wh(powers: Powers, need: Powers, isp_length: timedelta) -> int:
    """The energy that goes the way that is asked, as a positive number; the rest is rebound.

    Where nothing is asked (an unsolicited offer) the way is that of the greater part.
    """
    if goes_up(powers, need):
        return _wh(sum(power for power in powers.values() if power > 0), isp_length)
    return _wh(-sum(power for power in powers.values() if power < 0), isp_length)


def goes_up(powers: Powers, need: Powers) -> bool:
    """The way that is asked; where nothing is asked, that of the greater part."""
    return asks_more(need) if any(need.values()) else sum(powers.values()) > 0


def peak_along_w(powers: Powers, need: Powers) -> int:
    """The most that is given the way that is asked; of what only goes the other way, the most of that."""
    up = goes_up(powers, need)
    along = max(powers.values(), default=0) if up else min(powers.values(), default=0)
    return along if along * (1 if up else -1) > 0 else peak_w(powers)


def rebound_w(powers: Powers, need: Powers) -> int:
    """The most that goes the other way than what is asked; 0 where nothing does."""
    if goes_up(powers, need):
        return min(0, min(powers.values(), default=0))
    return max(0, max(powers.values(), default=0))


def need_wh(need: Powers, isp_length: timedelta) -> int:
    """The energy that a request asks for, signed."""
    return _wh(sum(need.values()), isp_length)


def per_mwh(price: Decimal, energy_wh: int) -> Decimal | None:
    """The price of a megawatt-hour; None where there is no energy to divide by."""
    return price * WH_PER_MWH / abs(energy_wh) if energy_wh else None


def coverage(option_powers: Powers, need: Powers) -> float | None:
    """Which part of the asked power an option gives, 0 to 1; None where nothing is asked.

    More than is asked in one ISP makes up for nothing in another.
    """
    asked = given = 0
    for n, wanted in need.items():  # a loop: a desk asks this for hundreds of options
        asked += abs(wanted)
        power = option_powers.get(n, 0)
        if power * wanted > 0:
            given += min(abs(power), abs(wanted))
    return given / asked if asked else None


def peak_w(powers: Powers) -> int:
    """The power that is furthest from zero."""
    return max(powers.values(), key=abs, default=0)
