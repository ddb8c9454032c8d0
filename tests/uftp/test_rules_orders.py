"""What a DSO orders: the rules of FlexOrder."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from offers import uftp
from offers.uftp.rules import chosen_option

from . import samples
from .samples import MARKET, NOON, isps, offer, one, option, order, texts

D = Decimal


def check_order(message, against=None, state="accepted", now=NOON, market=MARKET):
    return uftp.check_order(message, market, now, against or offer(), state)


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
