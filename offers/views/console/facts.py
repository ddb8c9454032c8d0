"""A message in words: every attribute that it has, and its ISP lists line by line."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from offers import formats, uftp

from . import isps


@dataclass(frozen=True)
class Fact:
    term: str
    words: str


@dataclass(frozen=True)
class Section:
    """A list of ISPs under a heading."""

    heading: str
    lines: list[isps.Line] = field(default_factory=list)


def facts_of(message: uftp.PayloadMessage, zone: str) -> list[Fact]:
    """What every message says of itself, then what only this type says, without what is not there."""
    return [fact for fact in (*_head(message, zone), *_flex(message), *_body(message, zone)) if fact.words]


def _head(message: uftp.PayloadMessage, zone: str) -> Iterator[Fact]:
    yield Fact("From", message.sender_domain)
    yield Fact("To", message.recipient_domain)
    yield Fact("Written", _instant(message.time_stamp, zone))
    yield Fact("Version", message.version)
    yield Fact("MessageID", message.message_id)
    yield Fact("ConversationID", message.conversation_id)


def _flex(message: uftp.PayloadMessage) -> Iterator[Fact]:
    if not isinstance(message, uftp.FlexMessage):
        return
    yield Fact("Congestion point", message.congestion_point)
    minutes = int(message.isp_duration.total_seconds() // 60)
    yield Fact(
        "Day", f"{formats.day_name(message.period, year=True)}, {message.time_zone}, ISPs of {minutes} min"
    )


NAMED = {
    "revision": "Revision",
    "service_type": "Service type",
    "contract_id": "Contract",
    "flex_request_message_id": "Answers the request",
    "flex_offer_message_id": "Refers to the offer",
    "flex_order_message_id": "Answers the order",
    "flex_offer_revocation_message_id": "Answers the revocation",
    "d_prognosis_message_id": "Based on the D-Prognosis",
    "baseline_reference": "Baseline",
    "order_reference": "Order reference",
    "option_reference": "Option",
    "result": "Result",
    "rejection_reason": "Reason",
}


def _body(message: uftp.PayloadMessage, zone: str) -> Iterator[Fact]:
    for name, term in NAMED.items():
        value = getattr(message, name, None)
        yield Fact(term, "" if value is None else str(value))
    expires = getattr(message, "expiration_date_time", None)
    yield Fact("Expires", _instant(expires, zone) if expires else "")
    unsolicited = getattr(message, "unsolicited", None)
    yield Fact("Unsolicited", "" if unsolicited is None else "yes" if unsolicited else "no")
    if isinstance(message, uftp.FlexOrder):
        yield Fact("Price", formats.amount(message.price, message.currency))
        yield Fact("Activation factor", formats.grouped(message.activation_factor, 2))


def _instant(instant: datetime, zone: str) -> str:
    day = formats.day_name(formats.local_day(instant, zone), year=True)
    utc = formats.clock(instant, "UTC", seconds=True)
    return f"{day} {formats.clock(instant, zone, seconds=True)} ({utc} UTC)"


def sections_of(message: uftp.PayloadMessage) -> list[Section]:
    """The ISP lists: one of a request, an order or a prognosis, one for each option of an offer."""
    if isinstance(message, uftp.FlexRequest):
        return [Section("Power asked for", isps.lines(message, message.isps, _bounds))]
    if isinstance(message, uftp.FlexOffer):
        return [_option(message, option) for option in message.options[:50]]
    if isinstance(message, uftp.FlexOrder):
        return [
            Section("Power ordered", isps.lines(message, message.isps, lambda isp: isps.power(isp.power)))
        ]
    if isinstance(message, uftp.DPrognosis):
        return [Section("Load expected", isps.lines(message, message.isps, _load))]
    return []


def _bounds(isp: uftp.RequestISP) -> str:
    return (
        f"{isp.disposition or 'no disposition'}: {isps.power(isp.min_power)} to {isps.power(isp.max_power)}"
    )


def _load(isp: uftp.PrognosisISP) -> str:
    return f"{formats.load(isp.power)}{formats.NBSP}kW"


def _option(message: uftp.FlexOffer, option: uftp.OfferOption) -> Section:
    price = formats.amount(option.price, message.currency)
    least = formats.grouped(option.min_activation_factor, 2)
    heading = f"Option {option.option_reference}: {price}, at least × {least}"
    return Section(heading, isps.lines(message, option.isps, lambda isp: isps.power(isp.power)))
