"""The rules of every message about a day: each refuses what it should, with the limit, and nothing else."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from offers import uftp
from offers.uftp.rules import d2_expired, d11_same_offsets, d12_scope

from . import samples
from .samples import MARKET, NOON, TOMORROW, isps, offer, one, order, prognosis, request, texts

HOUR = timedelta(hours=1)


def check(message, market=MARKET, now=NOON):
    """Whatever the message, by its own function, as if all that it refers to were in order."""
    if isinstance(message, uftp.FlexRequest):
        return uftp.check_request(message, market, now, None)
    if isinstance(message, uftp.FlexOffer):
        return uftp.check_offer(message, market, now, request(), True)
    if isinstance(message, uftp.FlexOrder):
        return uftp.check_order(message, market, now, offer(), "accepted")
    return uftp.check_prognosis(message, market, now, None)


EVERY = [request, offer, order, prognosis]


@pytest.mark.parametrize("made", EVERY)
def test_a_proper_message_gets_no_reason(made):
    assert check(made()) == []


@pytest.mark.parametrize("made", EVERY)
def test_v10_another_isp_duration_is_refused(made):
    found = check(made(isp_duration=timedelta(minutes=30)))
    assert ("ISP-Duration", "ISP duration rejected: PT30M, this market has PT15M") in [
        (reason.field, reason.text) for reason in found
    ]


@pytest.mark.parametrize(
    "length", [timedelta(0), timedelta(minutes=-15), timedelta(microseconds=1), timedelta(days=400)]
)
def test_v10_an_impossible_isp_duration_is_refused_even_without_a_market(length):
    found = check(request(isp_duration=length), market=None)
    assert any(
        text.startswith("ISP duration rejected: ") and "PT1M to PT1440M" in text for text in texts(found)
    )
    assert not any(text.startswith("ISPs out of bounds") for text in texts(found))


@pytest.mark.parametrize("made", EVERY)
def test_v11_d11_a_zone_of_the_same_offset_is_accepted(made):
    assert check(made(time_zone="Europe/Berlin")) == []


def test_v11_another_offset_is_refused():
    one(
        check(prognosis(time_zone="Europe/Helsinki")),
        "TimeZone",
        "Time zone rejected: Europe/Helsinki has another UTC offset than Europe/Amsterdam on 2026-03-03",
    )


@pytest.mark.parametrize("name", ["Europe/NoSuchPlace", "Europe//etc/passwd", "Europe/____"])
def test_v11_an_unknown_zone_is_refused(name):
    one(check(request(time_zone=name)), "TimeZone", f"Time zone rejected: {name} is unknown")


def test_d11_offsets_are_compared_throughout_the_day():
    amsterdam, cairo, athens = (
        ZoneInfo(name) for name in ("Europe/Amsterdam", "Africa/Cairo", "Europe/Athens")
    )
    assert d11_same_offsets(amsterdam, ZoneInfo("Europe/Paris"), date(2026, 3, 29))
    assert d11_same_offsets(cairo, athens, date(2026, 2, 1))
    assert not d11_same_offsets(cairo, athens, date(2026, 3, 29))  # Athens changes at 03:00 of this day
    assert not d11_same_offsets(cairo, athens, date(2026, 4, 10))
    assert not d11_same_offsets(amsterdam, cairo, date(2026, 2, 1))
    assert d11_same_offsets(amsterdam, ZoneInfo("Africa/Lagos"), date(2026, 3, 28))
    assert not d11_same_offsets(amsterdam, ZoneInfo("Africa/Lagos"), date(2026, 3, 29))


@pytest.mark.parametrize("made", EVERY)
def test_v12_a_point_without_a_common_market_is_refused(made):
    one(
        check(made(), market=None),
        "CongestionPoint",
        f"Invalid congestion point: {samples.POINT} is not one where both parties trade",
    )


def test_v12_another_point_than_that_of_the_market_is_refused():
    found = check(prognosis(congestion_point="ean.123456789012"))
    one(found, "CongestionPoint", f"Invalid congestion point: ean.123456789012, expected {samples.POINT}")


# --- V17, V18 -------------------------------------------------------------------------------------

AUTUMN = {"period": date(2026, 10, 25)}


@pytest.mark.parametrize(
    ("period", "last"),
    [(date(2026, 3, 29), 92), (TOMORROW, 96), (date(2026, 10, 25), 100)],
)
def test_v17_the_isps_of_the_day_are_allowed_and_the_next_is_not(period, last):
    expiry = datetime(2026, 3, 3, tzinfo=UTC)
    rows = (replace(request().isps[1], start=last, duration=1),)
    assert check(request(period=period, isps=rows, expiration_date_time=expiry)) == []
    rows = (replace(rows[0], duration=2),)
    one(
        check(request(period=period, isps=rows, expiration_date_time=expiry)),
        f"ISP[{last}].Start",
        f"ISPs out of bounds: ISP {last}-{last + 1}, {period} in Europe/Amsterdam has the ISPs 1-{last}",
    )


def test_v17_every_option_is_judged_and_named():
    wrong = offer(options=(samples.option(), samples.option("B", isps=isps((95, 3, 1), (1, 1, 1)))))
    one(
        [reason for reason in check(wrong) if "bounds" in reason.text],
        "OfferOption[2].ISP[95].Start",
        "ISPs out of bounds: ISP 95-97 of option B, 2026-03-03 in Europe/Amsterdam has the ISPs 1-96",
    )


@pytest.mark.parametrize("start", [0, -5])
def test_v17_a_prognosis_may_not_begin_before_isp_1_though_the_schema_lets_it(start):
    found = check(prognosis(isps=(uftp.PrognosisISP(power=1, start=start, duration=100),)))
    assert texts(found)[0].startswith(f"ISPs out of bounds: ISP {start}-{start + 99}, ")
    assert found[0].field == f"ISP[{start}].Start"


def test_v17_a_list_without_isps_is_refused():
    assert "ISPs out of bounds: no ISP of option A, at least one is needed" in texts(
        check(offer(options=(samples.option(isps=()),)))
    )
    assert "ISPs out of bounds: the offer has no option, at least one is needed" in texts(
        check(offer(options=()))
    )


def test_v17_ten_thousand_wrong_isps_give_some_reasons_and_a_count():
    found = check(request(isps=tuple(replace(request().isps[1], start=n) for n in range(1000, 11_000))))
    assert len(found) < 60
    assert "ISPs out of bounds: and 9980 more" in texts(found)
    assert len(uftp.joined(found)) <= 1000


def test_v18_an_isp_addressed_twice_is_refused():
    rows = (
        replace(request().isps[1], start=69, duration=4),
        replace(request().isps[1], start=71, duration=6),
    )
    one(check(request(isps=rows)), "ISP[71]", "ISP conflict: ISP 71-72 addressed more than once")


def test_v18_is_about_one_option_at_a_time():
    same = (samples.option(), samples.option("B"))
    assert check(offer(options=same)) == []
    twice = samples.option("B", isps=isps((69, 2, 1), (69, 2, 1)))
    one(
        check(offer(options=(samples.option(), twice))),
        "OfferOption[2].ISP[69]",
        "ISP conflict: ISP 69-70 of option B addressed more than once",
    )


def test_v17_v18_a_billion_isps_are_never_expanded():
    rows = isps((1, 2 * 10**9, 1), (2, 10**15, 1))
    found = texts(check(offer(options=(samples.option(isps=rows),))))
    assert any(text.startswith("ISPs out of bounds: ISP 1-2000000000 of option A") for text in found)
    assert any(text.startswith("ISP conflict: ISP 2-2000000000 of option A") for text in found)
    assert check(order(isps=rows))


# --- V19, V20 -------------------------------------------------------------------------------------


@pytest.mark.parametrize("made", EVERY)
def test_v19_yesterday_is_refused_and_today_is_not(made):
    now = datetime(2026, 3, 3, 22, 59, tzinfo=UTC)  # 23:59 in Amsterdam
    period = [text for text in texts(check(made(), now=now)) if text.startswith("Period")]
    assert period == []
    period = [
        text for text in texts(check(made(), now=now + timedelta(minutes=1))) if text.startswith("Period")
    ]
    assert period == [
        "Period out of bounds: 2026-03-03 is past, earliest 2026-03-04, today in Europe/Amsterdam"
    ]


def test_d2_at_equality_it_is_expired():
    assert not d2_expired(NOON, NOON - timedelta(microseconds=1))
    assert d2_expired(NOON, NOON)


@pytest.mark.parametrize("made", [request, offer])
def test_v20_an_expiration_that_is_not_in_the_future_is_refused(made):
    assert check(made(expiration_date_time=NOON + timedelta(seconds=1))) == []
    one(
        check(made(expiration_date_time=NOON)),
        "ExpirationDateTime",
        "ExpirationDateTime out of bounds: 2026-03-02T12:00+01:00 is past,"
        " must be after 2026-03-02T12:00+01:00",
    )


def test_v20_latest_is_the_end_of_the_last_isp_and_equal_is_allowed():
    last = datetime(2026, 3, 3, 18, 0, tzinfo=UTC)  # the end of ISP 76
    assert check(request(expiration_date_time=last)) == []
    one(
        check(request(expiration_date_time=last + timedelta(seconds=1))),
        "ExpirationDateTime",
        "ExpirationDateTime out of bounds: latest allowed 2026-03-03T19:00+01:00, end of ISP 76",
    )


def test_v20_counts_the_last_isp_over_all_options_and_in_whatever_order():
    options = (samples.option(isps=isps((80, 2, 1), (69, 4, 1))), samples.option("B"))
    last = datetime(2026, 3, 3, 19, 15, tzinfo=UTC)  # the end of ISP 81
    solicited = offer(options=options, expiration_date_time=last)
    assert check(solicited) == []
    found = check(replace(solicited, expiration_date_time=last + HOUR))
    one(found, "ExpirationDateTime", found[0].text)
    assert found[0].text.endswith("latest allowed 2026-03-03T20:15+01:00, end of ISP 81")


def test_v20_in_the_repeated_hour_the_offset_tells_which():
    rows = (replace(request().isps[1], start=9, duration=8),)
    late = request(**AUTUMN, isps=rows, expiration_date_time=datetime(2026, 10, 25, 2, 0, 1, tzinfo=UTC))
    one(
        check(late),
        "ExpirationDateTime",
        "ExpirationDateTime out of bounds: latest allowed 2026-10-25T03:00+01:00, end of ISP 16",
    )
    early = replace(late, isps=(replace(rows[0], duration=4),))
    assert "latest allowed 2026-10-25T02:00+01:00, end of ISP 12" in texts(check(early))[0]
    before = replace(late, isps=(replace(rows[0], duration=3),))
    assert "latest allowed 2026-10-25T02:45+02:00, end of ISP 11" in texts(check(before))[0]


def test_v20_an_isp_outside_the_day_does_not_move_the_limit_beyond_it():
    rows = (replace(request().isps[1], duration=10**9),)
    found = check(request(isps=rows, expiration_date_time=datetime(2026, 3, 5, tzinfo=UTC)))
    assert "latest allowed 2026-03-04T00:00+01:00, end of ISP 96" in texts(found)[-1]


# --- V21, V22, V26, V28 ---------------------------------------------------------------------------


@pytest.mark.parametrize("made", [request, offer, order])
def test_v21_a_contract_of_both_parties_is_known_and_no_other(made):
    assert check(made(contract_id="FLEX-2026-7")) == []
    one(
        check(made(contract_id="FLEX-2025-1")),
        "ContractID",
        "Unknown reference ContractID: FLEX-2025-1 is no contract of both parties at this point",
    )


@pytest.mark.parametrize("made", [offer, order])
def test_v22_v13_baselines_and_prognoses_are_checked_where_the_market_knows_them(made):
    given = {"baseline_reference": "base-9", "d_prognosis_message_id": samples.ORDER_ID}
    assert check(made(**given)) == []
    market = replace(MARKET, baselines=frozenset({"base-1"}), prognoses=frozenset())
    assert texts(check(made(**given), market=market)) == [
        "Unknown reference BaselineReference: base-9",
        f"Unknown reference D-PrognosisMessageID: {samples.ORDER_ID}",
    ]
    assert check(made(baseline_reference="base-1"), market=market) == []


@pytest.mark.parametrize("made", [request, prognosis])
@pytest.mark.parametrize(("accepted", "fine"), [(None, True), (2, True), (3, False), (4, False)])
def test_v26_d12_a_revision_must_be_higher_than_every_accepted_one(made, accepted, fine):
    judge = uftp.check_request if made is request else uftp.check_prognosis
    found = judge(made(revision=3), MARKET, NOON, accepted)
    text = (
        f"Subordinate sequence number: Revision 3, must be higher than {accepted}, which was accepted before"
    )
    assert texts(found) == ([] if fine else [text])


def test_d12_the_scope_of_a_revision_is_sender_type_point_and_period():
    scope = d12_scope(request())
    assert scope == ("dso.demo.example", "FlexRequest", samples.POINT, TOMORROW)
    assert d12_scope(request(revision=9, message_id=samples.ORDER_ID)) == scope
    assert d12_scope(prognosis()) != scope


@pytest.mark.parametrize("power", [300_001, -300_001])
def test_v28_power_beyond_what_is_plausible_is_refused_where_the_market_has_a_limit(power):
    market = replace(MARKET, max_power=300_000)
    rows = (uftp.PrognosisISP(power=power, start=1, duration=96),)
    assert check(prognosis(isps=rows)) == []
    assert check(prognosis(), market=market) == []
    one(
        check(prognosis(isps=rows), market=market),
        "ISP[1].Power",
        f"Power value rejection: {power} W in ISP 1-96, plausible are -300000 to 300000 W",
    )
    found = check(offer(options=(samples.option(isps=isps((69, 1, power))),)), market=market)
    assert found[0].field == "OfferOption[1].ISP[69].Power"


# --- reasons --------------------------------------------------------------------------------------


def test_d4_every_rule_runs_and_all_reasons_are_joined():
    wrong = request(
        time_zone="Europe/Helsinki",
        isp_duration=timedelta(minutes=30),
        period=date(2026, 3, 1),
        contract_id="x",
        expiration_date_time=NOON - HOUR,
        congestion_point="ean.123456789012",
        isps=(uftp.RequestISP(min_power=2, max_power=1, start=99),),
    )
    found = uftp.check_request(wrong, MARKET, NOON, 1)
    phrases = [text.split(":")[0] for text in texts(found)]
    assert phrases == [
        "Invalid congestion point",
        "ISP duration rejected",
        "Time zone rejected",
        "Period out of bounds",
        "ISPs out of bounds",
        "ExpirationDateTime out of bounds",
        "Unknown reference ContractID",
        "Lacking Requested Disposition",
        "Power discrepancy",
        "Subordinate sequence number",
    ]
    assert uftp.joined(found) == "; ".join(texts(found))


def test_d4_what_is_too_long_to_store_is_counted():
    reasons = [uftp.Reason("", f"Reason {n} " + "x" * 90) for n in range(30)]
    text = uftp.joined(reasons)
    assert len(text) <= 1000
    assert text.startswith("Reason 0 x")
    assert text.endswith("; and 21 more")
    assert uftp.joined([uftp.Reason("", "x" * 3000)] * 2).startswith("xxx")
    assert len(uftp.joined([uftp.Reason("", "x" * 3000)])) <= 1000


def test_d4_the_same_text_is_said_once():
    assert uftp.joined([uftp.Reason("a", "No baseline"), uftp.Reason("b", "No baseline")]) == "No baseline"
    assert uftp.joined([]) == ""
