"""What a DSO asks and an AGR foresees: the rules of FlexRequest (V23 to V26) and D-Prognosis (V26 to V28)."""

from collections.abc import Iterator
from datetime import datetime

from .. import isp
from ..messages import DPrognosis, FlexRequest, RequestISP
from .context import Day, Market, day_of, isp_lists, segments, span
from .day import check_day, v20_expiration, v21_contract, v26_revision, v28_power
from .reasons import Reason, at_most


def requested(request: FlexRequest) -> list[RequestISP]:
    """An ISP without Disposition, which the schema allows, is not Requested."""
    return [item for item in request.isps if item.disposition == "Requested"]


def v23_requested(request: FlexRequest) -> Iterator[Reason]:
    """V23."""
    if not requested(request):
        text = "Lacking Requested Disposition: at least one ISP must have Disposition Requested"
        yield Reason("ISP", text)


def v24_direction(request: FlexRequest) -> Iterator[Reason]:
    """V24: a Requested ISP wants less or more power, not either."""
    found = (
        Reason(
            f"ISP[{item.start}].MinPower",
            f"Requested Power discrepancy: {span(item)} from {item.min_power} to {item.max_power} W has no"
            " direction, MinPower must be at least 0 or MaxPower at most 0",
        )
        for item in requested(request)
        if item.min_power < 0 < item.max_power
    )
    return at_most(found, "Requested Power discrepancy")


def v25_order_of_bounds(request: FlexRequest) -> Iterator[Reason]:
    """V25, for every ISP whatever its Disposition."""
    found = (
        Reason(
            f"ISP[{item.start}].MinPower",
            f"Power discrepancy: {span(item)} has MinPower {item.min_power} W above"
            f" MaxPower {item.max_power} W",
        )
        for item in request.isps
        if item.min_power > item.max_power
    )
    return at_most(found, "Power discrepancy")


def check_request(
    request: FlexRequest, market: Market | None, now: datetime, highest_accepted_revision: int | None
) -> list[Reason]:
    """All reasons to refuse a FlexRequest. `market` is None if there is none for both parties at its
    point; `now` is the moment of receipt (D3); the revision is that of d12_scope, None if there is none."""
    day = day_of(request)
    return [
        *check_day(request, market, day, now),
        *v20_expiration(request.expiration_date_time, isp_lists(request), day, now),
        *v21_contract(request, market),
        *v23_requested(request),
        *v24_direction(request),
        *v25_order_of_bounds(request),
        *v26_revision(request.revision, highest_accepted_revision),
    ]


def v27_complete(prognosis: DPrognosis, day: Day | None) -> Iterator[Reason]:
    """V27, D19: all ISPs of the day, also intraday."""
    if day is None:
        return
    missing = _missing(isp.covered(segments(prognosis.isps)), day.last)
    if missing:
        text = f"Lacking ISPs: {isp.numbers(missing)}, all {day.last} ISPs of {day} are needed"
        yield Reason("ISP", text)


def _missing(covered: list[tuple[int, int]], last: int) -> list[tuple[int, int]]:
    """What is left of 1..last, as ranges."""
    found, following = [], 1
    for first, end in covered:
        if first > following:
            found.append((following, min(first - 1, last)))
        following = max(following, end + 1)
        if following > last:
            return found
    return [*found, (following, last)]


def check_prognosis(
    prognosis: DPrognosis, market: Market | None, now: datetime, highest_accepted_revision: int | None
) -> list[Reason]:
    """All reasons to refuse a D-Prognosis; arguments as for check_request."""
    day = day_of(prognosis)
    return [
        *check_day(prognosis, market, day, now),
        *v26_revision(prognosis.revision, highest_accepted_revision),
        *v27_complete(prognosis, day),
        *v28_power(isp_lists(prognosis), market),
    ]
