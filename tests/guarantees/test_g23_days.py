"""G23: every day from 2024 to 2035 has the ISPs that its zone gives it, against another oracle.

The oracle knows no local midnight: it asks the zone for its offset every three hours of UTC, finds the
instants at which the offset changes by halving, and lets each day begin where the wall clock first shows it.
"""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from bench.races import g23
from offers.uftp import isp

# Lord Howe changes by half an hour, Cairo and Santiago at midnight, which is then missing or there twice.
ZONES = ["Europe/Amsterdam", "Europe/London", "Australia/Lord_Howe", "Africa/Cairo", "America/Santiago"]


@pytest.mark.parametrize("name", ZONES)
def test_g23_every_day_until_2035_has_its_isps(name: str) -> None:
    assert g23.mismatches(ZoneInfo(name)) == []


def test_g23_amsterdam_has_days_of_92_96_and_100_quarters() -> None:
    lengths = {count for _, count in g23.quarters(ZoneInfo("Europe/Amsterdam"))}
    assert lengths == {92, 96, 100}


def test_g23_a_calendar_that_takes_every_day_for_24_hours_would_be_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The control: two days a year go wrong, and all others are right."""
    monkeypatch.setattr(isp, "count", lambda day, tz, length: timedelta(days=1) // length)
    wrong = g23.mismatches(ZoneInfo("Europe/Amsterdam"))
    assert len(wrong) == 2 * 12 * len(g23.LENGTHS)
    assert {day.month for day in map(_day_of, wrong)} == {3, 10}


def _day_of(text: str) -> date:
    return date.fromisoformat(text.split()[1])
