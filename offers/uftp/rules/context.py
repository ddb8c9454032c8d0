"""What rules need to know besides the message, as plain values, and the day that a message is about."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from .. import isp
from ..errors import clipped
from ..messages import (
    DPrognosis,
    FlexMessage,
    FlexOffer,
    FlexOrder,
    FlexRequest,
    PowerISP,
    PrognosisISP,
    RequestISP,
)

ISP = RequestISP | PowerISP | PrognosisISP
DayMessage = FlexRequest | FlexOffer | FlexOrder | DPrognosis


@dataclass(frozen=True, slots=True)
class Market:
    """The terms of one congestion point, between the two parties of the message.

    `contracts` are the ContractIDs that both parties have there. What is None is not checked:
    `baselines` are the known BaselineReferences, `prognoses` the MessageIDs of known D-Prognoses,
    `max_power` is the largest plausible |Power| in watts.
    """

    congestion_point: str
    isp_duration: timedelta
    time_zone: str
    currency: str
    mutex_offers_supported: bool
    contracts: frozenset[str]
    baselines: frozenset[str] | None = None
    prognoses: frozenset[str] | None = None
    max_power: int | None = None
    baseline_required: bool = False


@dataclass(frozen=True, slots=True)
class Day:
    """The day of a message as its own zone and ISP length cut it: ISPs 1 to `last`."""

    date: date
    zone: ZoneInfo
    length: timedelta
    last: int

    def end_of(self, n: int) -> datetime:
        return isp.isp_bounds(self.date, self.zone, self.length, n)[1]

    def __str__(self) -> str:
        return f"{self.date} in {self.zone.key}"


def day_of(message: FlexMessage) -> Day | None:
    """The message's day, or None if its zone is unknown (V11) or its ISPs have no possible length (V10)."""
    zone = isp.zone(message.time_zone)
    if zone is None or not isp.is_length(message.isp_duration):
        return None
    last = isp.count(message.period, zone, message.isp_duration)
    return Day(message.period, zone, message.isp_duration, last)


@dataclass(frozen=True, slots=True)
class ISPList:
    """One list of ISPs of a message: its field path, what a person calls it, and its ISPs."""

    path: str
    label: str
    isps: Sequence[ISP]

    def field(self, item: ISP, attribute: str = "") -> str:
        return f"{self.path}ISP[{item.start}]{attribute}"


def isp_lists(message: DayMessage) -> Iterator[ISPList]:
    """Every list of ISPs in the message: one, or one per OfferOption."""
    if not isinstance(message, FlexOffer):
        yield ISPList("", "", message.isps)
        return
    for number, option in enumerate(message.options, start=1):
        yield ISPList(
            f"OfferOption[{number}].", f" of option {clipped(option.option_reference)}", option.isps
        )


def segments(isps: Sequence[ISP]) -> list[isp.Segment[object]]:
    """First ISP, number of ISPs and nothing, for questions about which ISPs are addressed."""
    return [(item.start, item.duration, None) for item in isps]


def powers(isps: Sequence[PowerISP | PrognosisISP]) -> list[isp.Segment[int]]:
    """First ISP, number of ISPs, power in watts."""
    return [(item.start, item.duration, item.power) for item in isps]


def span(item: ISP) -> str:
    return isp.numbers([(item.start, item.start + item.duration - 1)])


def local(instant: datetime, zone: tzinfo | None) -> str:
    """An instant for a person: local time with its offset, to the minute if it is a whole one."""
    there = instant.astimezone(zone or UTC)
    return there.isoformat(timespec="seconds" if there.second or there.microsecond else "minutes")
