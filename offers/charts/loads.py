"""Load against capacity, and what is promised per ISP."""

import math
from collections.abc import Sequence
from typing import Any

from offers.charts.parts import (
    Figure,
    Isp,
    Powers,
    Trace,
    bars,
    hatched,
    heads,
    kw,
    line,
    load_axis,
    note,
    power_axis,
    time_axis,
    token,
    vertical,
)
from offers.formats import kilowatts, load


def over_capacity(isps: Sequence[Isp], forecast_w: Powers, capacity_w: int) -> Trace:
    points = [
        (isp["n"] - 0.5, kw(capacity_w), kw(forecast_w[isp["n"]]))
        for isp in isps
        if forecast_w.get(isp["n"], 0) > capacity_w
    ]
    return bars(points, "Over capacity", **hatched("bad-soft", "bad", 6, 0.25))


APART = 0.3  # of a row's height is what a label takes
LABEL = 0.4  # of a phone's chart is what the name of the capacity takes


def capacity_line(
    isps: Sequence[Isp], capacity_w: int, lines: Sequence[Trace]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The line, and its name at the end at which the load stays farther below it."""
    first, last = isps[0]["n"] - 1, isps[-1]["n"]
    y = kw(capacity_w)
    shape = {
        "type": "line",
        "x0": first,
        "x1": last,
        "y0": y,
        "y1": y,
        "line": {"color": token("ink"), "width": 2.5},
    }
    reach = math.ceil(len(isps) * LABEL)
    left, right = (
        [v for line in lines for v in line["y"][1:-1][part]] for part in (slice(reach), slice(-reach, None))
    )
    words = f"capacity {load(capacity_w)} kW"
    if max(left) < max(right):
        return shape, note(first, y, words, xanchor="left", xshift=4, yshift=10)
    return shape, note(last, y, words, xanchor="right", xshift=-4, yshift=10)


def load_figure(
    isps: Sequence[Isp], capacity_w: int | None, lines: Sequence[Trace], forecast_w: Powers
) -> Figure:
    values = [value for trace in lines for value in trace["y"]]
    named = heads(isps, lines[0]["y"][1:-1])
    figure: Figure = {"data": [named, *lines], "layout": {"xaxis": time_axis(isps), "annotations": []}}
    if capacity_w is not None:
        shape, words = capacity_line(isps, capacity_w, lines)
        figure["data"].insert(0, over_capacity(isps, forecast_w, capacity_w))
        figure["layout"] |= {"shapes": [shape], "annotations": [words]}
        values.append(kw(capacity_w))
    figure["layout"]["yaxis"] = load_axis(values)
    return figure


def request_chart(isps: Sequence[Isp], forecast_w: Powers, capacity_w: int | None) -> Figure:
    """Forecast against capacity; what is over it is hatched red: the need."""
    forecast = line(isps, forecast_w, "Forecast", "plot-base", dash="3px,3px")
    return load_figure(isps, capacity_w, [forecast], forecast_w)


def load_after_order(
    isps: Sequence[Isp], capacity_w: int | None, forecast_w: Powers, after_w: Powers
) -> Figure:
    """What the station will carry once an order is given; where it rises above the forecast it is rebound."""
    forecast = line(isps, forecast_w, "Forecast", "plot-base", dash="3px,3px")
    after = line(isps, after_w, "After order", "accent", width=2.5)
    figure = load_figure(isps, capacity_w, [forecast, after], forecast_w)
    risen = {isp["n"]: after_w.get(isp["n"], 0) - forecast_w.get(isp["n"], 0) for isp in isps}
    n = max(risen, key=lambda number: risen[number])
    if risen[n] > 0:
        words = f"rebound {kilowatts(risen[n])}"
        figure["layout"]["annotations"].append(note(n - 0.5, kw(after_w[n]), words, "accent", yshift=12))
    return figure


def position(
    isps: Sequence[Isp],
    ordered: Powers,
    offered: Powers,
    available: Powers | None = None,
    now_edge: float | None = None,
) -> Figure:
    """What is promised per ISP: ordered solid, offered hatched, available outlined."""

    def block(powers: Powers, name: str, **style: Any) -> Trace:
        points = [(isp["n"] - 0.5, 0.0, kw(powers[isp["n"]])) for isp in isps if powers.get(isp["n"])]
        said = [kilowatts(powers[isp["n"]]) for isp in isps if powers.get(isp["n"])]
        hover = {"text": said, "textposition": "none", "hoverinfo": None, "hovertemplate": "%{text} kW"}
        return {**bars(points, name, **style), **hover}

    data = [heads(isps, [0.0] * len(isps))]
    if available:
        data.append(line(isps, available, "Available", "ink-3", dash="dot"))
    data.append(block(offered, "Offered", **hatched("surface", "ink-2", 4, 0.35)))
    data.append(block(ordered, "Ordered", color=token("ink-2")))
    powers = [*ordered.values(), *offered.values(), *(available or {}).values()]
    layout: dict[str, Any] = {
        "xaxis": time_axis(isps),
        "yaxis": power_axis(map(kw, powers)),
        "annotations": [],
    }
    if now_edge is not None:
        layout["shapes"] = [vertical({"edge": now_edge, "label": ""})[0]]
    return {"data": data, "layout": layout}


def mini(figure: Figure, y_ticks: int = 3) -> Figure:
    """The same figure for a row of a desk: local hours only, least, zero and most on the left, no notes."""
    layout = figure["layout"]
    x, y = layout["xaxis"], layout["yaxis"]
    end = x["range"][1]
    short = [
        "" if value == end else str(text).split("<br>")[0]
        for value, text in zip(x["tickvals"], x["ticktext"], strict=True)
    ]
    ticks = y["tickvals"]
    zero, far = min(ticks, key=abs), (y["range"][1] - y["range"][0]) * APART
    ends = {tick for tick in (ticks[0], ticks[-1]) if abs(tick - zero) > far}
    kept = {zero, *ends} if len(ticks) > y_ticks else set(ticks)
    words = [text for value, text in zip(ticks, y["ticktext"], strict=True) if value in kept]
    small = {
        "xaxis": {**x, "ticktext": short, "showgrid": False},
        "yaxis": {**y, "tickvals": [v for v in ticks if v in kept], "ticktext": words},
        "margin": {"l": 48, "r": 12, "t": 8, "b": 24},
        "annotations": [],
    }
    return {"data": figure["data"], "layout": {**layout, **small}}


def bare(figure: Figure) -> Figure:
    """Without margins, so that a table's ISP columns under it line up to the pixel; labels stand inside."""
    layout = figure["layout"]
    y = layout["yaxis"]
    inside = {
        "ticklabelposition": "inside top",
        "ticks": "",
        "tickfont": {"size": 11, "color": token("ink-3")},
    }
    margin = {"l": 0, "r": 0, "t": 4, "b": 0}
    hidden = {**layout["xaxis"], "showticklabels": False, "ticks": ""}
    return {
        "data": figure["data"],
        "layout": {**layout, "xaxis": hidden, "yaxis": {**y, **inside}, "margin": margin},
    }
