"""What a DSO asks and what an AGR foresees: the rules of FlexRequest and D-Prognosis."""

from datetime import date
from decimal import Decimal

import pytest

from offers import uftp

from . import samples
from .samples import MARKET, NOON, one, request, rows, texts

D = Decimal


def test_v23_a_request_that_requests_nothing_is_refused():
    nothing = request(isps=rows((69, "Available", -1, 0), (70, None, -1, 0)))
    one(
        uftp.check_request(nothing, MARKET, NOON, None),
        "ISP",
        "Lacking Requested Disposition: at least one ISP must have Disposition Requested",
    )


@pytest.mark.parametrize(
    ("low", "high", "fine"), [(-5, 0, True), (0, 5, True), (-5, -1, True), (-5, 5, False)]
)
def test_v24_a_requested_isp_must_have_a_direction(low, high, fine):
    found = uftp.check_request(request(isps=rows((69, "Requested", low, high))), MARKET, NOON, None)
    assert [reason.field for reason in found] == ([] if fine else ["ISP[69].MinPower"])
    assert fine or found[0].text == (
        "Requested Power discrepancy: ISP 69 from -5 to 5 W has no direction,"
        " MinPower must be at least 0 or MaxPower at most 0"
    )


def test_v24_an_available_isp_needs_no_direction():
    both = rows((1, "Available", -5, 5), (2, None, -5, 5), (69, "Requested", -5, 0))
    assert uftp.check_request(request(isps=both), MARKET, NOON, None) == []


def test_v25_a_single_allowed_power_is_a_bound_like_any():
    fixed = request(isps=rows((69, "Requested", -5, -5), (70, "Available", 0, 0)))
    assert uftp.check_request(fixed, MARKET, NOON, None) == []


@pytest.mark.parametrize("disposition", ["Requested", "Available", None])
def test_v25_the_bounds_of_every_isp_must_be_in_order(disposition):
    wrong = request(isps=rows((69, "Requested", -5, 0), (70, disposition, 7, 6)))
    one(
        uftp.check_request(wrong, MARKET, NOON, None),
        "ISP[70].MinPower",
        "Power discrepancy: ISP 70 has MinPower 7 W above MaxPower 6 W",
    )


# --- D-Prognosis ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("period", "given", "text"),
    [
        (samples.TOMORROW, (1, 96), None),
        (samples.TOMORROW, (1, 92), "ISP 93-96, all 96 ISPs of 2026-03-03"),
        (samples.TOMORROW, (2, 94), "ISP 1, 96, all 96 ISPs of 2026-03-03"),
        (date(2026, 3, 29), (1, 92), None),
        (date(2026, 10, 25), (1, 100), None),
        (date(2026, 10, 25), (1, 96), "ISP 97-100, all 100 ISPs of 2026-10-25"),
    ],
)
def test_v27_d19_a_prognosis_has_all_isps_of_the_day(period, given, text):
    start, duration = given
    rows = (uftp.PrognosisISP(power=1, start=start, duration=duration),)
    found = uftp.check_prognosis(samples.prognosis(period=period, isps=rows), MARKET, NOON, None)
    assert texts(found) == ([f"Lacking ISPs: {text} in Europe/Amsterdam are needed"] if text else [])


def test_v27_a_hole_is_found_whatever_the_order_of_the_list():
    rows = tuple(uftp.PrognosisISP(power=1, start=n) for n in range(96, 0, -1) if n not in (7, 8, 40))
    found = uftp.check_prognosis(samples.prognosis(isps=rows), MARKET, NOON, None)
    assert texts(found)[0].startswith("Lacking ISPs: ISP 7-8, 40, all 96")
