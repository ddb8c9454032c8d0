"""The ISP calendar: how many a day has, number to instant and back, list to profile and back.

ISP 1 begins at local midnight; ISP n covers [midnight + (n-1)·length, midnight + n·length) in elapsed
time, so a day has 92, 96 or 100 of 15 minutes (protocol.md §5). All instants returned are UTC.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from typing import TypeVar
from zoneinfo import ZoneInfo, available_timezones

T = TypeVar("T")
Segment = tuple[int, int, T]  # the first ISP, the number of ISPs, the value of each of them

SHORTEST = timedelta(minutes=1)
LONGEST = timedelta(days=1)
MAX_COUNT = 1600  # no day has more ISPs, even of one minute each

DURATION = re.compile(
    r"(?P<sign>-?)P(?:(?P<years>[0-9]+)Y)?(?:(?P<months>[0-9]+)M)?(?:(?P<days>[0-9]+)D)?"
    r"(?:T(?:(?P<hours>[0-9]+)H)?(?:(?P<minutes>[0-9]+)M)?(?:(?P<seconds>[0-9]+(?:\.[0-9]+)?)S)?)?"
)


@cache
def _names() -> frozenset[str]:
    return frozenset(available_timezones())


def zone(name: str) -> ZoneInfo | None:
    """The time zone called `name`, or None if there is none; never touches a path made of `name`."""
    return ZoneInfo(name) if name in _names() else None


def is_length(length: timedelta) -> bool:
    """Whether ISPs can be this long: whole minutes, from one minute to one day."""
    return SHORTEST <= length <= LONGEST and length % SHORTEST == timedelta(0)


def midnight(day: date, tz: ZoneInfo) -> datetime:
    """The instant (UTC) at which `day` begins; where midnight is skipped, the end of the gap."""
    return datetime(day.year, day.month, day.day, tzinfo=tz).astimezone(UTC)


@lru_cache(maxsize=4096)
def count(day: date, tz: ZoneInfo, length: timedelta) -> int:
    """How many whole ISPs of `length` the day has; ValueError if no ISP can have that length."""
    if not is_length(length):
        raise ValueError(f"{format_duration(length)} is no ISP length: whole minutes, PT1M to PT1440M")
    return (midnight(day + timedelta(days=1), tz) - midnight(day, tz)) // length


def isp_bounds(day: date, tz: ZoneInfo, length: timedelta, n: int) -> tuple[datetime, datetime]:
    """Start and end (UTC) of ISP `n`; ValueError if the day has no such ISP."""
    last = count(day, tz, length)
    if not 1 <= n <= last:
        raise ValueError(f"ISP {n} does not exist: {day} in {tz.key} has the ISPs 1-{last}")
    start = midnight(day, tz) + (n - 1) * length
    return start, start + length


def isp_at(instant: datetime, tz: ZoneInfo, length: timedelta) -> tuple[date, int]:
    """The day and number of the ISP that runs at `instant`; ValueError in the rest of a day that
    is no whole number of ISPs (23.5 hours of 60 minutes)."""
    day = instant.astimezone(tz).date()
    n = (instant - midnight(day, tz)) // length + 1
    if not 1 <= n <= count(day, tz, length):
        raise ValueError(f"{instant.isoformat()} belongs to no ISP of {format_duration(length)}")
    return day, n


def out_of_bounds(start: int, duration: int, last: int) -> bool:
    """V17: whether a segment leaves 1..last, judged without expanding it."""
    return start < 1 or duration < 1 or start + duration - 1 > last


def conflicts(segments: Iterable[Segment[object]]) -> list[tuple[int, int]]:
    """V18: the ranges (first, last ISP) that are addressed more than once, without expanding any."""
    found: list[tuple[int, int]] = []
    reached: int | None = None
    for start, duration, _ in sorted(segments, key=lambda segment: segment[:2]):
        end = start + duration - 1
        if reached is not None and start <= min(reached, end):
            found.append((start, min(end, reached)))
        reached = end if reached is None else max(reached, end)
    return found


def expand(segments: Iterable[Segment[T]], last: int) -> dict[int, T]:
    """Value per ISP number, ascending. Bounds and conflicts are checked before anything is expanded;
    ValueError names what is wrong."""
    given = list(segments)
    for start, duration, _ in given:
        if out_of_bounds(start, duration, last):
            raise ValueError(f"ISPs out of bounds: {start}-{start + duration - 1} of 1-{last}")
    if twice := conflicts(given):
        raise ValueError(f"ISP conflict: {numbers(twice)} addressed twice")
    ordered = sorted(given, key=lambda segment: segment[0])
    return {n: value for start, duration, value in ordered for n in range(start, start + duration)}


def compress(profile: Mapping[int, T]) -> list[Segment[T]]:
    """The shortest list of segments for a value per ISP, ascending."""
    return merged((n, 1, profile[n]) for n in sorted(profile))


def merged(segments: Iterable[Segment[T]]) -> list[Segment[T]]:
    """D8: the same power per ISP in its one shortest form, so that segmentations can be compared.
    Nothing is expanded; overlapping segments stay apart."""
    result: list[Segment[T]] = []
    for start, duration, value in sorted(segments, key=lambda segment: segment[:2]):
        if result and result[-1][2] == value and result[-1][0] + result[-1][1] == start:
            result[-1] = (result[-1][0], result[-1][1] + duration, value)
        else:
            result.append((start, duration, value))
    return result


def overlap(some: Iterable[Segment[object]], others: Iterable[Segment[object]]) -> bool:
    """Whether any ISP is in both lists, without expanding either."""
    left = sorted((start, start + n - 1) for start, n, _ in some)
    right = sorted((start, start + n - 1) for start, n, _ in others)
    i = j = 0
    while i < len(left) and j < len(right):
        if left[i][0] <= right[j][1] and right[j][0] <= left[i][1]:
            return True
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1
    return False


def covered(segments: Iterable[Segment[object]]) -> list[tuple[int, int]]:
    """The ranges (first, last) that a list addresses, each once, ascending, without expanding it."""
    found: list[tuple[int, int]] = []
    for start, n, _ in sorted(segments, key=lambda segment: segment[:2]):
        if found and start <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], start + n - 1))
        else:
            found.append((start, start + n - 1))
    return found


def ranges(isps: Iterable[int]) -> list[tuple[int, int]]:
    """ISP numbers as ascending ranges (first, last): 3, 4, 5, 9 gives (3, 5), (9, 9)."""
    return [(start, start + n - 1) for start, n, _ in compress(dict.fromkeys(isps, True))]


def numbers(found: Iterable[tuple[int, int]], most: int = 8) -> str:
    """Ranges for a person: "ISP 3-5, 9"; what is beyond `most` ranges is only counted."""
    texts = [f"{first}" if first == last else f"{first}-{last}" for first, last in found]
    rest = f" and {len(texts) - most} more" if len(texts) > most else ""
    return "ISP " + ", ".join(texts[:most]) + rest


def format_duration(length: timedelta) -> str:
    """ISP-Duration as it is written: PT15M, in minutes if it is a whole number of them."""
    sign = "-" if length < timedelta(0) else ""
    minutes, rest = divmod(abs(length), timedelta(minutes=1))
    if not rest:
        return f"{sign}PT{minutes}M"
    seconds = f"{rest.seconds}.{rest.microseconds:06d}".rstrip("0").rstrip(".")
    return f"{sign}PT{minutes}M{seconds}S" if minutes else f"{sign}PT{seconds}S"


def parse_duration(text: str) -> timedelta:
    """The xs:duration `text`; ValueError if it is none, counts months or years, or is too long."""
    match = DURATION.fullmatch(text)
    if match is None or text.endswith(("P", "T")):
        raise ValueError(f"{text!r} is no duration: write PT15M")
    if int(match["years"] or 0) or int(match["months"] or 0):
        raise ValueError(f"{text} has no fixed length: months and years are not supported, write PT15M")
    return _length(match)


def _length(match: re.Match[str]) -> timedelta:
    whole, _, fraction = (match["seconds"] or "0").partition(".")
    try:
        length = timedelta(
            days=int(match["days"] or 0),
            hours=int(match["hours"] or 0),
            minutes=int(match["minutes"] or 0),
            seconds=int(whole),
            microseconds=int(fraction[:6].ljust(6, "0")),
        )
    except OverflowError as error:
        raise ValueError("a duration of more than 999,999,999 days is not supported") from error
    return -length if match["sign"] else length
