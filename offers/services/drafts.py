"""Drafts as they were typed: read into values, with every wrong cell named and nothing lost."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from offers import uftp
from offers.models.money import to_units
from offers.uftp import isp

WATTS_LIMIT = 10**12
MAX_OPTIONS = 50
MAX_SEGMENTS = 2_000
TEXT_LIMIT = 255
DEEPEST = 16
LARGEST = 512 * 1024  # characters as JSON; fifty options over the longest day have less than half
MOST_REASONS = 500
YEARS = range(1900, 3000)  # far from where an offset or a day leads out of the calendar


class NotADraft(ValueError):
    """What came is not even shaped like a draft; the text says what would be."""


@dataclass
class Reading:
    """Collects what is wrong while a draft is read; `reasons` name the field on the wire."""

    reasons: list[uftp.Reason] = field(default_factory=list)

    def wrong(self, path: str, text: str) -> None:
        if len(self.reasons) < MOST_REASONS:
            self.reasons.append(uftp.Reason(field=path, text=text))

    def watts(self, value: Any, path: str) -> int | None:
        number = _whole(value)
        if number is None:
            self.wrong(path, f"{path}: “{value}” is no power: give whole watts, such as -120000.")
        elif abs(number) > WATTS_LIMIT:
            self.wrong(path, f"{path}: {number} W is out of range: at most ±{WATTS_LIMIT} W.")
        else:
            return number
        return None

    def positive(self, value: Any, path: str) -> int | None:
        number = _whole(value)
        if number is None or not 1 <= number <= 1_000_000:
            self.wrong(path, f"{path}: “{value}” is no ISP number: give a whole number from 1.")
            return None
        return number

    def money(self, value: Any, path: str) -> Decimal | None:
        amount = _decimal(value)
        if amount is None:
            what = " is empty" if value in (None, "") else f": “{value}” is no amount"
            self.wrong(path, f"{path}{what}: give a price such as 101.40.")
            return None
        try:
            to_units(amount)
        except ValueError as error:
            self.wrong(path, f"{path}: {error}.")
            return None
        return amount

    def factor(self, value: Any, path: str) -> Decimal | None:
        number = _decimal("1.00" if value in (None, "") else value)
        if number is None or not Decimal("0.01") <= number <= 1 or number != round(number, 2):
            self.wrong(
                path, f"{path}: “{value}” is no activation factor: give 0.01 to 1.00 with two decimals."
            )
            return None
        return number

    def instant(self, value: Any, path: str) -> datetime | None:
        if isinstance(value, datetime):
            return value
        if value in (None, ""):
            self.wrong(path, f"{path}: it is missing; give a date and a time.")
            return None
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            self.wrong(
                path, f"{path}: “{value}” is no instant: give date, time and offset, 2026-03-01T14:00+01:00."
            )
            return None
        if moment.tzinfo is None:
            self.wrong(path, f"{path}: “{value}” has no offset from UTC: give one, such as {value}+01:00.")
            return None
        if moment.year not in YEARS:
            self.wrong(
                path, f"{path}: “{value}” is out of range: give a year from {YEARS[0]} to {YEARS[-1]}."
            )
            return None
        return moment

    def text(self, value: Any, path: str, needed: bool = False) -> str:
        text = plain(str(value or ""))
        if needed and not text:
            self.wrong(path, f"{path} is empty: give it a short name.")
        if len(text) > TEXT_LIMIT:
            self.wrong(path, f"{path} has {len(text)} characters: at most {TEXT_LIMIT}.")
        return text


def plain(text: str) -> str:
    """A text without what XML and databases cannot hold (control characters), in one line."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def depth_over(value: Any, deepest: int) -> bool:
    """Whether lists and objects lie in each other deeper than that; level by level, without recursion."""
    level = [value]
    for _ in range(deepest):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return False
    return True


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list) else ()


def to_keep(draft: Mapping[str, Any]) -> Any:
    """A draft as it is stored; each recipient of a request has a copy of its own."""
    cleaned = _storable(draft)
    size = len(json.dumps(cleaned, default=str))
    if size > LARGEST:
        raise NotADraft(f"The draft has {size} characters as JSON: at most {LARGEST}.")
    return cleaned


def _storable(value: Any) -> Any:
    """Without the characters that no database and no XML can hold; everything else as typed."""
    if isinstance(value, str):
        return "".join(" " if c == "\0" or "\ud800" <= c <= "\udfff" else c for c in value)
    if isinstance(value, Mapping):
        return {_storable(str(key)): _storable(item) for key, item in value.items()}
    return [_storable(item) for item in value] if isinstance(value, list) else value


def _whole(value: Any) -> int | None:
    number = _decimal(value)
    return int(number) if number is not None and number == number.to_integral_value() else None


def _decimal(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, (int, str, Decimal)):
        return None
    text = str(value).strip().replace("\N{MINUS SIGN}", "-")
    if len(text) > 40:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) < 40 else None


def a_list(value: Any, path: str, limit: int) -> list[Mapping[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise NotADraft(f"{path} must be a list of objects.")
    if len(value) > limit:
        raise NotADraft(f"{path} has {len(value)} entries: at most {limit}.")
    return value


@dataclass(frozen=True)
class OfferDraft:
    """A draft that could be read: what will be said, except who says it when."""

    expires_at: datetime
    contract_id: str
    baseline_reference: str
    options: tuple[uftp.OfferOption, ...]


def read_offer(draft: Mapping[str, Any]) -> tuple[OfferDraft | None, list[uftp.Reason]]:
    """Read {expires_at, contract_id, baseline_reference, options: [{option_reference, price,
    min_activation_factor, isps: [{start, duration, power}]}]}; None when something in it is no value."""
    reading = Reading()
    expires_at = reading.instant(draft.get("expires_at"), "ExpirationDateTime")
    contract_id = reading.text(draft.get("contract_id"), "ContractID")
    baseline = reading.text(draft.get("baseline_reference"), "BaselineReference")
    raw = a_list(draft.get("options", []), "OfferOption", MAX_OPTIONS)
    if not raw:
        reading.wrong("OfferOption", "OfferOption: the offer has no option: add one.")
    options = [_read_option(item, f"OfferOption[{n}]", reading) for n, item in enumerate(raw, 1)]
    _unique_references(options, reading)
    if reading.reasons or expires_at is None:
        return None, reading.reasons
    return OfferDraft(expires_at, contract_id, baseline, tuple(o for o in options if o is not None)), []


def _unique_references(options: list[uftp.OfferOption | None], reading: Reading) -> None:
    seen: set[str] = set()
    for number, option in enumerate(options, 1):
        if option is None:
            continue
        if option.option_reference in seen:
            path = f"OfferOption[{number}].OptionReference"
            reading.wrong(
                path, f"{path}: “{option.option_reference}” is taken by another option: give each its own."
            )
        seen.add(option.option_reference)


def _read_option(item: Mapping[str, Any], path: str, reading: Reading) -> uftp.OfferOption | None:
    reference = reading.text(item.get("option_reference"), f"{path}.OptionReference", needed=True)
    price = reading.money(item.get("price"), f"{path}.Price")
    factor = reading.factor(item.get("min_activation_factor"), f"{path}.MinActivationFactor")
    isps = list(_read_powers(a_list(item.get("isps", []), f"{path}.ISP", MAX_SEGMENTS), path, reading))
    if not isps:
        reading.wrong(f"{path}.ISP", f"{path}.ISP: the option has no power in any ISP: enter at least one.")
    if not reference or price is None or factor is None:
        return None
    return uftp.OfferOption(
        option_reference=reference, price=price, min_activation_factor=factor, isps=tuple(isps)
    )


def _read_powers(items: list[Mapping[str, Any]], path: str, reading: Reading) -> Iterator[uftp.PowerISP]:
    for item in items:
        start = reading.positive(item.get("start"), f"{path}.ISP.Start")
        where = f"{path}.ISP[{start}]"
        duration = reading.positive(item.get("duration", 1), f"{where}.Duration")
        power = reading.watts(item.get("power"), f"{where}.Power")
        if start is not None and duration is not None and power is not None:
            yield uftp.PowerISP(power=power, start=start, duration=duration)


@dataclass(frozen=True)
class RequestDraft:
    """A request draft that could be read."""

    expires_at: datetime
    contract_id: str
    service_type: str
    isps: tuple[uftp.RequestISP, ...]
    forecast_w: Mapping[str, int] = field(default_factory=dict)  # {ISP number: watts}; never sent


def read_request(draft: Mapping[str, Any]) -> tuple[RequestDraft | None, list[uftp.Reason]]:
    """Read {expires_at, contract_id, service_type,
    isps: [{start, duration, disposition, min_power, max_power}], forecast_w: {n: watts}}; None as for an
    offer."""
    reading = Reading()
    expires_at = reading.instant(draft.get("expires_at"), "ExpirationDateTime")
    contract_id = reading.text(draft.get("contract_id"), "ContractID")
    service_type = reading.text(draft.get("service_type"), "ServiceType")
    isps = list(_read_request_isps(a_list(draft.get("isps", []), "ISP", MAX_SEGMENTS), reading))
    if not isps:
        reading.wrong("ISP", "ISP: the request has no ISP: give MinPower and MaxPower for at least one.")
    if reading.reasons or expires_at is None:
        return None, reading.reasons
    forecast = read_forecast(draft.get("forecast_w"))
    return RequestDraft(expires_at, contract_id, service_type, _merged(isps), forecast), []


def _merged(isps: list[uftp.RequestISP]) -> tuple[uftp.RequestISP, ...]:
    """Equal neighbours as one segment: a composer has one entry per ISP, an AGR copies our segments (D8)."""
    said = ((i.start, i.duration, (i.disposition, i.min_power, i.max_power)) for i in isps)
    return tuple(
        uftp.RequestISP(disposition=what, min_power=least, max_power=most, start=start, duration=duration)
        for start, duration, (what, least, most) in isp.merged(said)
    )


def read_forecast(value: Any) -> dict[str, int]:
    """The DSO's own forecast, as far as it can be read: it goes to nobody and stops nothing."""
    reading = Reading()
    pairs = list(value.items())[: isp.MAX_COUNT] if isinstance(value, dict) else []
    read = ((reading.positive(n, ""), reading.watts(watts, "")) for n, watts in pairs)
    return {str(n): watts for n, watts in read if n is not None and n <= isp.MAX_COUNT and watts is not None}


def _read_request_isps(items: list[Mapping[str, Any]], reading: Reading) -> Iterator[uftp.RequestISP]:
    for item in items:
        start = reading.positive(item.get("start"), "ISP.Start")
        where = f"ISP[{start}]"
        duration = reading.positive(item.get("duration", 1), f"{where}.Duration")
        least = reading.watts(item.get("min_power"), f"{where}.MinPower")
        most = reading.watts(item.get("max_power"), f"{where}.MaxPower")
        disposition = item.get("disposition")
        if disposition not in ("Available", "Requested"):
            reading.wrong(
                f"{where}.Disposition",
                f"{where}.Disposition: “{disposition}” is neither Available nor Requested.",
            )
        elif start is not None and duration is not None and least is not None and most is not None:
            yield uftp.RequestISP(
                disposition=disposition, min_power=least, max_power=most, start=start, duration=duration
            )


def read_period(value: Any) -> date:
    """A day as it was typed; NotADraft when it is none."""
    if isinstance(value, date):
        return value
    try:
        day = date.fromisoformat(str(value or ""))
    except ValueError as error:
        raise NotADraft(f"Period: “{value or ''}” is no day: give it as 2026-03-01.") from error
    if day.year not in YEARS:
        raise NotADraft(f"Period: {day} is out of range: give a year from {YEARS[0]} to {YEARS[-1]}.")
    return day
