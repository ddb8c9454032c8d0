"""The power space of a request, and the options of an offer over it."""

from collections.abc import Sequence
from typing import Any

from offers.charts.parts import (
    DASHES,
    HUES,
    REQUESTED,
    WIDTHS,
    Figure,
    Isp,
    Marker,
    Option,
    Powers,
    Trace,
    bars,
    corner,
    hatched,
    heads,
    kw,
    line,
    note,
    power_axis,
    time_axis,
    token,
    vertical,
)
from offers.formats import MINUS, kilowatts, option_place


def near(isp: Isp) -> float:
    """The bound of the power space that matters: the one closer to zero."""
    bounds = [bound for bound in (isp.get("min_w"), isp.get("max_w")) if bound is not None]
    return kw(min(bounds, key=abs)) if bounds else 0.0


def is_requested(isp: Isp) -> bool:
    return isp.get("disposition") == REQUESTED


def band(isps: Sequence[Isp], requested: bool) -> Trace:
    points = [
        (isp["n"] - 0.5, kw(isp["min_w"] or 0), kw(isp["max_w"] or 0))
        for isp in isps
        if isp.get("disposition") and is_requested(isp) is requested
    ]
    style = hatched("plot-req", "plot-hatch") if requested else {"color": token("plot-avail")}
    return bars(points, "Requested" if requested else "Available", **style)


def band_words(isps: Sequence[Isp]) -> Trace:
    words = {
        isp["n"]: f"{isp['disposition']} {kilowatts(isp.get('min_w') or 0)} to "
        f"{kilowatts(isp.get('max_w') or 0)} kW"
        for isp in isps
        if isp.get("disposition")
    }
    return heads(isps, [near(isp) for isp in isps], words)


def edge(isps: Sequence[Isp], requested: bool) -> Trace:
    """The bound towards zero, over its own ISPs: thick where it is asked for, dotted where it limits."""
    own = [isp for isp in isps if isp.get("disposition") and is_requested(isp) is requested]
    thick = {"width": 2, "color": token("ink")}
    thin = {"width": 1.25, "dash": "2px,2px", "color": token("ink-3")}
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [x for isp in own for x in (isp["n"] - 1, isp["n"], None)],
        "y": [y for isp in own for y in (near(isp), near(isp), None)],
        "line": thick if requested else thin,
        "name": "",
        "hoverinfo": "skip",
    }


def look_of(option: Option, index: int) -> int:
    """Which hue and dash: those of the option's own letter, wherever it stands in the list."""
    return option_place(option["letter"], index) % len(DASHES)


def option_line(isps: Sequence[Isp], option: Option, index: int) -> Trace:
    k = look_of(option, index)
    style = {"dash": DASHES[k], "width": WIDTHS[k]}
    trace = line(isps, option["powers"], f"Option {option['letter']}", f"opt-{HUES[k]}", **style)
    trace["text"] = [kilowatts(round(value * 1000)) for value in trace["y"]]
    return trace


def option_tags(
    isps: Sequence[Isp], options: Sequence[Option], axis: tuple[float, float]
) -> list[dict[str, Any]]:
    """The letter on each line, where the line is farthest from the others and no other letter stands."""
    placed: list[tuple[int, float]] = []
    tags = []
    for index, option in enumerate(options):
        others = [other["powers"] for other in options if other is not option]
        best = tag_places(isps, option["powers"], others)
        n = next((n for n in best if is_free(n, kw(option["powers"][n]), placed, isps, axis)), None)
        if best:
            n = best[0] if n is None else n
            placed.append((n, kw(option["powers"][n])))
            tags.append(option_tag(option, index, n))
    return tags


def tag_places(isps: Sequence[Isp], own: Powers, others: Sequence[Powers]) -> list[int]:
    """The ISPs in which an option has power, the one farthest from the others and from zero first."""

    def alone(n: int) -> tuple[int, int]:
        gap = min((abs(own[n] - other.get(n, 0)) for other in others), default=0)
        return gap, abs(own[n])

    return sorted((isp["n"] for isp in isps if own.get(isp["n"], 0)), key=alone, reverse=True)


def is_free(
    n: int, y: float, placed: Sequence[tuple[int, float]], isps: Sequence[Isp], axis: tuple[float, float]
) -> bool:
    """A letter is about a twelfth of a phone's chart wide and high: two on one spot cannot be read, nor one
    in the upper left corner, where the unit stands."""
    height, count = axis[1] - axis[0], len(isps)
    cornered = (n - isps[0]["n"]) * 2 < count and (axis[1] - y) * 8 < height
    return not cornered and all(abs(n - m) * 12 > count or abs(y - at) * 12 > height for m, at in placed)


def option_tag(option: Option, index: int, n: int) -> dict[str, Any]:
    power = option["powers"][n]
    tag = note(n - 0.5, kw(power), option["letter"], "surface", yshift=10 if power > 0 else 9)
    tag["font"]["weight"] = 600
    return {**tag, "bgcolor": token(f"opt-{HUES[look_of(option, index)]}"), "borderpad": 2}


def limit_line(isps: Sequence[Isp], powers: Powers, label: str, dots: bool) -> tuple[Trace, dict[str, Any]]:
    """Free to offer (thin, solid) or obliged by contract (wide dots), over its own ISPs, with the value."""
    own = [isp for isp in isps if powers.get(isp["n"])]
    trace: Trace = {
        "type": "scatter",
        "mode": "lines",
        "x": [x for isp in own for x in (isp["n"] - 1, isp["n"])],
        "y": [y for isp in own for y in (kw(powers[isp["n"]]),) * 2],
        "line": {
            "color": token("ink-2"),
            "width": 2 if dots else 1.25,
            "dash": "1px,4px" if dots else "solid",
        },
        "name": label,
        "hoverinfo": "skip",
    }
    if not dots:
        last = own[-1]["n"]
        words = f"{label} {kilowatts(powers[last])}"
        return trace, note(last, kw(powers[last]), words, xanchor="right", xshift=-4, yshift=9)
    middle = own[len(own) // 2]["n"]
    return trace, note(middle - 0.5, kw(powers[middle]), f"{label} {kilowatts(powers[middle])}", yshift=9)


def cut_notes(isps: Sequence[Isp], low: float, high: float) -> list[dict[str, Any]]:
    """Where a band runs off the chart, say how far it goes."""
    lows = [isp["min_w"] for isp in isps if isp.get("min_w") is not None and kw(isp["min_w"] or 0) < low]
    highs = [isp["max_w"] for isp in isps if isp.get("max_w") is not None and kw(isp["max_w"] or 0) > high]
    notes = []
    if lows:
        notes.append(
            corner(f"MinPower down to {kilowatts(min(w for w in lows if w is not None))}", top=False)
        )
    if highs:
        notes.append(corner(f"MaxPower up to {kilowatts(max(w for w in highs if w is not None))}", line=1))
    return notes


def power_space(
    isps: Sequence[Isp],
    options: Sequence[Option] = (),
    contract: Powers | None = None,
    free: Powers | None = None,
    markers: Sequence[Marker] = (),
) -> Figure:
    """A request's bands, and the options of an offer over them."""
    data = [band(isps, False), band(isps, True), edge(isps, False), edge(isps, True), band_words(isps)]
    values = [near(isp) for isp in isps]
    notes = [corner(f"kW, {MINUS} = less consumption")]
    for powers, label, dots in ((free, "free", False), (contract, "obliged", True)):
        if powers and any(powers.get(isp["n"]) for isp in isps):
            trace, words = limit_line(isps, powers, label, dots)
            data, notes, values = [*data, trace], [*notes, words], [*values, *map(kw, powers.values())]
    data += [option_line(isps, option, i) for i, option in enumerate(options)]
    values += [kw(power) for option in options for power in option["powers"].values()]
    axis = power_axis(values)
    low, high = axis["range"]
    verticals = [vertical(marker) for marker in markers if 0 <= marker["edge"] <= isps[-1]["n"]]
    notes += [
        *cut_notes(isps, low, high),
        *(words for _, words in verticals),
        *option_tags(isps, options, (low, high)),
    ]
    layout = {"xaxis": time_axis(isps), "yaxis": axis, "annotations": notes}
    return {"data": data, "layout": {**layout, "shapes": [shape for shape, _ in verticals]}}
