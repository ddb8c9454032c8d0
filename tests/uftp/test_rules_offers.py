"""What an AGR offers and takes back: the rules of FlexOffer and FlexOfferRevocation."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from offers import uftp

from . import samples
from .samples import MARKET, NOON, isps, offer, one, option, request, rows, texts

D = Decimal


def check_offer(message, market=MARKET, now=NOON, wanted=None, known=True):
    return uftp.check_offer(message, market, now, wanted or request(), known)


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
