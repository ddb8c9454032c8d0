"""G16: the portal does what a small independent model does, whatever happens in whatever order.

The long form is `python -m bench.races.g16`: 5,000 stories of 50 steps.
"""

import pytest
from django.db import connection
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from offers.services import mapping
from tests.cast import Cast
from tests.guarantees.g16_machine import Market
from tests.guarantees.g16_stage import NEVER

pytestmark = pytest.mark.django_db

FEW = settings(
    max_examples=10 if connection.vendor == "postgresql" else 25,  # there each step takes three times as long
    stateful_step_count=30,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def test_g16_the_portal_and_the_model_stand_the_same(everybody: Cast) -> None:
    run_state_machine_as_test(lambda: Market(everybody), settings=FEW)


def crossing(market: Market) -> None:
    """An order and a revocation cross: both are sent, and the order arrives."""
    market.offers(minutes=60, on=0, dies_at=NEVER)
    market.both_stand_the_same()
    market.arrives(pick=0)
    market.is_processed(dies_at=NEVER)
    market.both_stand_the_same()
    market.orders(pick=0, dies_at=NEVER)
    market.revokes(pick=0, dies_at=NEVER)
    market.both_stand_the_same()
    kinds = [one.kind for one in market.model.in_flight()]
    market.arrives(pick=kinds.index("FlexOrder"))
    market.is_processed(dies_at=NEVER)
    market.both_stand_the_same()


def test_g16_a_story_told_by_hand(everybody: Cast) -> None:
    market = Market(everybody)
    crossing(market)
    market.teardown()
    assert [offer.at for offer in market.model.offers] == [{"AGR": "revoked", "DSO": "revoked"}]


def test_g16_a_wrong_rule_would_be_found(everybody: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: an AGR that takes orders for what it has revoked (D16)."""
    monkeypatch.setitem(mapping.OFFER_STANDING, "revoked", "open")
    with pytest.raises(AssertionError):
        crossing(Market(everybody))


def test_g16_an_order_that_was_delivered_binds_though_sending_it_again_fails(everybody: Cast) -> None:
    """Staff sends it again before its answer came, and the AGR's server refuses the copy for good."""
    market = Market(everybody)
    market.offers(minutes=60, on=0, dies_at=NEVER)
    market.both_stand_the_same()
    market.arrives_as_it_should()
    market.both_stand_the_same()
    market.orders(pick=0, dies_at=NEVER, factor="0.87")
    market.both_stand_the_same()
    (order,) = (one for one in market.model.said if one.kind == "FlexOrder")
    market.arrives(pick=market.model.in_flight().index(order))
    market.sends_again(pick=market.model.said.index(order))
    market.both_stand_the_same()
    market.is_given_up(pick=0)
    market.both_stand_the_same()
    market.teardown()
    assert [offer.at for offer in market.model.offers] == [{"AGR": "ordered", "DSO": "ordered"}]


def test_g16_an_offer_that_was_planned_on_a_request_and_failed_once_is_sent_again(everybody: Cast) -> None:
    market = Market(everybody)
    market.asks(minutes=60)
    market.both_stand_the_same()
    for _ in ("the request", "its answer"):
        market.arrives_as_it_should()
        market.both_stand_the_same()
    market.plans(minutes=60, on=1, later=1)
    market.what_was_planned_is_sent(dies_at=NEVER)  # not yet
    market.both_stand_the_same()
    market.passes(minutes=1)
    market.what_was_planned_is_sent(dies_at=1)
    market.both_stand_the_same()
    (offer,) = market.model.in_flight()
    market.is_given_up(pick=0)
    market.both_stand_the_same()
    assert offer.thing is not None and offer.thing.at["AGR"] == "failed"
    market.sends_again(pick=market.model.said.index(offer))
    market.arrives_as_it_should()
    market.both_stand_the_same()
    market.foresees(revision=1)
    market.both_stand_the_same()
    market.arrives_as_it_should()
    market.both_stand_the_same()
    assert offer.thing.request is market.model.requests[0] and offer.thing.at["DSO"] == "accepted"
    market.teardown()
    assert [thing.at["DSO"] for thing in market.model.prognoses] == ["accepted"]


def test_g16_an_offer_that_comes_after_the_end_of_its_request(everybody: Cast) -> None:
    market = Market(everybody)
    market.asks(minutes=5)
    for _ in ("the request", "its answer"):
        market.both_stand_the_same()
        market.arrives_as_it_should()
    market.offers(minutes=60, on=1, dies_at=NEVER)
    market.both_stand_the_same()
    market.passes(minutes=6)
    market.arrives_as_it_should()
    market.both_stand_the_same()
    market.offers(minutes=60, on=1, dies_at=NEVER)  # nor is another one made now
    market.both_stand_the_same()
    market.teardown()
    assert [offer.at for offer in market.model.offers] == [{"AGR": "rejected", "DSO": ""}]


def test_g16_a_revocation_that_overtook_its_offer_while_nobody_worked(everybody: Cast) -> None:
    """Both lie unread for longer than a message waits for the one that it refers to."""
    market = Market(everybody)
    market.offers(minutes=60, on=0, dies_at=NEVER)
    market.both_stand_the_same()
    market.revokes(pick=0, dies_at=NEVER)
    market.both_stand_the_same()
    market.arrives(pick=1)
    market.arrives(pick=0)
    market.passes(minutes=1)
    market.is_processed(dies_at=NEVER)
    market.both_stand_the_same()
    market.teardown()
    assert [offer.at for offer in market.model.offers] == [{"AGR": "revoked", "DSO": "revoked"}]
