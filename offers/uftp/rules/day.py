"""What holds for every message about a day at a congestion point: V10 to V12, V17 to V22, V26, V28, V33."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from .. import isp
from ..currencies import CODES, MAX_DECIMALS
from ..errors import clipped
from ..messages import DPrognosis, FlexMessage, FlexOffer, FlexOrder, FlexRequest
from ..simple import MAX_AMOUNT
from .context import Day, DayMessage, ISPList, Market, isp_lists, local, segments, span
from .reasons import Reason, at_most

QUARTER = timedelta(minutes=15)


def d2_expired(expiration: datetime, now: datetime) -> bool:
    """D2: valid while now < ExpirationDateTime, expired at equality. D3: `now` is the moment of receipt."""
    return now >= expiration


def d11_same_offsets(one: ZoneInfo, other: ZoneInfo, day: date) -> bool:
    """D11: whether two zones have the same UTC offset throughout `day`."""
    if one.key == other.key:
        return True
    instant = min(isp.midnight(day, one), isp.midnight(day, other))
    end = max(isp.midnight(day + timedelta(days=1), one), isp.midnight(day + timedelta(days=1), other))
    while instant < end:
        if instant.astimezone(one).utcoffset() != instant.astimezone(other).utcoffset():
            return False
        instant += QUARTER
    return True


def d12_scope(message: FlexRequest | DPrognosis) -> tuple[str, str, str, date]:
    """D12: within which a Revision must be the highest: sender, message type, congestion point, Period."""
    return message.sender_domain, message.XML_NAME, message.congestion_point, message.period


def v10_isp_duration(message: FlexMessage, market: Market | None) -> Iterator[Reason]:
    """V10; and without a market, that there can be ISPs of this length at all."""
    given = isp.format_duration(message.isp_duration)
    if market is not None and message.isp_duration != market.isp_duration:
        here = isp.format_duration(market.isp_duration)
        yield Reason("ISP-Duration", f"ISP duration rejected: {given}, this market has {here}")
    elif not isp.is_length(message.isp_duration):
        yield Reason("ISP-Duration", f"ISP duration rejected: {given}, whole minutes from PT1M to PT1440M")


def v11_time_zone(message: FlexMessage, market: Market | None) -> Iterator[Reason]:
    """V11, D11."""
    zone = isp.zone(message.time_zone)
    if zone is None:
        yield Reason("TimeZone", f"Time zone rejected: {clipped(message.time_zone)} is unknown")
        return
    here = isp.zone(market.time_zone) if market is not None else None
    if here is not None and not d11_same_offsets(zone, here, message.period):
        yield Reason(
            "TimeZone",
            f"Time zone rejected: {zone.key} has another UTC offset than {here.key} on {message.period}",
        )


def v12_congestion_point(message: FlexMessage, market: Market | None) -> Iterator[Reason]:
    """V12: `market` is None if the point is unknown or one of the two parties is not active there."""
    given = clipped(message.congestion_point)
    if market is None:
        yield Reason(
            "CongestionPoint", f"Invalid congestion point: {given} is not one where both parties trade"
        )
    elif message.congestion_point != market.congestion_point:
        yield Reason(
            "CongestionPoint",
            f"Invalid congestion point: {given}, expected {clipped(market.congestion_point)}",
        )


def v17_within_day(lists: Iterable[ISPList], day: Day) -> Iterator[Reason]:
    """V17: never expands a list, so that Duration=1000000000 costs nothing."""
    for listed in lists:
        if not listed.isps:
            yield Reason(
                f"{listed.path}ISP", f"ISPs out of bounds: no ISP{listed.label}, at least one is needed"
            )
        wrong = (item for item in listed.isps if isp.out_of_bounds(item.start, item.duration, day.last))
        found = (
            Reason(
                listed.field(item, ".Start"),
                f"ISPs out of bounds: {span(item)}{listed.label}, {day} has the ISPs 1-{day.last}",
            )
            for item in wrong
        )
        yield from at_most(found, "ISPs out of bounds")


def v18_no_conflict(lists: Iterable[ISPList]) -> Iterator[Reason]:
    """V18: an ISP is addressed at most once within one list; never expands it."""
    for listed in lists:
        found = (
            Reason(
                f"{listed.path}ISP[{first}]",
                f"ISP conflict: {isp.numbers([(first, last)])}{listed.label} addressed more than once",
            )
            for first, last in isp.conflicts(segments(listed.isps))
        )
        yield from at_most(found, "ISP conflict")


def v19_period(message: FlexMessage, now: datetime) -> Iterator[Reason]:
    """V19: today, in the message's own time zone, or later."""
    zone = isp.zone(message.time_zone)
    if zone is None:
        return
    today = now.astimezone(zone).date()
    if message.period < today:
        yield Reason(
            "Period", f"Period out of bounds: {message.period} is past, earliest {today}, today in {zone.key}"
        )


def v20_expiration(
    expiration: datetime, lists: Iterable[ISPList], day: Day | None, now: datetime
) -> Iterator[Reason]:
    """V20: after now (D2), at the latest the end of the last ISP over all lists (equal allowed).
    ISPs outside the day are V17's and do not move the limit beyond the day."""
    zone = day.zone if day else None
    phrase = "ExpirationDateTime out of bounds"
    if d2_expired(expiration, now):
        given = local(expiration, zone)
        yield Reason("ExpirationDateTime", f"{phrase}: {given} is past, must be after {local(now, zone)}")
    if day is None:
        return
    last = _last_isp(lists, day)
    if last and expiration > day.end_of(last):
        latest = local(day.end_of(last), zone)
        yield Reason("ExpirationDateTime", f"{phrase}: latest allowed {latest}, end of ISP {last}")


def _last_isp(lists: Iterable[ISPList], day: Day) -> int:
    """The last ISP of the day that any list addresses, 0 if none does."""
    ends = (
        item.start + item.duration - 1
        for listed in lists
        for item in listed.isps
        if item.start <= day.last and item.duration > 0
    )
    return max(0, min(max(ends, default=0), day.last))


def v21_contract(message: FlexRequest | FlexOffer | FlexOrder, market: Market | None) -> Iterator[Reason]:
    """V21."""
    given = message.contract_id
    if market is not None and given is not None and given not in market.contracts:
        text = f"Unknown reference ContractID: {clipped(given)} is no contract of both parties at this point"
        yield Reason("ContractID", text)


def v22_baseline(message: FlexOffer | FlexOrder, market: Market | None) -> Iterator[Reason]:
    """V22, and V13 for the D-Prognosis; unchecked where the market does not say what is known."""
    if market is None:
        return
    for name, given, known in (
        ("BaselineReference", message.baseline_reference, market.baselines),
        ("D-PrognosisMessageID", message.d_prognosis_message_id, market.prognoses),
    ):
        if given is not None and known is not None and given not in known:
            yield Reason(name, f"Unknown reference {name}: {clipped(given)}")


def v26_revision(revision: int, highest_accepted: int | None) -> Iterator[Reason]:
    """V26, D12: higher than every Revision accepted before in its scope, see d12_scope."""
    if highest_accepted is not None and revision <= highest_accepted:
        yield Reason(
            "Revision",
            f"Subordinate sequence number: Revision {revision}, must be higher than {highest_accepted},"
            " which was accepted before",
        )


def v28_power(lists: Iterable[ISPList], market: Market | None) -> Iterator[Reason]:
    """V28: |Power| within the plausible limit of the point, in watts, where it has one."""
    limit = market.max_power if market is not None else None
    if limit is None:
        return
    for listed in lists:
        found = (
            Reason(
                listed.field(item, ".Power"),
                f"Power value rejection: {power} W in {span(item)}{listed.label},"
                f" plausible are -{limit} to {limit} W",
            )
            for item in listed.isps
            if abs(power := getattr(item, "power", 0)) > limit
        )
        yield from at_most(found, "Power value rejection")


def v33_currency(currency: str, market: Market | None) -> Iterator[Reason]:
    """V33: an ISO 4217 currency, that of the market."""
    if currency not in CODES:
        yield Reason("Currency", f"Currency rejected: {clipped(currency)} is no currency of ISO 4217")
    elif market is not None and currency != market.currency:
        yield Reason("Currency", f"Currency rejected: {currency}, this market trades in {market.currency}")


def v33_price(field: str, price: Decimal, label: str = "") -> Iterator[Reason]:
    """V33, D9: up to 4 decimals whatever the currency; not negative: nothing here pays for being ordered."""
    if not price.is_finite() or abs(price) > MAX_AMOUNT:
        yield Reason(field, f"Price rejected: {clipped(price)}{label}, from 0 to {MAX_AMOUNT:,}")
    elif price < 0:
        yield Reason(field, f"Price rejected: {price}{label}, at least 0")
    elif price != round(price, MAX_DECIMALS):
        yield Reason(field, f"Price rejected: {clipped(price)}{label}, at most {MAX_DECIMALS} decimals")


def check_day(message: DayMessage, market: Market | None, day: Day | None, now: datetime) -> list[Reason]:
    """V10 to V12 and V17 to V19: what holds for every message about a day."""
    lists: Sequence[ISPList] = list(isp_lists(message))
    return [
        *v12_congestion_point(message, market),
        *v10_isp_duration(message, market),
        *v11_time_zone(message, market),
        *v19_period(message, now),
        *(v17_within_day(lists, day) if day else ()),
        *v18_no_conflict(lists),
    ]
