"""The first request of a new demo: the visitor's DSO has asked for tomorrow before they log in."""

from datetime import date, datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model

from offers import formats, models, simulator
from offers.services import trading

POINT = "ea1.2026-01.example.demo:station-north"
ASKED_BY = "dso"
OPEN_FOR = timedelta(hours=3)
SEED = 1


def ask_first(now: datetime) -> list[models.FlexRequest]:
    """Ask all AGRs of the demo's station for tomorrow, as its staff would: drafted, judged, signed, queued.

    The workers deliver it once they run, and the simulated AGR offers some seconds later.
    """
    point = models.CongestionPoint.objects.select_related("dso").filter(entity_address=POINT).first()
    user = get_user_model().objects.filter(username=ASKED_BY).first()
    if point is None or user is None:
        return []
    day = formats.local_day(now, point.time_zone) + timedelta(days=1)
    rows = trading.draft_requests(point.dso, point, day, _draft(point, day, now), by=user, now=now)
    return trading.send_requests(point.dso, rows[0].group, by=user, now=now)


def _draft(point: models.CongestionPoint, day: date, now: datetime) -> dict[str, Any]:
    station = _station(point)
    load = simulator.forecast(station, day, simulator.seeded(station, day, SEED))
    return {
        "period": day.isoformat(),
        "expires_at": formats.iso((now + OPEN_FOR).replace(second=0, microsecond=0)),
        "contract_id": None,
        "service_type": None,
        "capacity_w": point.capacity_w,
        "forecast_w": {str(n): watts for n, watts in enumerate(load, start=1)},
        "isps": [
            {
                "start": isp.start,
                "duration": isp.duration,
                "disposition": isp.disposition,
                "min_power": isp.min_power,
                "max_power": isp.max_power,
            }
            for isp in simulator.asked(station, day, load)
        ],
    }


def _station(point: models.CongestionPoint) -> simulator.Point:
    """What the simulated loads need to know of a point."""
    return simulator.Point(
        address=point.entity_address,
        name=point.name,
        dso=point.dso.domain,
        agrs=frozenset(),
        time_zone=point.time_zone,
        isp_duration=point.isp_duration,
        currency=point.currency,
        mutex=point.mutex_offers_supported,
        capacity_w=point.capacity_w or 1_000_000,
    )
