"""One line of words per message, as it stands in a conversation."""

from collections.abc import Callable
from typing import Any

from offers import formats, uftp
from offers.models import Message

from . import isps


def title_of(row: Message) -> str:
    """The type, and the name that people use for what it carries."""
    order = getattr(row, "flex_order", None)
    if order is not None:
        return f"{row.type} {order.order_reference}"
    for name in ("flex_request", "flex_offer"):
        trade = getattr(row, name, None)
        if trade is not None:
            return f"{row.type} {trade}"
    return row.type


def line_of(row: Message, message: uftp.PayloadMessage | None, zone: str) -> str:
    """What the message says; what it is about when it cannot be read any more."""
    writer = WRITERS.get(type(message)) if message is not None else None
    return writer(row, message, zone) if writer is not None else row.about


def _request(row: Message, message: uftp.FlexRequest, zone: str) -> str:
    counts = {"Requested": 0, "Available": 0}
    for isp in message.isps:
        counts[isp.disposition or "Available"] += isp.duration
    wanted = [isp for isp in message.isps if isp.disposition == "Requested"] or list(message.isps)
    peak = isps.peak(isp.max_power if isp.max_power < 0 else isp.min_power for isp in wanted)
    said = " and ".join(f"{n} {kind}" for kind, n in counts.items() if n)
    expires = _clock(message.expiration_date_time, message, zone)
    hours = isps.span(message, wanted)
    return f"Revision {message.revision}: {said} ISPs, {hours}, peak {peak}; closes {expires}"


def _offer(row: Message, message: uftp.FlexOffer, zone: str) -> str:
    names = ", ".join(option.option_reference for option in message.options[:8])
    prices = sorted(option.price for option in message.options)
    money = formats.amount(prices[0], message.currency)
    if prices[0] != prices[-1]:
        money = f"{money} to {formats.amount(prices[-1], message.currency)}"
    noun = "Option" if len(message.options) == 1 else "Options"
    said = isps.span(message, [isp for option in message.options for isp in option.isps])
    return f"{noun} {names}; {said}, {money}; expires {_clock(message.expiration_date_time, message, zone)}"


def _order(row: Message, message: uftp.FlexOrder, zone: str) -> str:
    """From the stored order where there is one: it has power and price at the factor."""
    order = getattr(row, "flex_order", None)
    peak = order.peak_w if order is not None else max((i.power for i in message.isps), key=abs, default=0)
    price = order.price if order is not None else message.price
    name = f"Option {message.option_reference} × " if message.option_reference else "× "
    said = f"{isps.span(message, message.isps)}, for {formats.amount(price, message.currency)}"
    return f"{name}{formats.grouped(message.activation_factor, 2)}: {use(peak)}, {said}"


def use(watts: int) -> str:
    """use up to 160.8 kW less."""
    size = f"{formats.load(abs(watts))}{formats.NBSP}kW"
    return f"use up to {size} {'less' if watts < 0 else 'more'}"


def _revocation(row: Message, message: uftp.FlexOfferRevocation, zone: str) -> str:
    return f"Withdraws the offer {message.flex_offer_message_id[:8]}; nothing of it may be ordered any more"


def _prognosis(row: Message, message: uftp.DPrognosis, zone: str) -> str:
    powers = [isp.power for isp in message.isps]
    least, most = formats.load(min(powers, default=0)), formats.load(max(powers, default=0))
    day = formats.day_name(message.period)
    return f"Revision {message.revision} for {day}: {least} to {most}{formats.NBSP}kW"


def _test(row: Message, message: uftp.TestMessage, zone: str) -> str:
    return "Asks whether we are heard" if row.is_in is False else "Asks whether we hear"


def _test_answer(row: Message, message: uftp.TestMessageResponse, zone: str) -> str:
    return "Heard"


def _answer(row: Message, message: uftp.ResponseMessage, zone: str) -> str:
    reason = f": {message.rejection_reason}" if message.rejection_reason else ""
    tail = ". Not an order yet" if row.type == "FlexOfferResponse" and message.result == "Accepted" else ""
    return f"{message.result}{reason}{tail}"


def _clock(instant: Any, message: uftp.FlexMessage, zone: str) -> str:
    """Local time of the market, with the day when it is not the day that the message is about."""
    known = uftp.isp.zone(message.time_zone) or zone
    day, text = formats.local_day(instant, known), formats.clock(instant, known)
    return text if day == message.period else f"{formats.day_name(day)} {text}"


WRITERS: dict[type[uftp.PayloadMessage], Callable[[Message, Any, str], str]] = {
    uftp.FlexRequest: _request,
    uftp.FlexOffer: _offer,
    uftp.FlexOrder: _order,
    uftp.FlexOfferRevocation: _revocation,
    uftp.DPrognosis: _prognosis,
    uftp.TestMessage: _test,
    uftp.TestMessageResponse: _test_answer,
    **{kind: _answer for kind in uftp.MESSAGES if issubclass(kind, uftp.ResponseMessage)},
}
