"""With what a new request begins: the last known forecast, what it leaves of the capacity, and a deadline."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from offers import formats
from offers.models import CongestionPoint, Participant
from offers.uftp import isp

from . import queries

OPEN_FOR = timedelta(hours=2)
BEFORE_FIRST = timedelta(minutes=30)  # an AGR needs time to act on an order
LEAST_OPEN = timedelta(minutes=15)
STEP = timedelta(minutes=5)


def initial(
    dso: Participant, point: CongestionPoint, day: date, recipients: Sequence[int], now: datetime
) -> dict[str, Any]:
    """A draft that says what the station needs; without a forecast: what it could take."""
    zone = formats.zone_info(point.time_zone)
    last = isp.count(day, zone, point.isp_duration)
    forecast = queries.last_forecast(dso, point, last)
    starts = {n: isp.isp_bounds(day, zone, point.isp_duration, n)[0] for n in range(1, last + 1)}
    segments = [s for s in _bands(forecast, point.capacity_w, last) if starts[s["start"]] >= now + LEAST_OPEN]
    requested = [starts[s["start"]] for s in segments if s["disposition"] == "Requested"]
    closes = expiry(now, min(requested, default=None))
    return {
        "period": day.isoformat(),
        "expires_at": formats.iso(closes),
        "contract_id": None,
        "service_type": None,
        "recipients": list(recipients),
        "capacity_w": point.capacity_w,
        "isps": [s for s in segments if starts[s["start"]] >= closes],
        "forecast_w": {str(n): watts for n, watts in forecast.items()},
    }


def expiry(now: datetime, first: datetime | None) -> datetime:
    """Two hours from now, but half an hour before the first Requested ISP, on a round five minutes."""
    wanted = now + OPEN_FOR
    if first is not None:
        wanted = max(min(wanted, first - BEFORE_FIRST), now + LEAST_OPEN)
    rest = timedelta(minutes=wanted.minute % 5, seconds=wanted.second, microseconds=wanted.microsecond)
    return wanted - rest


def _bands(forecast: Mapping[int, int], capacity: int | None, last: int) -> Iterator[dict[str, Any]]:
    """Between −capacity and +capacity the station is safe; what the forecast uses of that is gone."""
    if capacity is None:
        return
    for n in range(1, last + 1):
        load = forecast.get(n, 0)
        yield {
            "start": n,
            "duration": 1,
            "disposition": "Requested" if abs(load) > capacity else "Available",
            "min_power": -capacity - load,
            "max_power": capacity - load,
        }
