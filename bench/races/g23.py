"""G23: every day 2024-2035 in every time zone against an independent oracle.

python -m bench.races.g23 [--zones Europe/Amsterdam …] [--json]
"""

import argparse
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, available_timezones

from bench.verdict import Verdict
from offers.uftp import isp

FIRST, END = date(2024, 1, 1), date(2036, 1, 1)
HOUR, SECOND, DAY = timedelta(hours=1), timedelta(seconds=1), timedelta(days=1)
QUARTER = timedelta(minutes=15)
LENGTHS = (QUARTER, timedelta(minutes=30), HOUR)


def utc(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def changes(zone: tzinfo) -> Iterator[tuple[datetime, timedelta]]:
    """The instants (UTC) from which the zone has another offset, each with its offset."""
    at, last = utc(FIRST) - 2 * DAY, utc(END) + 2 * DAY
    offset = _offset(at, zone)
    yield at, offset
    while at < last:
        following = at + 3 * HOUR  # no zone changes twice within three hours
        if (after := _offset(following, zone)) != offset:
            yield _first_with(after, at, following, zone), after
            offset = after
        at = following


def _offset(instant: datetime, zone: tzinfo) -> timedelta:
    offset = instant.astimezone(zone).utcoffset()
    assert offset is not None
    return offset


def _first_with(offset: timedelta, before: datetime, after: datetime, zone: tzinfo) -> datetime:
    while after - before > SECOND:
        middle = before + (after - before) // (2 * SECOND) * SECOND
        before, after = (before, middle) if _offset(middle, zone) == offset else (middle, after)
    return after


def day_starts(zone: tzinfo) -> dict[date, datetime]:
    """When each day begins: the first instant (UTC) at which the wall clock shows it.

    Between two changes the wall clock runs evenly, so that its midnights are a sum; at a change a day
    begins when the clock leaps over midnight. A day that comes twice has begun the first time.
    """
    steps = [*changes(zone), (utc(END) + 2 * DAY, timedelta(0))]
    found: dict[date, datetime] = {}
    for (begin, offset), (end, _) in zip(steps, steps[1:], strict=False):
        wall = begin + offset  # what the clock on the wall shows, as if it were UTC
        if wall.date() not in found:
            found[wall.date()] = begin
        midnight = utc(wall.date()) + DAY
        while (instant := midnight - offset) < end:
            found.setdefault(midnight.date(), instant)
            midnight += DAY
    return found


def days(zone: tzinfo) -> Iterator[tuple[date, datetime, datetime]]:
    """Every day with its begin and its end; a day that a zone skips altogether begins where it ends."""
    starts = day_starts(zone)
    day, ends = END, starts[END]
    found = []
    while day > FIRST:
        day -= DAY
        begin = starts.get(day, ends)
        found.append((day, begin, ends))
        ends = begin
    yield from reversed(found)


def quarters(zone: ZoneInfo) -> list[tuple[date, int]]:
    return [(day, (ends - begin) // QUARTER) for day, begin, ends in days(zone)]


def mismatches(zone: ZoneInfo) -> list[str]:
    """What the calendar of the portal says otherwise than the oracle, day by day."""
    return [text for day, begin, ends in days(zone) for text in _wrong(zone, day, begin, ends)]


def _wrong(zone: ZoneInfo, day: date, begin: datetime, ends: datetime) -> Iterator[str]:
    if isp.midnight(day, zone) != begin:
        yield f"{zone.key} {day} begins at {isp.midnight(day, zone)}, not {begin}"
    for length in LENGTHS:
        wanted = (ends - begin) // length
        if isp.count(day, zone, length) != wanted:
            yield f"{zone.key} {day} has {isp.count(day, zone, length)} of {length}, not {wanted}"
        elif wanted and isp.isp_bounds(day, zone, length, wanted)[1] > ends:
            yield f"{zone.key} {day}: its last of {length} is too late"


def run(names: list[str]) -> Verdict:
    verdict, started = Verdict("G23", 0), time.monotonic()
    for name in names:
        zone = ZoneInfo(name)
        verdict.tried += (END - FIRST).days
        for text in mismatches(zone):
            verdict.blame("unexpected", text)
    verdict.figures = {"zones": len(names), "seconds": round(time.monotonic() - started, 1)}
    return verdict


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--zones", nargs="*", default=sorted(available_timezones()))
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    return run(chosen.zones).report(chosen.json)


if __name__ == "__main__":
    raise SystemExit(main())
