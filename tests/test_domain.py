"""The tables of moves, the verdicts on HTTP statuses and the retry delays: pure, without a database."""

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise, product

import pytest

from offers import domain
from offers.domain import ACTORS, OFFER, ORDER, REQUEST, Event, OfferState, OrderState, RequestState, Verdict

TABLES = [(RequestState, REQUEST), (OfferState, OFFER), (OrderState, ORDER)]
ALL = [(state, event, table) for states, table in TABLES for state, event in product(states, Event)]


@pytest.mark.parametrize(("state", "event", "table"), ALL)
def test_every_pair_is_in_the_table_or_raises_a_sentence(
    state: OfferState, event: Event, table: dict
) -> None:
    if (state, event) in table:
        assert domain.after(state, event) == table[state, event]
    else:
        with pytest.raises(domain.IllegalMove, match=r"^Flex\w+ is .* any more\.$"):
            domain.after(state, event)


def test_every_event_has_somebody_who_may_cause_it() -> None:
    assert set(ACTORS) == set(Event)
    assert all(ACTORS.values())


@pytest.mark.parametrize("event", [Event.REVOKE, Event.PLACE, Event.EXPIRE, Event.ACCEPT, Event.REJECT])
def test_an_ordered_offer_stays_ordered(event: Event) -> None:
    if (OfferState.ORDERED, event) in OFFER:
        assert OFFER[OfferState.ORDERED, event] == OfferState.ORDERED


def test_sources_are_the_states_from_which_an_event_is_legal() -> None:
    assert set(domain.sources(OfferState, Event.EXPIRE)) == {"sent", "accepted", "failed"}


@pytest.mark.parametrize("status", range(100, 600))
def test_every_status_has_one_verdict(status: int) -> None:
    wanted = Verdict.TEMPORARY
    if 200 <= status < 300:
        wanted = Verdict.DELIVERED
    elif 400 <= status < 500 and status not in (404, 408, 419, 425, 429):
        wanted = Verdict.PERMANENT
    assert domain.verdict_of_status(status, unknown_before=False) == wanted


def test_a_400_after_an_unknown_outcome_means_that_it_had_arrived() -> None:
    assert domain.verdict_of_status(400, unknown_before=True) == Verdict.DELIVERED
    assert domain.verdict_of_status(401, unknown_before=True) == Verdict.PERMANENT


def test_delays_grow_and_span_more_than_an_hour() -> None:
    delays = [domain.retry_delay(n, random.Random(7)) for n in range(1, domain.MOST_ATTEMPTS)]
    assert all(later >= earlier for earlier, later in pairwise(delays))
    assert sum(delays[:8], timedelta()) > timedelta(hours=1)


def test_a_message_is_not_sent_after_its_own_expiry_nor_after_a_day() -> None:
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    assert domain.give_up_at(noon, None) == noon + timedelta(hours=24)
    assert domain.give_up_at(noon, noon + timedelta(minutes=5)) == noon + timedelta(minutes=5)
    assert domain.give_up_at(noon, noon + timedelta(days=9)) == noon + timedelta(hours=24)
