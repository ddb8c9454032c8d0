"""Partial activation: what an option is worth at a factor, and which option an order means."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from .. import isp
from ..currencies import price_text, to_minor_unit
from ..errors import clipped
from ..messages import FlexOffer, FlexOrder, OfferOption, PowerISP
from .context import powers, segments
from .reasons import Reason

ONE = Decimal(1)
FACTORS = (Decimal("0.01"), Decimal("1.00"))


class Form(StrEnum):
    """D5, D6: how the ISPs and the Price of an order stand to those of the option at its factor."""

    OFFERED = "offered"
    SCALED = "scaled"


@dataclass(frozen=True, slots=True)
class Match:
    """Which option an order orders, at which ActivationFactor, and in which form it was written."""

    option: OfferOption
    factor: Decimal
    form: Form


def scaled_power(power: int, factor: Decimal) -> int:
    """D7: watts, half away from zero to whole watts."""
    return int((power * factor).quantize(ONE, rounding=ROUND_HALF_UP))


def scaled(option: OfferOption, factor: Decimal, currency: str) -> OfferOption:
    """The option at a factor (D7): power in whole watts, price in the currency's smallest unit, both
    rounded half away from zero, in the same segments (D8). At 1 nothing is rounded."""
    if factor == 1:
        return option
    isps = tuple(replace(item, power=scaled_power(item.power, factor)) for item in option.isps)
    return replace(option, isps=isps, price=to_minor_unit(option.price * factor, currency))


def written(option: OfferOption, factor: Decimal, currency: str, form: Form = Form.OFFERED) -> OfferOption:
    """D5: the ISPs and Price to write into an order, which names `factor` as its ActivationFactor in
    either form: as offered, unless the counterparty's profile asks for scaled values."""
    return option if form is Form.OFFERED else scaled(option, factor, currency)


def same_power(some: Sequence[PowerISP], others: Sequence[PowerISP]) -> bool:
    """D8: the same power in every ISP, however the lists are segmented."""
    return isp.merged(powers(some)) == isp.merged(powers(others))


def chosen_option(order: FlexOrder, offer: FlexOffer) -> OfferOption | None:
    """V38: the option that the order names, or the only one if it names none."""
    if order.option_reference is None:
        return offer.options[0] if len(offer.options) == 1 else None
    return next((o for o in offer.options if o.option_reference == order.option_reference), None)


def match_order(order: FlexOrder, offer: FlexOffer) -> Match | list[Reason]:
    """D6, D8: the option, factor and form of an order, or V35 to V38: all reasons why there is none."""
    option = chosen_option(order, offer)
    if option is None:
        return list(v38_option(order, offer))
    forms = (option, scaled(option, order.activation_factor, offer.currency))
    for form, expected in zip(Form, forms, strict=True):
        same_price = order.price == expected.price and order.currency == offer.currency
        if same_price and same_power(order.isps, expected.isps):
            return Match(option, order.activation_factor, form)
    return [
        *v35_isps(order, option),
        *v36_power(order, forms),
        *v37_price(order, offer, forms),
    ]


def v35_isps(order: FlexOrder, option: OfferOption) -> Iterator[Reason]:
    """V35, against the chosen option only; D8: whatever the segments."""
    offered, ordered = isp.covered(segments(option.isps)), isp.covered(segments(order.isps))
    if offered != ordered:
        yield Reason(
            "ISP",
            f"ISP mismatch: option {clipped(option.option_reference)} has {isp.numbers(offered)},"
            f" the order {isp.numbers(ordered)}",
        )


def v36_power(order: FlexOrder, forms: tuple[OfferOption, OfferOption]) -> Iterator[Reason]:
    """V36: in every ISP as offered, or in every ISP scaled. Silent where V35 or V18 speaks."""
    offered, at_factor = forms
    if isp.covered(segments(order.isps)) != isp.covered(segments(offered.isps)):
        return
    if not (_expandable(order.isps) and _expandable(offered.isps)):
        return
    if any(same_power(order.isps, form.isps) for form in forms):
        return
    wanted, scaled_to, given = (_profile(isps) for isps in (offered.isps, at_factor.isps, order.isps))
    n = _first_odd(wanted, scaled_to, given)
    yield Reason(
        f"ISP[{n}].Power",
        f"Power mismatch: ISP {n} is offered at {wanted[n]} W"
        + _at_factor(order.activation_factor, f"{scaled_to[n]} W")
        + f", ordered at {given[n]} W",
    )


def _first_odd(wanted: dict[int, int], scaled_to: dict[int, int], given: dict[int, int]) -> int:
    """The first ISP that fits neither form, or where the forms are mixed, the first that is not scaled."""
    neither = (n for n in given if given[n] not in (wanted[n], scaled_to[n]))
    return next(neither, None) or next(n for n in given if given[n] != scaled_to[n])


def _expandable(isps: Sequence[PowerISP]) -> bool:
    """Whether each ISP is addressed once and there are no more of them than a day can have."""
    bounded = all(not isp.out_of_bounds(item.start, item.duration, isp.MAX_COUNT) for item in isps)
    return bounded and not isp.conflicts(segments(isps))


def _profile(isps: Sequence[PowerISP]) -> dict[int, int]:
    return isp.expand(powers(isps), isp.MAX_COUNT)


def v37_price(order: FlexOrder, offer: FlexOffer, forms: tuple[OfferOption, OfferOption]) -> Iterator[Reason]:
    """V37: compared by value (D9); the Price must have the same form as the power."""
    offered, at_factor = (price_text(form.price, offer.currency) for form in forms)
    fitting = [form for form in forms if same_power(order.isps, form.isps)] or list(forms)
    if order.currency == offer.currency and any(order.price == form.price for form in fitting):
        return
    yield Reason(
        "Price",
        f"Price mismatch: option {clipped(forms[0].option_reference)} costs {offered} {offer.currency}"
        + _at_factor(order.activation_factor, f"{at_factor} {offer.currency}")
        + f", ordered for {price_text(order.price, order.currency)} {order.currency}",
    )


def _at_factor(factor: Decimal, value: str) -> str:
    return "" if factor == 1 else f" ({value} at the factor {factor})"


def v38_option(order: FlexOrder, offer: FlexOffer) -> Iterator[Reason]:
    """V38: required if the offer has several options."""
    if chosen_option(order, offer) is not None:
        return
    names = ", ".join(clipped(option.option_reference) for option in offer.options[:5])
    phrase = "Unknown reference OptionReference"
    if order.option_reference is None:
        text = f"{phrase}: none given, the offer has {len(offer.options)} options: {names}"
    else:
        text = f"{phrase}: {clipped(order.option_reference)}, the offer has {names}"
    yield Reason("OptionReference", text)


def v32_factor(field: str, factor: Decimal, label: str = "") -> Iterator[Reason]:
    """V32, for the MinActivationFactor of an option and the ActivationFactor of an order."""
    least, most = FACTORS
    if not (factor.is_finite() and least <= factor <= most and factor == round(factor, 2)):
        name = field.rpartition(".")[2]
        limits = f"from {least} to {most} with at most 2 decimals"
        yield Reason(field, f"{name} out of bounds: {clipped(factor)}{label}, {limits}")


def v39_min_factor(order: FlexOrder, option: OfferOption) -> Iterator[Reason]:
    """V39."""
    if order.activation_factor < option.min_activation_factor:
        least = f"{option.min_activation_factor}, the MinActivationFactor of option"
        text = f"ActivationFactor out of bounds: {order.activation_factor}, at least {least}"
        yield Reason("ActivationFactor", f"{text} {clipped(option.option_reference)}")
