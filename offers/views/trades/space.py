"""The power space of a request as figure and table, with the options of offers over it, and its deadlines."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from offers import charts, formats
from offers.models import CongestionPoint, FlexOffer, FlexRequest
from offers.services import mapping
from offers.uftp import isp

from . import options
from .rows import minutes_of, request_numbers

AROUND = 4  # ISPs to either side where no request says what to show
Step = dict[str, Any]
KEYS = ["requested", "available"]  # what the chart draws besides options, for its key
HEADS = ["Local", "UTC", "ISP", "Request", "MinPower kW", "MaxPower kW"]


def axis_of(point: CongestionPoint, day: date, numbers: Sequence[int]) -> list[charts.Isp]:
    """The ISPs from the first to the last of `numbers`, without gaps; the whole day if there are none."""
    zone, length = point.time_zone, point.isp_duration
    last = isp.count(day, formats.zone_info(zone), length)
    wanted = range(min(numbers), min(max(numbers), last) + 1) if numbers else range(1, last + 1)
    return charts.axis(day, wanted, zone, minutes_of(point))


def isps_of(
    point: CongestionPoint, day: date, request: FlexRequest | None, others: Sequence[int] = ()
) -> list[charts.Isp]:
    """The axis with what the request says of each ISP."""
    segments = request.isps if request is not None else []
    axis = axis_of(point, day, [*request_numbers(segments), *others])
    known = mapping.request_profile(segments)
    return [_asked(entry, known.get(entry["n"], {})) for entry in axis]


def _asked(entry: charts.Isp, segment: Mapping[str, Any]) -> charts.Isp:
    disposition = segment.get("disposition") or ("Available" if segment else None)
    entry["disposition"] = disposition
    entry["min_w"], entry["max_w"] = segment.get("min_power"), segment.get("max_power")
    return entry


def figure(
    isps: Sequence[charts.Isp], views: Sequence[options.OptionView], names: Sequence[str] | None = None
) -> charts.Figure:
    letters = names or [view.letter for view in views]
    drawn: list[charts.Option] = [
        {"letter": name, "powers": view.powers} for name, view in zip(letters, views, strict=True)
    ]
    return charts.power_space(isps, drawn)


def table(isps: Sequence[charts.Isp], views: Sequence[options.OptionView]) -> list[list[str]]:
    """The values behind the figure, ready to be read."""
    return [_line(entry, views) for entry in isps]


def _line(entry: charts.Isp, views: Sequence[options.OptionView]) -> list[str]:
    bounds = [_kw(entry.get("min_w")), _kw(entry.get("max_w"))]
    powers = [_kw(view.powers.get(entry["n"])) for view in views]
    asked = entry.get("disposition") or formats.NONE
    return [entry["local"], entry.get("utc", ""), str(entry["n"]), asked, *bounds, *powers]


def _kw(watts: int | None) -> str:
    return formats.NONE if watts is None else formats.kilowatts(watts)


def chart(
    point: CongestionPoint, day: date, request: FlexRequest | None, views: Sequence[options.OptionView]
) -> dict[str, Any]:
    """Everything that _chart.html needs, and the letters for the key."""
    others = [n for view in views for n in view.powers]
    if request is None and others:
        others += [max(1, min(others) - AROUND), max(others) + AROUND]
    isps = isps_of(point, day, request, others)
    letters = [view.letter for view in views]
    return {
        "figure": figure(isps, views),
        "heads": [*HEADS, *(f"{name} kW" for name in letters)],
        "rows": table(isps, views),
        "letters": letters,
        "keys": KEYS if request is not None else [],
    }


# --- deadlines ---------------------------------------------------------------------------------------


def steps(
    point: CongestionPoint,
    day: date,
    numbers: Sequence[int],
    now: datetime,
    request: FlexRequest | None,
    expiries: Sequence[tuple[datetime, str]] = (),
) -> list[Step]:
    """Now and the deadlines, in the order in which they come."""
    found: list[Step] = [{"at": now, "text": _now_words(point, now), "now": True}]
    if request is not None and request.expires_at is not None:
        found.append({"at": request.expires_at, "text": "request closes"})
    found += [{"at": at, "text": text} for at, text in expiries]
    if numbers:
        minutes = minutes_of(point)
        first, last = min(numbers), max(numbers)
        start = formats.isp_start(day, first, point.time_zone, minutes)
        end = formats.isp_start(day, last + 1, point.time_zone, minutes)
        found += [{"at": start, "text": f"first ISP, {first}"}, {"at": end, "text": f"end of ISP {last}"}]
    return sorted(found, key=lambda step: step["at"])


def _now_words(point: CongestionPoint, now: datetime) -> str:
    try:
        return f"now, ISP {isp.isp_at(now, formats.zone_info(point.time_zone), point.isp_duration)[1]}"
    except ValueError:
        return "now"


def heading(point: CongestionPoint, day: date, span: tuple[int, int] | None, now: datetime) -> str:
    """Station West, tomorrow 17:00–19:00."""
    ahead = (day - formats.local_day(now, point.time_zone)).days
    words = {0: "today", 1: "tomorrow"}.get(ahead, formats.day_name(day))
    hours = f" {formats.isp_hours(day, *span, point.time_zone, minutes_of(point))}" if span else ""
    return f"{point}, {words}{hours}"


def numbers_of(request: FlexRequest | None, views: Sequence[options.OptionView]) -> list[int]:
    """The ISPs that a request and options speak of."""
    asked = request_numbers(request.isps) if request is not None else []
    return asked or [n for view in views for n in view.powers]


def expiry_steps(offers: Sequence[FlexOffer]) -> list[tuple[datetime, str]]:
    return [(offer.expires_at, f"{offer} expires") for offer in offers if offer.expires_at is not None]
