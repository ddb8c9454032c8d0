"""ISP lists in words: neighbours with equal values as one line, with local hours where the day has them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from offers import formats, uftp

MOST_LINES = 200


class Piece(Protocol):
    @property
    def start(self) -> int: ...
    @property
    def duration(self) -> int: ...


P = TypeVar("P", bound=Piece)


@dataclass(frozen=True)
class Line:
    """Some ISPs in a row that say the same."""

    hours: str
    numbers: str
    words: str


def lines(message: uftp.FlexMessage, pieces: Sequence[P], words: Callable[[P], str]) -> list[Line]:
    """The list as few lines as it needs; what a stranger wrote is never expanded."""
    runs: list[tuple[int, int, str]] = []
    for piece in sorted(pieces, key=lambda one: one.start):
        said = words(piece)
        if runs and runs[-1][2] == said and runs[-1][1] + 1 == piece.start:
            runs[-1] = (runs[-1][0], piece.start + piece.duration - 1, said)
        else:
            runs.append((piece.start, piece.start + piece.duration - 1, said))
    return [Line(hours(message, a, b), formats.isp_numbers(a, b), said) for a, b, said in runs[:MOST_LINES]]


def hours(message: uftp.FlexMessage, first: int, last: int) -> str:
    """17:00–19:00, or nothing for ISPs that the day does not have."""
    zone, minutes = uftp.isp.zone(message.time_zone), int(message.isp_duration.total_seconds() // 60)
    if zone is None or not 1 <= first <= last <= uftp.isp.MAX_COUNT or not 1 <= minutes <= 1440:
        return ""
    return formats.isp_hours(message.period, first, last, zone, minutes)


def span(message: uftp.FlexMessage, pieces: Iterable[Piece]) -> str:
    """From the first to the last ISP of a list."""
    found = list(pieces)
    if not found:
        return "no ISP"
    first = min(piece.start for piece in found)
    last = max(piece.start + piece.duration - 1 for piece in found)
    return hours(message, first, last) or formats.isp_numbers(first, last)


def power(watts: int) -> str:
    return f"{formats.kilowatts(watts)}{formats.NBSP}kW"


def peak(watts: Iterable[int]) -> str:
    """The power that is furthest from zero."""
    return power(max(watts, key=abs, default=0))
