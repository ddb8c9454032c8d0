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
    everything = 30  # steps that a process may take before it dies: it does not
    market.offers(minutes=60)
    market.both_stand_the_same()
    market.arrives(pick=0)
    market.is_processed(dies_at=everything)
    market.both_stand_the_same()
    market.orders(pick=0, dies_at=everything)
    market.revokes(pick=0, dies_at=everything)
    market.both_stand_the_same()
    kinds = [one.kind for one in market.model.in_flight()]
    market.arrives(pick=kinds.index("FlexOrder"))
    market.is_processed(dies_at=everything)
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


def test_g16_a_revocation_that_overtook_its_offer_while_nobody_worked(everybody: Cast) -> None:
    """Both lie unread for longer than a message waits for the one that it refers to."""
    market = Market(everybody)
    market.offers(minutes=60)
    market.both_stand_the_same()
    market.revokes(pick=0, dies_at=30)
    market.both_stand_the_same()
    market.arrives(pick=1)
    market.arrives(pick=0)
    market.passes(minutes=1)
    market.is_processed(dies_at=30)
    market.both_stand_the_same()
    market.teardown()
    assert [offer.at for offer in market.model.offers] == [{"AGR": "revoked", "DSO": "revoked"}]
