"""Energy, price per MWh, what is asked and how much of it is covered."""

from datetime import timedelta
from decimal import Decimal

from offers import figures

QUARTER = timedelta(minutes=15)


def requested(start: int, least: int, most: int, duration: int = 1) -> dict[str, object]:
    return {
        "start": start,
        "duration": duration,
        "disposition": "Requested",
        "min_power": least,
        "max_power": most,
    }


def test_energy_counts_every_isp_of_a_segment_and_keeps_the_sign() -> None:
    segments = [{"start": 1, "duration": 4, "power": -100_000}, {"start": 9, "power": 40_000}]
    assert figures.energy_wh(segments, QUARTER) == -90_000


def test_energy_is_exact_however_large_and_half_a_watt_hour_counts_as_one() -> None:
    most = 999_999_999_999_999
    assert figures.energy_wh([{"start": 1, "duration": 6, "power": most}], QUARTER) == 1_499_999_999_999_999
    assert figures.energy_wh([{"start": 1, "power": 10}], QUARTER) == 3
    assert figures.energy_wh([{"start": 1, "power": -10}], QUARTER) == -3
    assert figures.energy_wh([{"start": 1, "power": 9}], QUARTER) == 2


def test_a_request_asks_for_the_bound_nearer_to_zero() -> None:
    need = figures.need_w([requested(1, -500, -200, 2), requested(3, 100, 900), requested(4, -10, 10)])
    assert need == {1: -200, 2: -200, 3: 100, 4: 0}


def test_an_available_isp_asks_for_nothing() -> None:
    assert figures.need_w([{**requested(1, -500, -200), "disposition": "Available"}]) == {}


def test_more_than_is_asked_in_one_isp_makes_up_for_nothing_in_another() -> None:
    assert figures.coverage({1: -400}, {1: -200, 2: -200}) == 0.5


def test_power_the_other_way_covers_nothing() -> None:
    assert figures.coverage({1: 200}, {1: -200}) == 0


def test_where_nothing_is_asked_there_is_no_coverage() -> None:
    assert figures.coverage({1: -200}, {}) is None


def test_energy_along_leaves_the_rebound_out() -> None:
    assert figures.along_wh({1: -400, 2: 100}, {1: -400}, timedelta(hours=1)) == 400
    assert figures.along_wh({1: -400, 2: 100}, {2: 100}, timedelta(hours=1)) == 100


def test_energy_of_an_unsolicited_option_goes_the_way_of_its_greater_part() -> None:
    assert figures.along_wh({1: 500, 2: -100}, {}, timedelta(hours=1)) == 500


def test_a_price_per_mwh_needs_energy() -> None:
    assert figures.per_mwh(Decimal("101.40"), -390_000) == Decimal("260")
    assert figures.per_mwh(Decimal("101.40"), 0) is None


def test_the_peak_is_the_power_furthest_from_zero() -> None:
    assert figures.peak_w({1: -300, 2: 200}) == -300
    assert figures.peak_w({}) == 0


def test_the_peak_goes_the_way_that_is_asked_and_the_rebound_the_other() -> None:
    need = figures.need_w([requested(1, -500, -200, 2)])
    powers = {1: -200, 2: -180, 5: 400}
    assert figures.peak_along_w(powers, need) == -200
    assert figures.rebound_w(powers, need) == 400
    more = figures.need_w([requested(1, 100, 900)])
    assert (figures.peak_along_w(powers, more), figures.rebound_w(powers, more)) == (400, -200)


def test_without_a_request_the_greater_part_is_the_way() -> None:
    assert figures.peak_along_w({1: -100, 2: -100, 3: 150}, {}) == -100
    assert figures.peak_along_w({1: 50}, {7: -10}) == 50
    assert figures.peak_along_w({}, {}) == 0 and figures.rebound_w({}, {}) == 0
