"""How instants, powers and amounts are written for people. Pure: pages, charts and CSV share it."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

MINUS = "−"
NONE = "–"
SYMBOLS: Mapping[str, str] = {"EUR": "€", "GBP": "£", "USD": "$"}
# A break between symbol or number and its neighbour would make two readings of one amount.
NBSP = "\u00a0"

Number = int | float | Decimal
Zone = str | ZoneInfo


def zone_info(zone: Zone) -> ZoneInfo:
    return zone if isinstance(zone, ZoneInfo) else ZoneInfo(zone)


def decimal(value: Number) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(str(value))


def grouped(value: Number, places: int = 0) -> str:
    """1234.5 -> 1,234.50 with a true minus; half a unit goes away from zero, as people round."""
    rounded = decimal(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    text = f"{abs(rounded):,.{places}f}"
    return MINUS + text if rounded < 0 else text


def signed(value: Number, places: int = 0) -> str:
    """An increase has a plus, a decrease a true minus, nothing has no sign."""
    text = grouped(value, places)
    return f"+{text}" if not text.startswith(MINUS) and text.strip("0.,") else text


def places_of(watts: int) -> int:
    """As many decimals of a kW as the watts need: 380,000 -> 0, 380,500 -> 1."""
    return next(n for n in range(4) if watts * 10**n % 1000 == 0)


def kilowatts(watts: int, places: int | None = None) -> str:
    return signed(Decimal(watts).scaleb(-3), places_of(watts) if places is None else places)


def load(watts: int) -> str:
    """A load or a capacity, which is no deviation: without plus."""
    return grouped(Decimal(watts).scaleb(-3), places_of(watts))


def amount(value: Decimal, currency: str = "EUR") -> str:
    """Two decimals, or all four when the price has them: an amount on screen is the amount in the message."""
    exact = value.quantize(Decimal("0.0001"), ROUND_HALF_UP)
    places = 2 if exact == exact.quantize(Decimal("0.01")) else 4
    return f"{SYMBOLS.get(currency, currency)}{NBSP}{grouped(exact, places)}"


def local(instant: datetime, zone: Zone) -> datetime:
    return instant.astimezone(zone_info(zone))


def face(here: datetime, seconds: bool = False) -> str:
    """What a clock at that place shows."""
    text = f"{here.hour:02}:{here.minute:02}"
    return f"{text}:{here.second:02}" if seconds else text


def clock(instant: datetime, zone: Zone, seconds: bool = False) -> str:
    return face(local(instant, zone), seconds)


def day_name(day: date, year: bool = False) -> str:
    return f"{day:%a} {day.day} {day:%b %Y}" if year else f"{day:%a} {day.day} {day:%b}"


def local_day(instant: datetime, zone: Zone) -> date:
    return local(instant, zone).date()


def iso(instant: datetime) -> str:
    """For machines: 2026-11-23T10:05:12Z."""
    return instant.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def isp_start(day: date, number: int, zone: Zone, minutes: int) -> datetime:
    """ISPs are counted from local midnight in real time, so that days of 23 and 25 hours come out right."""
    midnight = datetime.combine(day, time(0), zone_info(zone)).astimezone(UTC)
    return midnight + timedelta(minutes=minutes * (number - 1))


def isp_end_clock(day: date, number: int, zone: Zone, minutes: int) -> str:
    """The end of the day's last ISP is 24:00, not 00:00 of a day that nobody asked about."""
    end = isp_start(day, number + 1, zone, minutes)
    return "24:00" if local_day(end, zone) > day else clock(end, zone)


@lru_cache(maxsize=4096)  # a list speaks of the same few hours in every row
def isp_hours(day: date, first: int, last: int, zone: Zone, minutes: int) -> str:
    start = clock(isp_start(day, first, zone, minutes), zone)
    return f"{start}–{isp_end_clock(day, last, zone, minutes)}"


def isp_numbers(first: int, last: int) -> str:
    return f"ISP {first}" if first == last else f"ISP {first}–{last}"


def span(day: date, first: int, last: int, zone: Zone, minutes: int) -> str:
    return f"{isp_hours(day, first, last, zone, minutes)} {isp_numbers(first, last)}"


def remaining(seconds: int) -> str:
    """47:42, 3:17:42 or 2 d 5 h; the same words as static/js/clock.js."""
    if seconds <= 0:
        return "over"
    days, hours, rest = seconds // 86400, seconds // 3600, seconds % 60
    if days >= 2:
        return f"{days} d {hours % 24} h"
    minutes = seconds // 60 % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def urgency(seconds: int) -> str:
    """Amber under an hour, red under 15 minutes, nothing when it is over."""
    if seconds <= 0 or seconds >= 3600:
        return ""
    return "last" if seconds < 900 else "soon"


def ago(seconds: int) -> str:
    """How long something has been silent: 40 s, 12 min, 1 h 29 min, 3 d."""
    if seconds < 60:
        return f"{max(seconds, 0)} s"
    if seconds < 3600:
        return f"{seconds // 60} min"
    if seconds < 172800:
        return f"{seconds // 3600} h {seconds // 60 % 60} min"
    return f"{seconds // 86400} d"


def option_place(letter: str, otherwise: int = 0) -> int:
    """Which option of its offer a letter names, from 0: so it keeps its look where it stands alone."""
    place = 0
    for sign in letter:
        if not "A" <= sign <= "Z":
            return otherwise
        place = place * 26 + ord(sign) - ord("A") + 1
    return place - 1 if letter else otherwise
