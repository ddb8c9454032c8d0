"""The protocol's simple types (protocol.md §1.1): facets, text to value and back."""

import base64
import binascii
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Any

from .currencies import MAX_DECIMALS, decimal_text, price_text
from .isp import format_duration, parse_duration

MAX_TEXT = 1000  # characters; the schema has no limit, the database and the screen have
MAX_NAME = 255  # of what is told apart by it: an index of the database holds no 1,000 characters of any kind
MAX_DIGITS = 15
BOUND = 10**MAX_DIGITS
MAX_AMOUNT = Decimal(10) ** 11
# Two days inside the years 1 to 9999, so that every midnight can be told in the time of every other zone.
EARLIEST, LATEST = date(1, 1, 3), date(9999, 12, 29)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the reading or writing of one value may need to know of its message."""

    zone: tzinfo = UTC
    currency: str = ""


@dataclass(frozen=True, slots=True)
class SimpleType:
    """One simple type. `base` and the facets make its XSD; `right` says what a right value is.

    `read` is given text that the schema has accepted and raises ValueError for what cannot be
    represented; `write` is given a value and raises ValueError for one that cannot be written.
    """

    name: str
    base: str
    right: str
    read: Callable[[str, Surroundings], Any]
    write: Callable[[Any, Surroundings], str]
    facets: tuple[tuple[str, str], ...] = ()
    canonical: Callable[[Any], Any] | None = None
    max_text: int = MAX_TEXT
    # What `read` does with a text of at most `short` characters; of these a message has most.
    read_short: Callable[[str], Any] = str
    short: int = -1

    @property
    def may_need_escapes(self) -> bool:
        """Whether what is written can have a character that means something in XML."""
        return self.base == "xs:string"

    @property
    def xsd_name(self) -> str:
        """How an attribute refers to this type: by its own name, or the built-in one without facets."""
        return self.name if self.facets else self.base


# --- text ---------------------------------------------------------------------------------------


def _read_text(text: str, _: Surroundings) -> str:
    return text


def _write_text(value: Any, _: Surroundings) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")
    return value


def _text(name: str, right: str, pattern: str) -> SimpleType:
    return SimpleType(name, "xs:string", right, _read_text, _write_text, (("pattern", pattern),))


def _enumeration(name: str, *values: str) -> SimpleType:
    facets = tuple(("enumeration", value) for value in values)
    return SimpleType(name, "xs:string", "one of " + ", ".join(values), _read_text, _write_text, facets)


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


STRING = SimpleType("string", "xs:string", "text", _read_text, _write_text)
NAME = replace(STRING, max_text=MAX_NAME)
SPEC_VERSION = _text("SpecVersion", "three numbers such as 3.1.0", r"(\d+\.\d+\.\d+)")
UUID = SimpleType(
    "UUIDType",
    "xs:string",
    "a UUID such as 0f8fad5b-d9cb-469f-a165-70867728950e",
    lambda text, _: text.lower(),
    _write_text,
    (("pattern", "[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}"),),
    canonical=_lower,
)
ENTITY_ADDRESS = _text(
    "EntityAddressType",
    "an entity address such as ea1.2026-01.example.com:station-7 or ean.871234567890123456",
    r"(ea1\.[0-9]{4}-[0-9]{2}\..{1,244}:.{1,244}|ean\.[0-9]{12,34})",
)
INTERNET_DOMAIN = _text(
    "InternetDomainType",
    "a domain in lower case such as agr.example.com",
    r"([a-z0-9]+(-[a-z0-9]+)*\.)+[a-z]{2,}",
)
CURRENCY = _text("ISO4217CurrencyType", "three capitals such as EUR", "[A-Z]{3}")
TIME_ZONE = _text(
    "TimeZoneNameType",
    "a time zone of Africa, America, Australia, Europe or Pacific such as Europe/Amsterdam",
    "(Africa|America|Australia|Europe|Pacific)/[a-zA-Z0-9_/]{3,}",
)
ROLE = _enumeration("USEF-RoleType", "AGR", "CRO", "DSO")
RESULT = _enumeration("AcceptedRejectedType", "Accepted", "Rejected")
DISPOSITION = _enumeration("AvailableRequestedType", "Available", "Requested")

# --- numbers ------------------------------------------------------------------------------------


def _read_integer(text: str, _: Surroundings) -> int:
    text = text.strip()
    digits = text.lstrip("+-").lstrip("0")
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"a number of {len(digits)} digits, at most {MAX_DIGITS} are supported")
    return int(text)


def _read_long(text: str, _: Surroundings) -> int:
    return int(text)


def _write_integer(value: Any, _: Surroundings) -> str:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{value!r} is no whole number")
    return str(value)


def _write_bounded(value: Any, around: Surroundings) -> str:
    if type(value) is int and -BOUND < value < BOUND:
        return str(value)
    text = _write_integer(value, around)
    if len(text) > MAX_DIGITS:
        _read_integer(text, around)
    return text


def _bounded(name: str, right: str) -> SimpleType:
    return SimpleType(
        name, f"xs:{name}", right, _read_integer, _write_bounded, read_short=int, short=MAX_DIGITS
    )


INTEGER = _bounded("integer", "a whole number")
POSITIVE_INTEGER = _bounded("positiveInteger", "a whole number from 1")
LONG = SimpleType("long", "xs:long", "a whole number of 64 bits", _read_long, _write_integer)


def _read_decimal(text: str, _: Surroundings) -> Decimal:
    return Decimal(text)


def _write_decimal(value: Any, _: Surroundings) -> str:
    if not isinstance(value, Decimal) or not value.is_finite():
        raise ValueError(f"{value!r} is no decimal number")
    return f"{value:f}"


def _read_amount(text: str, around: Surroundings) -> Decimal:
    amount = _amount(_read_decimal(text, around))
    smallest = Decimal(1).scaleb(-MAX_DECIMALS)
    return amount.quantize(smallest) if amount.as_tuple().exponent < -MAX_DECIMALS else amount  # type: ignore[operator]


def _amount(amount: Decimal) -> Decimal:
    if abs(amount) > MAX_AMOUNT:
        raise ValueError(f"an amount beyond ±{MAX_AMOUNT:,} is not supported")
    return amount


def _write_amount(value: Any, around: Surroundings) -> str:
    _write_decimal(value, around)
    return price_text(_amount(value), around.currency)


CURRENCY_AMOUNT = SimpleType(
    "CurrencyAmountType",
    "xs:decimal",
    "an amount with at most 4 decimals such as 12.50",
    _read_amount,
    _write_amount,
    (("fractionDigits", "4"),),
)


def _write_factor(value: Any, around: Surroundings) -> str:
    _write_decimal(value, around)
    return decimal_text(value, 2)


ACTIVATION_FACTOR = SimpleType(
    "ActivationFactorType",
    "xs:decimal",
    "a factor from 0.01 to 1.00 with at most 2 decimals",
    _read_decimal,
    _write_factor,
    (("fractionDigits", "2"), ("minInclusive", "0.01"), ("maxInclusive", "1.00")),
)


def _read_boolean(text: str, _: Surroundings) -> bool:
    return text.strip() in ("true", "1")


def _write_boolean(value: Any, _: Surroundings) -> str:
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} is neither True nor False")
    return "true" if value else "false"


BOOLEAN = SimpleType("boolean", "xs:boolean", "true or false", _read_boolean, _write_boolean)

# --- time ---------------------------------------------------------------------------------------

DATE = re.compile(r"(-?)([0-9]{4,})-([0-9]{2})-([0-9]{2})")
CLOCK = re.compile(r"T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?")
OFFSET = re.compile(r"Z|([+-])([0-9]{2}):([0-9]{2})")


def _day(text: str) -> date:
    match = DATE.match(text)
    if match is None or match[1] or len(match[2]) > 4 or match[2] == "0000":
        raise ValueError(f"a date outside {EARLIEST} to {LATEST} is not supported")
    return _supported(date(int(match[2]), int(match[3]), int(match[4])))


def _supported(day: date) -> date:
    if not EARLIEST <= day <= LATEST:
        raise ValueError(f"a date outside {EARLIEST} to {LATEST} is not supported")
    return day


def _read_date(text: str, _: Surroundings) -> date:
    """A calendar day of the message's TimeZone; an offset behind it (legal) says nothing."""
    return _day(text.strip())


def _write_date(value: Any, _: Surroundings) -> str:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise ValueError(f"{value!r} is no date")
    return _supported(value).isoformat()


PERIOD = SimpleType("PeriodType", "xs:date", "a date such as 2026-03-01", _read_date, _write_date)


def _offset(text: str) -> tzinfo | None:
    match = OFFSET.search(text)
    if match is None:
        return None
    minutes = int(match[2] or 0) * 60 + int(match[3] or 0)
    return timezone(timedelta(minutes=-minutes if match[1] == "-" else minutes))


def _read_instant(text: str, around: Surroundings) -> datetime:
    """An instant with a fixed offset. Without an offset, which is legal in 3.x, it is the local time
    of the message's TimeZone; of more than six decimals the first six count; 24:00:00 is the next day."""
    text = text.strip()
    day, clock = _day(text), CLOCK.search(text)
    if clock is None:
        raise ValueError(f"{text} is no time")
    hours, minutes, seconds = (int(clock[i]) for i in (1, 2, 3))
    zone = _offset(text[clock.end() :]) or around.zone
    instant = datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(
        hours=hours, minutes=minutes, seconds=seconds, microseconds=int((clock[4] or "0")[:6].ljust(6, "0"))
    )
    return fixed(_supported_instant(instant))


def _supported_instant(instant: datetime) -> datetime:
    _supported(instant.date())
    _supported(instant.astimezone(UTC).date())
    return instant


def fixed(instant: datetime) -> datetime:
    """The same instant with a plain offset of whole minutes: only such a one can be written, and
    instants in the repeated hour of a named zone do not compare equal to any other."""
    offset = instant.utcoffset() or timedelta(0)
    if offset % timedelta(minutes=1):
        return instant.astimezone(UTC)
    return instant.replace(tzinfo=timezone(offset), fold=0)


def _fixed_if_instant(value: Any) -> Any:
    return fixed(value) if isinstance(value, datetime) and value.tzinfo is not None else value


def _write_instant(value: Any, _: Surroundings) -> str:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ValueError(f"{value!r} is no instant with an offset")
    return fixed(_supported_instant(value)).isoformat().replace("+00:00", "Z")


DATE_TIME = SimpleType(
    "dateTime",
    "xs:dateTime",
    "an instant such as 2026-03-01T14:00:00+01:00",
    _read_instant,
    _write_instant,
    canonical=_fixed_if_instant,
)


def _read_duration(text: str, _: Surroundings) -> timedelta:
    return parse_duration(text.strip())


def _write_duration(value: Any, _: Surroundings) -> str:
    if not isinstance(value, timedelta):
        raise ValueError(f"{value!r} is no duration")
    return format_duration(value)


DURATION = SimpleType("duration", "xs:duration", "a duration such as PT15M", _read_duration, _write_duration)

# --- bytes --------------------------------------------------------------------------------------


def strict_base64(text: str) -> bytes:
    """The bytes of standard base64 without any white space; ValueError for another alphabet, wrong
    padding or padding bits that are not zero, so that one value has exactly one spelling."""
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("not base64") from error
    if base64.b64encode(found).decode() != text:
        raise ValueError("not base64 as it is written: the bits behind the last byte are not zero")
    return found


def _read_base64(text: str, _: Surroundings) -> bytes:
    return strict_base64(text.encode().translate(None, b" \t\r\n").decode())


def _write_base64(value: Any, _: Surroundings) -> str:
    if not isinstance(value, bytes):
        raise ValueError("no bytes")
    return base64.b64encode(value).decode()


BASE64 = SimpleType(
    "base64Binary", "xs:base64Binary", "base64", _read_base64, _write_base64, max_text=sys.maxsize
)
