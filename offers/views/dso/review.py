"""One offer against its request: every option's power under its own ISP, and in words what it is worth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from offers import charts, figures, formats
from offers.models import FlexOffer, FlexRequest
from offers.services import mapping
from offers.uftp.rules import scaled_power
from offers.views.trades import space
from offers.views.trades.options import OptionView, options_of

HEATS = ("h1", "h2", "h3", "h4")
AROUND = 2
LARGE_W = 100_000
SUMS = ["Covers", "per MWh", "Price", "Minimum"]
Cell = dict[str, str]


@dataclass
class Review:
    """What an offer does for its request; `chosen` is the option that the chart shows, at `factor`.

    `bought`: what other orders for the same point and day give already, in watts per ISP.
    """

    offer: FlexOffer
    chosen: OptionView | None
    factor: Decimal = Decimal(1)
    bought: Mapping[int, int] = field(default_factory=dict)

    @cached_property
    def options(self) -> list[OptionView]:
        return options_of(self.offer)

    @property
    def request(self) -> FlexRequest | None:
        return self.offer.flex_request

    @cached_property
    def need(self) -> dict[int, int]:
        return figures.need_w(self.request.isps) if self.request is not None else {}

    @cached_property
    def bounds(self) -> Mapping[int, Mapping[str, Any]]:
        """Of the ISPs that have any: more than is Requested never is too much, less is unmet need."""
        segments = self.request.isps if self.request is not None else []
        return mapping.request_profile(each for each in segments if each.get("disposition") != "Requested")

    @cached_property
    def isps(self) -> list[charts.Isp]:
        """The window that matters: what is needed or offered, and a little around it."""
        point, day = self.offer.congestion_point, self.offer.period
        offered = [n for option in self.options for n in option.powers]
        every = space.isps_of(point, day, self.request, offered)
        seen = [*self.need, *offered] or [isp["n"] for isp in every]
        return [isp for isp in every if min(seen) - AROUND <= isp["n"] <= max(seen) + AROUND]

    @cached_property
    def places(self) -> int:
        """Decimals of a kW in a cell: small powers need one."""
        powers = [abs(power) for option in self.options for power in option.powers.values()]
        return 0 if max(powers, default=0) >= LARGE_W else 1

    @cached_property
    def taken(self) -> dict[int, int]:
        """The power of the chosen option at its factor."""
        if self.chosen is None:
            return {}
        return {n: scaled_power(power, self.factor) for n, power in self.chosen.powers.items()}

    @cached_property
    def forecast(self) -> dict[int, int]:
        known = self.request.forecast_w if self.request is not None else {}
        return {int(n): watts for n, watts in known.items()}

    def unmet(self, powers: Mapping[int, int]) -> dict[int, int]:
        """How much of what is asked stays open in each Requested ISP after all orders, without a sign."""
        return {
            n: open_watts(wanted, self.bought.get(n, 0) + powers.get(n, 0)) for n, wanted in self.need.items()
        }

    def unmet_wh(self, powers: Mapping[int, int]) -> int:
        return figures.need_wh(self.unmet(powers), self.offer.congestion_point.isp_duration)

    def breaches(self, option: OptionView) -> dict[int, int]:
        """By how much an option leaves the request's bounds, per ISP."""
        bounds = self.bounds
        found = {n: _beyond(power, bounds[n]) for n, power in option.powers.items() if n in bounds}
        return {n: watts for n, watts in found.items() if watts}


def open_watts(wanted: int, power: int) -> int:
    met = min(abs(power), abs(wanted)) if power * wanted > 0 else 0
    return abs(wanted) - met


def _beyond(power: int, segment: Mapping[str, Any]) -> int:
    """How far a power lies outside the band of its ISP."""
    above, below = power - int(segment["max_power"]), power - int(segment["min_power"])
    return max(0, above) or min(0, below)


# --- the table under the chart --------------------------------------------------------------------------


def under(review: Review, order_url: str) -> dict[str, Any]:
    """Everything that _under_chart.html needs."""
    figure, keys, title = _figure(review)
    point = review.offer.congestion_point
    return {
        "isps": review.isps,
        "figure": charts.bare(figure),
        "id": "review-figure",
        "title": title,
        "unit": f"kW at {point.name}",
        "keys": keys,
        "heads": SUMS,
        "rows": _rows(review),
        "groups": [{"title": "Options: at most one can be ordered", "options": _options(review, order_url)}],
    }


def _figure(review: Review) -> tuple[charts.Figure, list[str], str]:
    capacity = review.offer.congestion_point.capacity_w
    if capacity is not None and all(isp["n"] in review.forecast for isp in review.isps):
        after = {
            n: watts + review.bought.get(n, 0) + review.taken.get(n, 0)
            for n, watts in review.forecast.items()
        }
        if after == review.forecast:
            figure = charts.request_chart(review.isps, review.forecast, capacity)
            return figure, ["capacity", "forecast", "over"], "Load against capacity"
        figure = charts.load_after_order(review.isps, capacity, review.forecast, after)
        ordered = "the order" if review.chosen is not None else "what is ordered"
        return figure, ["capacity", "forecast", "after", "over"], f"Load against capacity, after {ordered}"
    figure = space.figure(review.isps, review.options)
    return figure, ["requested", "available"], "Power space of the request with the options"


def _rows(review: Review) -> list[dict[str, Any]]:
    if not review.need:
        return []
    asked = {n: abs(watts) for n, watts in review.need.items()}
    rows = [_heat_row(review, "Need", "kW", asked)]
    if any(review.bought.values()):
        rows.append(_bought_row(review))
    if review.chosen is not None:
        at = f"{review.chosen.letter} × {formats.grouped(review.factor, 2)}"
        rows.append(_heat_row(review, "Unmet after", at, review.unmet(review.taken)))
    return rows


def _heat_row(review: Review, head: str, note: str, watts: Mapping[int, int]) -> dict[str, Any]:
    most = max(abs(asked) for asked in review.need.values())
    wh = figures.need_wh(watts, review.offer.congestion_point.isp_duration)
    return {"head": head, "note": note, "cells": _heat(review, watts, most), "total": _kwh(wh), "css": ""}


def _bought_row(review: Review) -> dict[str, Any]:
    """What other orders give already, so that nobody buys it twice."""
    powers = {isp["n"]: review.bought.get(isp["n"], 0) for isp in review.isps}
    words = [formats.kilowatts(power, review.places) if power else "" for power in powers.values()]
    wh = figures.need_wh(review.bought, review.offer.congestion_point.isp_duration)
    cells = [{"text": text, "css": ""} for text in words]
    return {"head": "Ordered already", "note": "kW", "cells": cells, "total": _kwh(wh), "css": "ref"}


def _kwh(wh: int) -> str:
    return f"{formats.grouped(wh / 1000, 1)}{formats.NBSP}kWh"


def _heat(review: Review, watts: Mapping[int, int], most: int) -> list[Cell]:
    return [_heat_cell(watts.get(isp["n"]), most, review.places) for isp in review.isps]


def _heat_cell(watts: int | None, most: int, places: int) -> Cell:
    if watts is None:
        return {"text": "", "css": ""}
    if watts == 0:
        return {"text": "0", "css": "met"}
    return {"text": formats.grouped(watts / 1000, places), "css": HEATS[min(3, 4 * watts // (most + 1))]}


def _options(review: Review, order_url: str) -> list[dict[str, Any]]:
    return [_option(review, option, order_url) for option in review.options]


def _option(review: Review, option: OptionView, order_url: str) -> dict[str, Any]:
    currency = review.offer.currency
    chosen = review.chosen is not None and option.index == review.chosen.index
    action = {"label": "Order…", "url": f"{order_url}?option={option.index + 1}"} if order_url else None
    return {
        "name": option.reference,
        "note": f"{formats.amount(option.price, currency) if option.price is not None else '–'}",
        "letter": option.letter,
        "cells": [_power_cell(review, option, isp["n"], chosen) for isp in review.isps],
        "sums": [
            "–" if option.coverage is None else f"{formats.grouped(100 * option.coverage, 1)} %",
            "–" if option.per_mwh is None else formats.grouped(option.per_mwh, 2),
            formats.amount(option.price, currency) if option.price is not None else "–",
            formats.grouped(option.min_factor, 2) if option.min_factor is not None else "–",
        ],
        "reason": in_words(review, option),
        "about": _least(option, currency),
        "css": "chosen" if chosen else "" if review.chosen is not None else "past",
        "action": action,
    }


def _power_cell(review: Review, option: OptionView, n: int, chosen: bool) -> Cell:
    power = option.powers.get(n)
    if not power:
        return {"text": "" if power is None else "0", "css": ""}
    if n in review.breaches(option):
        css = "wrong"
    elif n not in review.need:
        css = "up"
    else:
        css = "give" if chosen else "could"
    return {"text": formats.kilowatts(power, review.places), "css": css}


def _least(option: OptionView, currency: str) -> str:
    if option.min_factor is None or option.min_factor == 1 or option.least_price is None:
        return "all or nothing"
    return (
        f"from × {formats.grouped(option.min_factor, 2)} for {formats.amount(option.least_price, currency)}"
    )


def in_words(review: Review, option: OptionView) -> str:
    """What an option is worth: covers this much, leaves that open, breaks these bounds."""
    if not review.need:
        return "Unsolicited: nothing was asked that it could cover."
    left = {n: watts for n, watts in review.unmet(option.powers).items() if watts}
    covered = f"Covers {formats.grouped(100 * (option.coverage or 0), 1)} % of the request"
    beside = " beside what is ordered" if any(review.bought.values()) else ""
    enough = "all of it" if not beside else f"enough{beside}"
    parts = [f"{covered}; {_left_words(left)}{beside}." if left else f"{covered}: {enough}."]
    beyond = review.breaches(option)
    if beyond:
        worst = max(beyond, key=lambda n: abs(beyond[n]))
        parts.append(
            f"Breaks the bounds in {_isps(beyond)}, by {formats.load(abs(beyond[worst]))} kW in ISP {worst}."
        )
    return " ".join(parts)


def _left_words(left: Mapping[int, int]) -> str:
    worst = max(left, key=lambda n: left[n])
    return f"{_isps(left)} stay short, ISP {worst} by {formats.load(left[worst])} kW"


def _isps(numbers: Mapping[int, int]) -> str:
    return "1 ISP" if len(numbers) == 1 else f"{len(numbers)} ISPs"


def best_of(offer: FlexOffer, options: Sequence[OptionView]) -> OptionView | None:
    """The one that covers most without breaking the bounds; of equals the cheapest per MWh."""
    weigh = Review(offer, None)
    return max(
        options,
        key=lambda o: (not weigh.breaches(o), o.coverage or 0, -(o.per_mwh or Decimal(0))),
        default=None,
    )


def per_isp(review: Review) -> list[dict[str, Any]]:
    """What an order at the factor means in each ISP, for the page that asks once more."""
    point, day = review.offer.congestion_point, review.offer.period
    minutes = int(point.isp_duration / timedelta(minutes=1))
    left = review.unmet(review.taken)
    watts = [*review.taken.values(), *left.values(), *review.need.values(), *review.bought.values()]
    places = max((formats.places_of(each) for each in watts), default=0)
    return [
        {
            "n": n,
            "local": formats.isp_hours(day, n, n, point.time_zone, minutes),
            "utc": formats.clock(formats.isp_start(day, n, point.time_zone, minutes), "UTC"),
            "need": _signed(review.need.get(n), places),
            "bought": _signed(review.bought.get(n), places),
            "power": _signed(review.taken.get(n), places),
            "left": formats.NONE if n not in left else formats.grouped(Decimal(left[n]).scaleb(-3), places),
            "met": left.get(n) == 0,
        }
        for n in sorted({*review.taken, *review.need})
    ]


def _signed(watts: int | None, places: int) -> str:
    return formats.kilowatts(watts, places) if watts else formats.NONE


def in_all(review: Review) -> dict[str, Any]:
    """The sums of an order at the factor: energy, the part of the request that it covers, what stays open."""
    length = review.offer.congestion_point.isp_duration
    return {
        "kwh": figures.along_wh(review.taken, review.need, length) / 1000,
        "covers": figures.coverage(review.taken, review.need),
        "unmet_kwh": review.unmet_wh(review.taken) / 1000,
        "bought": any(review.bought.values()),
    }
