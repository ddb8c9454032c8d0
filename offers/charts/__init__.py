"""Plotly figures as plain dicts, built from plain values; colours are names that the page resolves.

A colour is written "token:opt-a" and becomes the value of --opt-a in the theme that is on
(static/js/plots.js). The x axis counts ISP edges: ISP n lies between n - 1 and n, whatever the
length of the day.
"""

from datetime import date, datetime
from functools import lru_cache

from offers.charts.loads import bare, load_after_order, mini, position, request_chart
from offers.charts.parts import Figure, Isp, Marker, Option, Powers
from offers.charts.space import power_space
from offers.formats import clock, isp_start

__all__ = [
    "Figure",
    "Isp",
    "Marker",
    "Option",
    "Powers",
    "axis",
    "bare",
    "edge_of",
    "load_after_order",
    "mini",
    "position",
    "power_space",
    "request_chart",
]


def axis(day: date, numbers: range, zone: str, minutes: int, shift: int = 0) -> list[Isp]:
    """The ISPs of a day with their local and UTC times; `shift` puts a second day behind the first."""
    return [
        {"n": n + shift, "isp": n, "local": local, "end": end, "utc": utc}
        for n, (local, end, utc) in zip(numbers, _times(day, numbers, zone, minutes), strict=True)
    ]


@lru_cache(maxsize=256)  # a desk draws the same two days for each of its congestion points
def _times(day: date, numbers: range, zone: str, minutes: int) -> list[tuple[str, str, str]]:
    """Of each ISP: when it begins and ends by the local clock, and when it begins in UTC."""
    starts = {n: isp_start(day, n, zone, minutes) for n in (*numbers, *(number + 1 for number in numbers))}
    ends = {n: clock(starts[n + 1], zone) for n in numbers}
    return [
        (clock(starts[n], zone), "24:00" if ends[n] == "00:00" else ends[n], clock(starts[n], "UTC"))
        for n in numbers
    ]


def edge_of(instant: datetime, day: date, zone: str, minutes: int) -> float:
    """Where an instant stands on the axis of a day."""
    return (instant - isp_start(day, 1, zone, minutes)).total_seconds() / 60 / minutes
