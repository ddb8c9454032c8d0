"""What a message refers to: V13 to V16, the same for offers and orders."""

from collections.abc import Iterator
from datetime import datetime

from ..errors import clipped
from ..messages import FlexOffer, FlexOrder, FlexRequest
from .context import Day, local
from .day import d2_expired
from .reasons import Reason


def v13_reference(name: str, given: str | None, known: bool) -> Iterator[Reason]:
    """V13, D10: known here, in whatever conversation."""
    if given is not None and not known:
        yield Reason(name, f"Unknown reference {name}: {given} is not known here")


def v14_same_period(
    message: FlexOffer | FlexOrder, referenced: FlexRequest | FlexOffer | None
) -> Iterator[Reason]:
    """V14; and V12 for what no rule says but every party means: the same congestion point."""
    if referenced is None:
        return
    name = referenced.XML_NAME
    if message.period != referenced.period:
        text = f"Reference Period mismatch: {message.period}, the {name} is for {referenced.period}"
        yield Reason("Period", text)
    if message.congestion_point != referenced.congestion_point:
        there = clipped(referenced.congestion_point)
        yield Reason("CongestionPoint", f"Invalid congestion point: the {name} is for {there}")


def v15_not_expired(
    name: str, referenced: FlexRequest | FlexOffer | None, now: datetime, day: Day | None
) -> Iterator[Reason]:
    """V15, D2, D3: `now` is the moment at which the message that refers to it was received."""
    if referenced is not None and d2_expired(referenced.expiration_date_time, now):
        until = local(referenced.expiration_date_time, day.zone if day else None)
        yield Reason(name, f"Reference message expired: the {referenced.XML_NAME} was valid until {until}")
