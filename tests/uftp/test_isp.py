"""The ISP calendar against an oracle that only walks UTC and looks at the wall clock."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offers.uftp import isp

QUARTER = timedelta(minutes=15)
AMSTERDAM = ZoneInfo("Europe/Amsterdam")
LONDON = ZoneInfo("Europe/London")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
ZONES = (AMSTERDAM, LONDON, LORD_HOWE)
STEP = timedelta(minutes=5)

LONG_AND_SHORT = [
    (AMSTERDAM, date(2026, 3, 29), 92),
    (AMSTERDAM, date(2026, 3, 30), 96),
    (AMSTERDAM, date(2026, 10, 25), 100),
    (LONDON, date(2026, 3, 29), 92),
    (LONDON, date(2026, 10, 25), 100),
    (LORD_HOWE, date(2026, 10, 4), 94),
    (LORD_HOWE, date(2026, 4, 5), 98),
    (LORD_HOWE, date(2026, 7, 1), 96),
    (ZoneInfo("Africa/Casablanca"), date(2026, 2, 15), 100),
    (ZoneInfo("Africa/Casablanca"), date(2026, 3, 22), 92),
    (ZoneInfo("Africa/Cairo"), date(2026, 4, 24), 92),  # midnight does not exist
    (ZoneInfo("Africa/Cairo"), date(2026, 10, 29), 100),
    (ZoneInfo("America/Santiago"), date(2026, 4, 4), 100),  # the clock goes back at midnight
    (ZoneInfo("America/Santiago"), date(2026, 9, 6), 92),
]


def oracle(day: date, zone: ZoneInfo, length: timedelta) -> list[datetime]:
    """The starts of all ISPs of the day: steps of five minutes through UTC, as long as the wall clock
    shows this day, of which every whole `length` counts."""
    step = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=16)
    while step.astimezone(zone).date() != day:
        step += STEP
    start = step
    while step.astimezone(zone).date() == day:
        step += STEP
    return [start + n * length for n in range((step - start) // length)]


@pytest.mark.parametrize(("zone", "day", "count"), LONG_AND_SHORT, ids=str)
def test_long_and_short_days_have_the_isps_that_the_clock_gives_them(zone, day, count):
    assert isp.count(day, zone, QUARTER) == count == len(oracle(day, zone, QUARTER))


@settings(max_examples=60, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    day=st.one_of(
        st.dates(date(2024, 1, 1), date(2035, 12, 31)), st.sampled_from([day for _, day, _ in LONG_AND_SHORT])
    ),
    length=st.sampled_from([QUARTER, timedelta(minutes=30), timedelta(minutes=5), timedelta(minutes=60)]),
)
def test_numbers_and_instants_agree_with_the_oracle_on_any_day(zone, day, length):
    starts = oracle(day, zone, length)
    assert isp.count(day, zone, length) == len(starts)
    for n in {1, 8, 9, 12, 13, len(starts) - 1, len(starts)} & set(range(1, len(starts) + 1)):
        start, end = isp.isp_bounds(day, zone, length, n)
        assert (start, end) == (starts[n - 1], starts[n - 1] + length)
        assert isp.isp_at(start, zone, length) == (day, n)
        assert isp.isp_at(end - timedelta(seconds=1), zone, length) == (day, n)


def test_every_change_of_the_clock_until_2035_is_counted_right():
    for zone in ZONES:
        day = date(2024, 1, 1)
        while day < date(2036, 1, 1):
            noon = datetime(day.year, day.month, day.day, 12, tzinfo=zone)
            changed = noon.utcoffset() != (noon - timedelta(days=1)).utcoffset()
            if changed or day.day == 1:
                assert isp.count(day, zone, QUARTER) == len(oracle(day, zone, QUARTER)), (zone, day)
            day += timedelta(days=1)


def test_the_second_two_o_clock_of_an_autumn_night_is_isp_13():
    day = date(2026, 10, 25)
    assert isp.isp_bounds(day, AMSTERDAM, QUARTER, 9)[0] == datetime(2026, 10, 25, 0, 0, tzinfo=UTC)
    assert isp.isp_bounds(day, AMSTERDAM, QUARTER, 13)[0] == datetime(2026, 10, 25, 1, 0, tzinfo=UTC)
    assert isp.isp_bounds(day, AMSTERDAM, QUARTER, 100)[1] == datetime(2026, 10, 25, 23, 0, tzinfo=UTC)
    assert isp.isp_at(datetime(2026, 10, 25, 2, 5, tzinfo=AMSTERDAM, fold=1), AMSTERDAM, QUARTER) == (day, 13)


def test_a_spring_night_goes_from_isp_8_to_three_o_clock():
    day = date(2026, 3, 29)
    assert isp.isp_bounds(day, AMSTERDAM, QUARTER, 8)[1] == datetime(2026, 3, 29, 3, tzinfo=AMSTERDAM)
    assert isp.isp_bounds(day, AMSTERDAM, QUARTER, 92)[1] == datetime(2026, 3, 29, 22, 0, tzinfo=UTC)


@pytest.mark.parametrize("n", [0, -1, 93, 10**20])
def test_an_isp_that_the_day_does_not_have_is_an_error_that_says_which_there_are(n):
    with pytest.raises(
        ValueError, match=rf"ISP {n} does not exist: 2026-03-29 in Europe/Amsterdam has the ISPs 1-92"
    ):
        isp.isp_bounds(date(2026, 3, 29), AMSTERDAM, QUARTER, n)


@pytest.mark.parametrize(
    "length", [timedelta(0), -QUARTER, timedelta(microseconds=1), timedelta(seconds=90), timedelta(days=2)]
)
def test_a_length_that_no_isp_has_is_an_error(length):
    assert not isp.is_length(length)
    with pytest.raises(ValueError, match="is no ISP length"):
        isp.count(date(2026, 3, 1), AMSTERDAM, length)


def test_the_rest_of_a_day_that_is_no_whole_number_of_isps_belongs_to_none():
    hour, day = timedelta(hours=1), date(2026, 10, 4)  # 23.5 hours
    assert isp.count(day, LORD_HOWE, hour) == 23
    with pytest.raises(ValueError, match="belongs to no ISP of PT60M"):
        isp.isp_at(isp.midnight(date(2026, 10, 5), LORD_HOWE) - timedelta(minutes=10), LORD_HOWE, hour)


def test_no_day_has_more_isps_than_the_bound_says():
    assert isp.count(date(2026, 10, 25), AMSTERDAM, isp.SHORTEST) == 1500 < isp.MAX_COUNT


@pytest.mark.parametrize(
    "name", ["Europe/NoSuchPlace", "Europe//etc/passwd", "Europe/____", "../passwd", "", "Europe"]
)
def test_a_name_of_no_zone_gives_none_and_opens_no_file(name):
    assert isp.zone(name) is None


def test_every_zone_that_the_protocol_admits_is_known():
    admitted = ("Africa/", "America/", "Australia/", "Europe/", "Pacific/")
    for name in available_timezones():
        if name.startswith(admitted):
            assert isp.zone(name) is not None
    assert isp.zone("Europe/Amsterdam") is AMSTERDAM


# --- lists and profiles ---------------------------------------------------------------------------

PROFILES = st.dictionaries(st.integers(1, 100), st.integers(-3, 3), max_size=100)


@given(PROFILES)
def test_a_profile_becomes_a_list_and_the_list_the_profile(profile):
    segments = isp.compress(profile)
    assert isp.expand(segments, 100) == profile
    assert list(isp.expand(segments, 100)) == sorted(profile)


@given(PROFILES, st.randoms(use_true_random=False))
def test_the_list_of_a_profile_is_the_shortest_whatever_the_segments_were(profile, rng):
    single = [(n, 1, value) for n, value in profile.items()]
    rng.shuffle(single)
    shortest = isp.compress(profile)
    assert isp.merged(single) == shortest
    for (start, n, value), following in zip(shortest, shortest[1:], strict=False):
        assert (start + n, value) != (following[0], following[2])


LISTS = st.lists(st.tuples(st.integers(-2, 30), st.integers(0, 6), st.integers(0, 2)), max_size=8)


@given(LISTS)
def test_a_list_is_expanded_exactly_if_it_stays_within_the_day_and_addresses_each_isp_once(segments):
    numbers = [n for start, duration, _ in segments for n in range(start, start + duration)]
    fine = all(1 <= n <= 24 for n in numbers) and len(set(numbers)) == len(numbers)
    fine = fine and all(start >= 1 and duration >= 1 for start, duration, _ in segments)
    try:
        assert set(isp.expand(segments, 24)) == set(numbers)
        assert fine
    except ValueError:
        assert not fine


@given(LISTS, LISTS)
def test_questions_about_lists_have_the_answers_of_their_expansion(some, others):
    some, others = ([item for item in given if item[1] > 0] for given in (some, others))
    one, other = (
        [n for start, duration, _ in given for n in range(start, start + duration)]
        for given in (some, others)
    )
    assert isp.overlap(some, others) == bool(set(one) & set(other))
    assert isp.covered(some) == isp.ranges(one)
    twice = {n for first, last in isp.conflicts(some) for n in range(first, last + 1)}
    assert twice == {n for n in one if one.count(n) > 1}


@pytest.mark.parametrize(
    "segment", [(1, 2 * 10**9, 0), (10**15, 1, 0), (1, 10**15, 0), (97, 1, 0), (0, 1, 0)]
)
def test_poison_is_refused_before_it_is_expanded(segment):
    assert isp.out_of_bounds(*segment[:2], 96)
    with pytest.raises(ValueError, match="ISPs out of bounds: .* of 1-96"):
        isp.expand([segment], 96)


def test_a_conflict_is_an_error_that_says_where():
    with pytest.raises(ValueError, match="ISP conflict: ISP 3-4 addressed twice"):
        isp.expand([(1, 4, 0), (3, 5, 0)], 96)


def test_ranges_read_like_a_person_writes_them():
    assert isp.numbers(isp.ranges([3, 4, 5, 9])) == "ISP 3-5, 9"
    assert isp.numbers([(n, n) for n in range(1, 30, 2)], most=3) == "ISP 1, 3, 5 and 12 more"


# --- durations ------------------------------------------------------------------------------------


@given(st.timedeltas(timedelta(days=-4000), timedelta(days=4000)))
def test_a_duration_comes_back_as_it_was_written(length):
    assert isp.parse_duration(isp.format_duration(length)) == length


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("PT15M", 15),
        ("PT900S", 15),
        ("PT1H", 60),
        ("P1D", 1440),
        ("-PT15M", -15),
        ("PT0S", 0),
        ("P0Y0MT15M", 15),
    ],
)
def test_durations_are_read(text, minutes):
    assert isp.parse_duration(text) == timedelta(minutes=minutes)


@pytest.mark.parametrize("text", ["", "P", "PT", "15", "P1DT", "PT15", "P1M", "P1Y", "PT1.M", "P9999999999D"])
def test_what_is_no_duration_or_has_no_fixed_length_is_an_error(text):
    with pytest.raises(ValueError, match="duration|no fixed length"):
        isp.parse_duration(text)


def test_a_quarter_of_an_hour_is_written_as_everybody_writes_it():
    assert isp.format_duration(QUARTER) == "PT15M"
    assert isp.format_duration(timedelta(hours=1)) == "PT60M"
    assert isp.format_duration(timedelta(minutes=-1, seconds=-30.5)) == "-PT1M30.5S"
