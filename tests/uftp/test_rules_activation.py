"""Partial activation: what is written and what is recognised, and how it is rounded."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offers import uftp
from offers.uftp import currencies
from offers.uftp.rules import Form, same_power, scaled_power

from .samples import MARKET, NOON, isps, offer, option, order, texts

D = Decimal


def check_order(message, against=None, state="accepted", now=NOON, market=MARKET):
    return uftp.check_order(message, market, now, against or offer(), state)


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
