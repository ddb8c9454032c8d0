"""The rules of a trade: request, offer, revocation, order, and partial activation."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offers import uftp
from offers.uftp import currencies
from offers.uftp.rules import Form, chosen_option, same_power, scaled_power

from . import samples
from .samples import MARKET, NOON, isps, offer, option, order, request
from .test_rules_day import one, texts

D = Decimal


def check_offer(message, market=MARKET, now=NOON, wanted=None, known=True):
    return uftp.check_offer(message, market, now, wanted or request(), known)


def check_order(message, against=None, state="accepted", now=NOON, market=MARKET):
    return uftp.check_order(message, market, now, against or offer(), state)


# --- FlexRequest ----------------------------------------------------------------------------------


def rows(*given):
    """From (start, disposition, min, max)."""
    return tuple(
        uftp.RequestISP(disposition=disposition, min_power=low, max_power=high, start=start)
        for start, disposition, low, high in given
    )


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


# --- FlexOffer ------------------------------------------------------------------------------------


def test_v13_an_offer_for_an_unknown_request_is_refused():
    one(
        uftp.check_offer(offer(), MARKET, NOON, None, False),
        "FlexRequestMessageID",
        f"Unknown reference FlexRequestMessageID: {samples.REQUEST_ID} is not known here",
    )


def test_an_unsolicited_offer_needs_no_request():
    for unsolicited in (True, None):
        free = offer(flex_request_message_id=None, unsolicited=unsolicited)
        assert uftp.check_offer(free, MARKET, NOON, None, False) == []


def test_v14_an_offer_for_another_day_than_the_request_is_refused():
    one(
        check_offer(offer(period=date(2026, 3, 4))),
        "Period",
        "Reference Period mismatch: 2026-03-04, the FlexRequest is for 2026-03-03",
    )


def test_v12_an_offer_for_another_point_than_the_request_is_refused():
    elsewhere = replace(request(), congestion_point="ean.123456789012")
    one(
        check_offer(offer(), wanted=elsewhere),
        "CongestionPoint",
        "Invalid congestion point: the FlexRequest is for ean.123456789012",
    )


def test_v15_d2_d3_an_offer_received_at_or_after_the_end_of_the_request_is_refused():
    end = request().expiration_date_time
    assert check_offer(offer(), now=end - timedelta(seconds=1)) == []
    one(
        check_offer(offer(), now=end),
        "FlexRequestMessageID",
        "Reference message expired: the FlexRequest was valid until 2026-03-02T18:00+01:00",
    )


@pytest.mark.parametrize(
    ("offered", "fine"),
    [
        (((69, 1, 1),), True),
        (((76, 5, 1),), True),
        (((1, 20, 1), (72, 1, 1)), True),
        (((60, 30, 1),), True),
        (((68, 1, 1),), False),
        (((77, 20, 1),), False),
    ],
)
def test_v29_any_one_requested_isp_is_enough_whatever_the_segments(offered, fine):
    """Requested are 69-76 in one segment."""
    found = check_offer(offer(options=(option(isps=isps(*offered)),)))
    text = "Request mismatch: none of the requested ISPs is offered: ISP 69-76"
    assert texts(found) == ([] if fine else [text])


def test_v29_one_covering_option_is_enough():
    assert check_offer(offer(options=(option(isps=isps((1, 1, 1))), option("B")))) == []


def test_v29_one_offered_segment_covers_requests_of_single_isps():
    single = request(isps=rows(*[(n, "Requested", -5, 0) for n in range(33, 37)]))
    assert check_offer(offer(options=(option(isps=isps((33, 4, 1))),)), wanted=single) == []
    four = request(isps=(replace(request().isps[1], start=33, duration=4),))
    assert check_offer(offer(options=(option(isps=isps((36, 1, 1))),)), wanted=four) == []


def test_v30_two_options_are_refused_where_the_point_has_no_mutex():
    single = replace(MARKET, mutex_offers_supported=False)
    assert check_offer(offer(options=(option(),)), market=single) == []
    one(
        check_offer(offer(), market=single),
        "OfferOption",
        "No MutEx offer support: 2 options, at most 1 at this congestion point",
    )


def test_v31_a_baseline_is_needed_where_the_market_demands_one():
    strict = replace(MARKET, baseline_required=True)
    one(
        check_offer(offer(), market=strict),
        "BaselineReference",
        "No baseline: D-PrognosisMessageID or BaselineReference is needed",
    )
    assert check_offer(offer(baseline_reference="b"), market=strict) == []
    assert check_offer(offer(d_prognosis_message_id=samples.ORDER_ID), market=strict) == []


@pytest.mark.parametrize(
    ("factor", "fine"),
    [
        ("0.01", True),
        ("1", True),
        ("1.000", True),
        ("0", False),
        ("1.01", False),
        ("0.555", False),
        ("NaN", False),
    ]
    + [("-1", False), ("1E+40", False)],
)
def test_v32_a_factor_is_between_0_01_and_1_with_two_decimals(factor, fine):
    found = check_offer(offer(options=(option(), option("B", factor=factor))))
    assert [reason.field for reason in found] == ([] if fine else ["OfferOption[2].MinActivationFactor"])
    limits = "from 0.01 to 1.00 with at most 2 decimals"
    assert fine or found[0].text == f"MinActivationFactor out of bounds: {D(factor)} of option B, {limits}"


@pytest.mark.parametrize(
    ("price", "text"),
    [
        ("0", None),
        ("10.1234", None),
        ("100000000000", None),
        ("10.12345", "Price rejected: 10.12345 of option A, at most 4 decimals"),
        ("-0.01", "Price rejected: -0.01 of option A, at least 0"),
        ("100000000000.0001", "Price rejected: 100000000000.0001 of option A, from 0 to 100,000,000,000"),
        ("Infinity", "Price rejected: Infinity of option A, from 0 to 100,000,000,000"),
        ("NaN", "Price rejected: NaN of option A, from 0 to 100,000,000,000"),
    ],
)
def test_v33_a_price_has_up_to_four_decimals_and_is_not_negative(price, text):
    found = check_offer(offer(options=(option(price=price),)))
    assert [(reason.field, reason.text) for reason in found] == (
        [("OfferOption[1].Price", text)] if text else []
    )


@pytest.mark.parametrize(
    ("currency", "text"),
    [
        ("QQQ", "Currency rejected: QQQ is no currency of ISO 4217"),
        ("USD", "Currency rejected: USD, this market trades in EUR"),
    ],
)
def test_v33_the_currency_is_that_of_the_market_and_one_at_all(currency, text):
    one(check_offer(offer(currency=currency)), "Currency", text)


@pytest.mark.parametrize(
    ("unsolicited", "reference", "fine"),
    [
        (None, samples.REQUEST_ID, True),
        (None, None, True),
        (True, None, True),
        (False, samples.REQUEST_ID, True),
        (True, samples.REQUEST_ID, False),
        (False, None, False),
    ],
)
def test_v34_unsolicited_tells_the_truth_if_it_tells_anything(unsolicited, reference, fine):
    found = check_offer(offer(unsolicited=unsolicited, flex_request_message_id=reference))
    text = "FlexRequestMessageID must be present if Unsolicited is false, and only then"
    assert texts(found) == ([] if fine else [text])


def test_v38_two_options_of_one_name_could_not_be_told_apart():
    found = check_offer(offer(options=(option(), option())))
    one(found, "OfferOption", "OptionReference conflict: A names 2 options, each needs its own")


# --- FlexOfferRevocation --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("known", "ordered", "own", "phrase"),
    [
        (True, False, True, None),
        (True, True, True, "Flexibility procured: the offer is ordered and cannot be revoked"),
        (False, False, True, "Unknown reference FlexOfferMessageID: no offer of this sender"),
        (True, False, False, "Unknown reference FlexOfferMessageID: no offer of this sender"),
        (True, True, False, "Unknown reference FlexOfferMessageID: no offer of this sender"),
    ],
)
def test_v41_v42_an_offer_is_revoked_by_its_sender_until_it_is_ordered(known, ordered, own, phrase):
    assert texts(uftp.check_revocation(known, ordered, own)) == ([phrase] if phrase else [])


# --- FlexOrder ------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["sent", "accepted", "ordering", "expired", "failed", "open"])
def test_an_order_of_an_offer_that_still_stands_gets_no_reason(state):
    """An order that was received in time counts, however late it is processed (D3)."""
    assert check_order(order(), state=state) == []


@pytest.mark.parametrize(
    ("state", "text"),
    [
        ("revoked", "Reference message revoked: the offer was revoked before the order"),
        ("ordered", "Flexibility already ordered: an offer can be ordered once"),
        ("rejected", "Reference message rejected: the offer was rejected by its recipient"),
        ("unknown", f"Unknown reference FlexOfferMessageID: {samples.OFFER_ID} is not known here"),
        ("draft", f"Unknown reference FlexOfferMessageID: {samples.OFFER_ID} is not known here"),
    ],
)
def test_v13_v16_v40_an_order_of_an_offer_that_does_not_stand_is_refused(state, text):
    one(check_order(order(), state=state), "FlexOfferMessageID", text)


def test_v13_an_order_of_no_offer_at_all_is_refused():
    one(
        uftp.check_order(order(), MARKET, NOON, None, "unknown"),
        "FlexOfferMessageID",
        f"Unknown reference FlexOfferMessageID: {samples.OFFER_ID} is not known here",
    )


def test_v15_an_order_received_at_or_after_the_end_of_the_offer_is_refused():
    end = offer().expiration_date_time
    assert check_order(order(), now=end - timedelta(seconds=1)) == []
    one(
        check_order(order(), now=end),
        "FlexOfferMessageID",
        "Reference message expired: the FlexOffer was valid until 2026-03-02T20:00+01:00",
    )


def test_v14_an_order_for_another_day_or_point_is_refused():
    assert "Reference Period mismatch: 2026-03-04, the FlexOffer is for 2026-03-03" in texts(
        check_order(order(period=date(2026, 3, 4)))
    )
    elsewhere = offer(congestion_point="ean.123456789012")
    assert texts(check_order(order(), elsewhere)) == [
        "Invalid congestion point: the FlexOffer is for ean.123456789012"
    ]


UNLESS = "FlexOfferMessageID must be present unless Unsolicited is true, and only then"


@pytest.mark.parametrize(
    ("version", "unsolicited", "reference", "text"),
    [
        ("3.1.0", None, samples.OFFER_ID, None),
        ("3.1.0", False, samples.OFFER_ID, None),
        ("3.0.0", None, samples.OFFER_ID, None),
        ("3.1.0", True, None, None),
        ("3.1.0", True, samples.OFFER_ID, UNLESS),
        ("3.1.0", None, None, UNLESS),
        ("3.1.0", False, None, UNLESS),
        ("3.0.0", True, None, "FlexOfferMessageID must be present under 3.0.0, which has no direct orders"),
    ],
)
def test_v34_d15_only_a_direct_order_has_no_offer(version, unsolicited, reference, text):
    given = order(version=version, unsolicited=unsolicited, flex_offer_message_id=reference)
    found = uftp.check_order(
        given, MARKET, NOON, offer() if reference else None, "accepted" if reference else "unknown"
    )
    assert texts(found) == ([text] if text else [])


def test_v35_an_order_of_other_isps_is_refused():
    one(
        check_order(order(isps=isps((69, 7, -200_000)))),
        "ISP",
        "ISP mismatch: option A has ISP 69-76, the order ISP 69-75",
    )


def test_v35_compares_with_the_chosen_option_and_not_with_all_together():
    b = order(option_reference="B", price=D(60), isps=isps((69, 4, -150_001)))
    assert check_order(b) == []


@pytest.mark.parametrize(
    "segments",
    [
        ((69, 8, -200_000),),
        tuple((n, 1, -200_000) for n in range(69, 77)),
        tuple((n, 1, -200_000) for n in range(76, 68, -1)),
        ((73, 4, -200_000), (69, 4, -200_000)),
    ],
)
def test_d8_equal_power_in_other_segments_is_a_match(segments):
    assert check_order(order(isps=isps(*segments))) == []


def test_v36_other_power_is_refused_with_the_first_isp_that_differs():
    wrong = order(isps=isps((69, 4, -200_000), (73, 4, -199_999)))
    one(
        check_order(wrong),
        "ISP[73].Power",
        "Power mismatch: ISP 73 is offered at -200000 W, ordered at -199999 W",
    )


def test_v36_at_a_factor_both_allowed_values_are_told():
    wrong = order(activation_factor=D("0.80"), isps=isps((69, 8, -170_000)))
    assert texts(check_order(wrong)) == [
        "Power mismatch: ISP 69 is offered at -200000 W (-160000 W at the factor 0.80), ordered at -170000 W"
    ]


def test_v37_another_price_is_refused():
    one(
        check_order(order(price=D("119.99"))),
        "Price",
        "Price mismatch: option A costs 120.00 EUR, ordered for 119.99 EUR",
    )
    assert check_order(order(price=D("120.0000"))) == []


def test_v37_another_currency_is_another_price():
    dollars = replace(MARKET, currency="USD")
    assert "Price mismatch: option A costs 120.00 EUR, ordered for 120.00 USD" in texts(
        check_order(order(currency="USD"), market=dollars)
    )


def test_v38_an_option_that_is_not_offered_or_not_named_is_refused():
    one(
        check_order(order(option_reference="C")),
        "OptionReference",
        "Unknown reference OptionReference: C, the offer has A, B",
    )
    one(
        check_order(order(option_reference=None)),
        "OptionReference",
        "Unknown reference OptionReference: none given, the offer has 2 options: A, B",
    )


def test_v38_the_only_option_need_not_be_named():
    single = offer(options=(option(),))
    assert check_order(order(option_reference=None), single) == []
    assert chosen_option(order(option_reference=None), single) == option()


def test_v39_a_factor_below_the_minimum_is_refused():
    assert check_order(order(activation_factor=D("0.50"))) == []
    one(
        check_order(order(activation_factor=D("0.49"))),
        "ActivationFactor",
        "ActivationFactor out of bounds: 0.49, at least 0.50, the MinActivationFactor of option A",
    )


def test_v32_an_impossible_factor_is_a_reason_and_no_crash():
    found = check_order(order(activation_factor=D("NaN")))
    assert texts(found) == ["ActivationFactor out of bounds: NaN, from 0.01 to 1.00 with at most 2 decimals"]


# --- partial activation ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("power", "factor", "expected"),
    [
        (-5, "0.50", -3),
        (5, "0.50", 3),
        (-150_001, "0.50", -75_001),
        (3, "0.33", 1),
        (-1, "0.49", 0),
        (7, "1", 7),
    ]
    + [(10**15, "0.99", 99 * 10**13)],
)
def test_d7_watts_are_rounded_half_away_from_zero(power, factor, expected):
    assert scaled_power(power, D(factor)) == expected


@pytest.mark.parametrize(
    ("price", "factor", "currency", "expected"),
    [
        ("0.05", "0.50", "EUR", "0.03"),
        ("0.25", "0.50", "JPY", "0"),
        ("5", "0.50", "JPY", "3"),
        ("0.0010", "0.50", "BHD", "0.001"),
        ("0.1235", "0.50", "CLF", "0.0618"),
        ("120.00", "0.80", "EUR", "96.00"),
    ],
)
def test_d7_money_is_rounded_half_away_from_zero_to_the_smallest_unit(price, factor, currency, expected):
    assert uftp.scaled(option(price=price), D(factor), currency).price == D(expected)


def test_d7_at_the_factor_1_nothing_is_rounded():
    odd = option(price="10.1234")
    assert uftp.scaled(odd, D("1.00"), "EUR") == odd


def test_d8_scaling_keeps_the_segments():
    wide = option(isps=isps((69, 2, -10), (71, 2, -10)))
    assert uftp.scaled(wide, D("0.5"), "EUR").isps == isps((69, 2, -5), (71, 2, -5))


def test_d5_an_order_is_written_as_offered_unless_scaled_values_are_asked_for():
    assert uftp.written(option(), D("0.50"), "EUR") == option()
    scaled = uftp.written(option(), D("0.50"), "EUR", Form.SCALED)
    assert (scaled.price, scaled.isps) == (D("60.00"), isps((69, 8, -100_000)))


@pytest.mark.parametrize("form", list(Form))
@pytest.mark.parametrize("factor", ["0.50", "0.75", "0.99"])
@pytest.mark.parametrize("chosen", [0, 1])
def test_d5_d6_whatever_is_written_is_recognised_with_its_form(form, factor, chosen):
    meant = offer().options[chosen]
    given = uftp.written(meant, D(factor), "EUR", form)
    placed = order(
        option_reference=meant.option_reference,
        activation_factor=D(factor),
        price=given.price,
        isps=given.isps,
    )
    assert uftp.match_order(placed, offer()) == uftp.Match(meant, D(factor), form)
    assert check_order(placed) == []


def test_d6_an_order_at_the_factor_1_is_as_offered():
    assert uftp.match_order(order(), offer()) == uftp.Match(option(), D("1.00"), Form.OFFERED)


def test_d6_a_mixture_of_both_forms_is_refused():
    mixed = order(activation_factor=D("0.50"), price=D("60.00"))
    assert texts(check_order(mixed)) == [
        "Price mismatch: option A costs 120.00 EUR (60.00 EUR at the factor 0.50), ordered for 60.00 EUR"
    ]
    half = order(
        activation_factor=D("0.50"), price=D("60.00"), isps=isps((69, 4, -100_000), (73, 4, -200_000))
    )
    assert texts(check_order(half)) == [
        "Power mismatch: ISP 73 is offered at -200000 W (-100000 W at the factor 0.50), ordered at -200000 W"
    ]


def test_d6_scaled_values_without_a_factor_are_refused():
    silent = order(price=D("60.00"), isps=isps((69, 8, -100_000)))
    assert [text.split(":")[0] for text in texts(check_order(silent))] == ["Power mismatch", "Price mismatch"]


def test_match_order_survives_an_offer_that_is_poison_itself():
    poison = isps((1, 2 * 10**9, -1))
    against = offer(options=(option(isps=poison),))
    found = uftp.match_order(order(isps=isps((1, 2 * 10**9, -2))), against)
    assert isinstance(found, list)
    assert uftp.check_order(order(isps=isps((1, 2 * 10**9, -2))), MARKET, NOON, against, "rejected")


@settings(max_examples=60, deadline=None)
@given(
    powers=st.dictionaries(st.integers(1, 96), st.integers(-(10**12), 10**12), min_size=1, max_size=20),
    units=st.integers(0, 10**9),
    percent=st.integers(1, 100),
    form=st.sampled_from(Form),
    currency=st.sampled_from(["EUR", "JPY", "BHD"]),
)
def test_d6_every_order_of_ours_is_recognised_after_the_wire(powers, units, percent, form, currency):
    factor, price = D(percent).scaleb(-2), D(units).scaleb(-currencies.decimals(currency))
    meant = option(
        price=str(price), factor="0.01", isps=isps(*[(n, 1, power) for n, power in sorted(powers.items())])
    )
    against = offer(options=(meant,), currency=currency)
    given = uftp.written(meant, factor, currency, form)
    sent = order(activation_factor=factor, currency=currency, price=given.price, isps=given.isps)
    received = uftp.decode(uftp.encode(sent))
    assert isinstance(received, uftp.FlexOrder)
    found = uftp.match_order(received, uftp.decode(uftp.encode(against)))
    assert isinstance(found, uftp.Match)
    assert (found.option, found.factor) == (meant, factor)
    same = uftp.scaled(meant, factor, currency)
    assert found.form == form or (meant.price, meant.isps) == (same.price, same.isps)


def test_same_power_is_about_isps_and_not_about_segments():
    assert same_power(isps((1, 2, 5)), isps((2, 1, 5), (1, 1, 5)))
    assert not same_power(isps((1, 2, 5)), isps((1, 1, 5)))
    assert not same_power(isps((1, 2, 5)), isps((1, 2, 5), (1, 2, 5)))


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
