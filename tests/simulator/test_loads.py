"""Loads and the requests that follow from them: believable, and within the rules."""

import random
from datetime import date, timedelta

import pytest

from offers import simulator, uftp
from offers.simulator.loads import asked, seeded
from tests.simulator.stage import THEIRS, TOMORROW


@pytest.mark.parametrize("place", THEIRS, ids=lambda place: place.name)
@pytest.mark.parametrize("day", [TOMORROW, date(2026, 3, 29), date(2026, 10, 25), date(2026, 7, 4)], ids=str)
def test_every_day_is_beyond_the_capacity_for_a_part_of_it_only(place: simulator.Point, day: date) -> None:
    load = simulator.forecast(place, day, random.Random(3))
    beyond = [watts for watts in load if abs(watts) > place.capacity_w]
    assert len(load) == {date(2026, 3, 29): 92, date(2026, 10, 25): 100}.get(day, 96)
    assert 0 < len(beyond) < len(load) / 2
    assert max(map(abs, load)) < 1.3 * place.capacity_w


def test_the_evening_is_the_peak_of_households_and_the_wind_feeds_in() -> None:
    load = simulator.forecast(THEIRS[0], TOMORROW, random.Random(1))
    assert 66 <= load.index(max(load)) <= 84  # 16:30 to 21:00
    assert min(simulator.forecast(THEIRS[2], TOMORROW, random.Random(1))) < -THEIRS[2].capacity_w


def test_a_request_is_what_the_load_leaves() -> None:
    load = [1_500_000] * 96
    load[70] = 2_300_000
    isps = asked(THEIRS[0], TOMORROW, load)
    assert next(isp for isp in isps if isp.start == 71) == uftp.RequestISP(
        disposition="Requested", min_power=-4_300_000, max_power=-300_000, start=71
    )
    assert isps[0] == uftp.RequestISP(
        disposition="Available", min_power=-3_500_000, max_power=500_000, start=63, duration=8
    )


def test_a_day_looks_the_same_after_a_restart_and_other_days_do_not() -> None:
    def load(day: date) -> list[int]:
        return simulator.forecast(THEIRS[0], day, seeded(THEIRS[0], day, 7))

    assert load(TOMORROW) == load(TOMORROW) != load(TOMORROW + timedelta(days=1))
