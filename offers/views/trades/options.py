"""Options of offers as a page shows them: prices, energy and coverage, of what was sent or of a draft."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from offers import figures
from offers.domain import OfferState
from offers.models import FlexOffer
from offers.services import drafts
from offers.templatetags.portal import letter
from offers.uftp.currencies import to_minor_unit
from offers.uftp.isp import MAX_COUNT


@dataclass(frozen=True)
class OptionView:
    """One alternative of an offer with its figures; what a draft leaves open is None."""

    index: int
    reference: str
    price: Decimal | None
    min_factor: Decimal | None
    powers: Mapping[int, int]
    along_wh: int  # the energy that goes the way that is asked
    per_mwh: Decimal | None
    coverage: float | None
    currency: str = "EUR"
    need: Mapping[int, int] = field(default_factory=dict)

    @property
    def letter(self) -> str:
        return letter(self.index)

    @property
    def peak_w(self) -> int:
        """The most that goes the way that is asked; what comes back is the rebound."""
        return figures.peak_along_w(self.powers, self.need)

    @property
    def rebound_w(self) -> int:
        return figures.rebound_w(self.powers, self.need)

    @property
    def least_price(self) -> Decimal | None:
        """What is paid at the least activation."""
        if self.price is None or self.min_factor is None or self.min_factor == 1:
            return self.price
        return to_minor_unit(self.price * self.min_factor, self.currency)

    @property
    def kwh(self) -> float:
        return self.along_wh / 1000


Typed = tuple[str, Decimal | None, Decimal | None, Mapping[int, int]]


def options_of(offer: FlexOffer) -> list[OptionView]:
    """The options of an offer: as sent, or as far as its draft can be read."""
    typed = _drafted(offer.draft) if offer.state == OfferState.DRAFT else _sent(offer)
    need = figures.need_w(offer.flex_request.isps) if offer.flex_request is not None else {}
    length = offer.congestion_point.isp_duration
    return [_view(n, parts, need, length, offer.currency) for n, parts in enumerate(typed)]


def _view(index: int, typed: Typed, need: Mapping[int, int], length: timedelta, currency: str) -> OptionView:
    reference, price, factor, powers = typed
    along = figures.along_wh(powers, need, length)
    return OptionView(
        index=index,
        reference=reference,
        price=price,
        min_factor=factor,
        powers=powers,
        along_wh=along,
        per_mwh=figures.per_mwh(price, along) if price is not None else None,
        coverage=figures.coverage(powers, need),
        currency=currency,
        need=need,
    )


def _sent(offer: FlexOffer) -> Iterator[Typed]:
    for option in offer.known_options():
        yield option.option_reference, option.price, option.min_factor, figures.powers_of(option.isps)


def _drafted(draft: Mapping[str, Any]) -> Iterator[Typed]:
    """A draft is what somebody typed: what cannot be read is left out, the editor says why."""
    reading = drafts.Reading()
    for item in _objects(draft.get("options")):
        yield (
            reading.text(item.get("option_reference"), ""),
            reading.money(item.get("price"), ""),
            reading.factor(item.get("min_activation_factor"), ""),
            figures.powers_of(_readable(item.get("isps"), reading)),
        )


def _readable(items: Any, reading: drafts.Reading) -> Iterator[dict[str, int]]:
    for item in _objects(items):
        start = reading.positive(item.get("start"), "")
        duration = reading.positive(item.get("duration", 1), "")
        power = reading.watts(item.get("power"), "")
        if start and duration and power is not None and start + duration <= MAX_COUNT + 1:
            yield {"start": start, "duration": duration, "power": power}


def _objects(value: Any) -> list[Mapping[str, Any]]:
    try:
        return drafts.a_list(value or [], "", drafts.MAX_SEGMENTS)
    except drafts.NotADraft:
        return []


def span_of(options: Sequence[OptionView]) -> tuple[int, int] | None:
    """The first and the last ISP in which any option has power."""
    numbers = [n for option in options for n, power in option.powers.items() if power]
    return (min(numbers), max(numbers)) if numbers else None


def price_range(options: Sequence[OptionView]) -> tuple[Decimal, Decimal] | None:
    prices = [option.price for option in options if option.price is not None]
    return (min(prices), max(prices)) if prices else None
