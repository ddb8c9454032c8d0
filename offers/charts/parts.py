"""What every figure is made of: axes, step lines, rectangles, notes."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NotRequired, TypedDict

from offers.formats import grouped, kilowatts, load

Figure = dict[str, Any]
Trace = dict[str, Any]
Powers = Mapping[int, int]
REQUESTED: Literal["Requested"] = "Requested"

# Solid, long dash, dots, dash-dot, short dash: the letter, the dash and the hue say the same thing.
DASHES = ("solid", "9px,4px", "3px,2px", "9px,3px,2px,3px", "5px,3px")
WIDTHS = (2.5, 2.5, 3, 2.5, 2.5)
HUES = "abcde"
MOST_TICKS = 7
NOTE_HEIGHT = 18  # pixels


class Isp(TypedDict):
    """One ISP of the axis; `isp` is its number on its own day when `n` runs on over two days."""

    n: int
    local: str
    isp: NotRequired[int]
    end: NotRequired[str]
    utc: NotRequired[str]
    disposition: NotRequired[str | None]
    min_w: NotRequired[int | None]
    max_w: NotRequired[int | None]


class Option(TypedDict):
    letter: str
    powers: Powers


class Marker(TypedDict):
    """A vertical line: `edge` is where it stands on the axis (ISPs since midnight, fractions allowed)."""

    edge: float
    label: str


def kw(watts: int) -> float:
    return watts / 1000


def token(name: str) -> str:
    return f"token:{name}"


def steps(isps: Sequence[Isp], powers: Powers) -> tuple[list[float], list[float]]:
    """A step line through the middles of the ISPs: drawn as hvh it jumps at the edges, and a pointer
    anywhere in an ISP reads that ISP's value."""
    values = [kw(powers.get(isp["n"], 0)) for isp in isps]
    middles = [isp["n"] - 0.5 for isp in isps]
    return [isps[0]["n"] - 1, *middles, isps[-1]["n"]], [values[0], *values, values[-1]]


def line(isps: Sequence[Isp], powers: Powers, name: str, color: str, **style: Any) -> Trace:
    x, y = steps(isps, powers)
    words = [grouped(value, 1) if abs(value) % 1 else grouped(value) for value in y]
    return {
        "x": x,
        "y": y,
        "text": words,
        "name": name,
        "type": "scatter",
        "mode": "lines",
        "line": {"shape": "hvh", "color": token(color), "width": 1.5, **style},
        "hovertemplate": "%{text} kW",
    }


def heads(isps: Sequence[Isp], at: Sequence[float], words: Mapping[int, str] | None = None) -> Trace:
    """Invisible points that name the ISP under the pointer, above the values of the lines."""
    said = words or {}
    names = [f"{isp['local']} ISP {isp.get('isp', isp['n'])}" for isp in isps]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [isp["n"] - 0.5 for isp in isps],
        "y": list(at),
        "text": [f"{name} {said.get(isp['n'], '')}".strip() for isp, name in zip(isps, names, strict=True)],
        "marker": {"opacity": 0, "size": 1},
        "name": "",
        "hovertemplate": "%{text}<extra></extra>",
    }


def bars(points: Sequence[tuple[float, float, float]], name: str, **marker: Any) -> Trace:
    """Rectangles one ISP wide from `low` to `high`."""
    xs, lows, highs = (list(column) for column in zip(*points, strict=True)) if points else ([], [], [])
    return {
        "type": "bar",
        "x": xs,
        "base": lows,
        "y": [high - low for low, high in zip(lows, highs, strict=True)],
        "width": 1,
        "name": name,
        "hoverinfo": "skip",
        "marker": {"line": {"width": 0}, **marker},
    }


def hatched(fill: str, ink: str, size: int = 8, solidity: float = 0.12) -> dict[str, Any]:
    pattern = {
        "shape": "/",
        "size": size,
        "solidity": solidity,
        "fgcolor": token(ink),
        "bgcolor": token(fill),
    }
    return {"color": token(fill), "pattern": pattern}


def note(x: float, y: float, text: str, color: str = "ink-2", **place: Any) -> dict[str, Any]:
    return {
        "x": x,
        "y": y,
        "text": text,
        "showarrow": False,
        "font": {"size": 11, "color": token(color)},
        **place,
    }


def corner(text: str, top: bool = True, line: int = 0) -> dict[str, Any]:
    """A note in the upper or lower left corner; `line` 1 stands under the one that is there already."""
    side, shift = ("top", -NOTE_HEIGHT * line) if top else ("bottom", 2)
    place = {
        "xref": "paper",
        "yref": "paper",
        "xanchor": "left",
        "yanchor": side,
        "xshift": 6,
        "yshift": shift,
    }
    return note(0, 1 if top else 0, text, "ink-3", bgcolor=token("surface"), **place)


def tick_step(count: int) -> int:
    return next((step for step in (1, 2, 4, 8, 12, 16, 24, 32) if count / step <= MOST_TICKS), 48)


def time_axis(isps: Sequence[Isp]) -> dict[str, Any]:
    """Local time with the ISP number under it, at round ISPs, and the end of the last one."""
    step = tick_step(len(isps))
    marked = [isp for isp in isps if (isp["n"] - 1) % step == 0]
    values = [isp["n"] - 1 for isp in marked]
    texts = [f"{isp['local']}<br>ISP {isp.get('isp', isp['n'])}" for isp in marked]
    last = isps[-1]["n"]
    if not values or last - values[-1] >= step:
        values, texts = [*values, last], [*texts, f"{isps[-1].get('end', '')}<br>end"]
    return {"range": [isps[0]["n"] - 1, last], "tickvals": values, "ticktext": texts}


def power_axis(values: Iterable[float]) -> dict[str, Any]:
    """A range round all values and zero, with signed labels."""
    shown = [0.0, *values]
    low, high = min(shown), max(shown)
    pad = (high - low) * 0.14 or 1
    ticks = round_ticks(low - pad, high + pad)
    texts = [kilowatts(round(value * 1000)) for value in ticks]
    return {"range": [low - pad, high + pad], "tickvals": ticks, "ticktext": texts, "zeroline": True}


def load_axis(values: Sequence[float]) -> dict[str, Any]:
    """A load need not start at zero: what matters is the distance to the capacity."""
    low, high = min(values), max(values)
    pad = (high - low) * 0.14 or max(abs(high) * 0.05, 1)
    ticks = round_ticks(low - pad, high + pad)
    return {
        "range": [low - pad, high + pad],
        "tickvals": ticks,
        "ticktext": [load(round(v * 1000)) for v in ticks],
    }


def round_ticks(low: float, high: float) -> list[float]:
    """Some eight round numbers between low and high."""
    rough = (high - low) / 8
    scale = 10 ** (len(str(int(rough))) - 1) if rough >= 1 else 0.001
    while scale * 10 <= rough:
        scale *= 10
    step = next(scale * m for m in (1, 2, 2.5, 5, 10) if scale * m >= rough or m == 10)
    first = int(low // step) + 1
    return [round(n * step, 6) for n in range(first, int(high // step) + 1)]


def vertical(marker: Marker) -> tuple[dict[str, Any], dict[str, Any]]:
    x = marker["edge"]
    shape = {"type": "line", "x0": x, "x1": x, "y0": 0, "y1": 1, "yref": "paper", "line": {"width": 1.5}}
    shape["line"] = {"width": 1.5, "color": token("accent")}
    return shape, note(
        x, 1, marker["label"], "accent", yref="paper", yanchor="top", xanchor="left", xshift=3, yshift=-16
    )
