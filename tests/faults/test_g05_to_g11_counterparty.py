"""G05, G06, G07, G11, G14, the short forms: one installation, a counterparty or a network that misbehaves."""

import random
from collections.abc import Iterator
from typing import Any

import pytest

from bench.faults import g05, g11, g14, town

SEED = 20261122
SLOW = 5.0  # seconds: a busy machine may be slow, one that is held up waits for ever
pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def hamlet(kind: str) -> Iterator[town.Hamlet]:
    with town.hamlet(kind, web=2, beats=2) as place:
        yield place


@pytest.fixture(scope="module")
def weak_hamlet(kind: str) -> Iterator[town.Hamlet]:
    """It says 200 before it stores, knows no MessageID again, and lets one counterparty have all workers."""
    with town.hamlet(kind, settings=town.weakened("memory,forgetful,uncapped")) as place:
        yield place


def test_g05_what_was_acknowledged_is_there_with_one_effect(hamlet: town.Hamlet) -> None:
    found = g05.g05(hamlet, 100, random.Random(SEED))
    assert g05.is_clean(found), g05.shown(found)
    assert found["acknowledged"] > 20 and found["recovered"] > 5 and len(found["treated"]) == 8, found


def test_g06_a_copy_is_taken_and_has_no_effect(hamlet: town.Hamlet) -> None:
    found = g05.g06(hamlet, 40, random.Random(SEED))
    assert g05.is_clean(found), g05.shown(found)
    assert found["deliveries"] > 3 * found["messages"]


def test_g07_a_message_id_is_used_once_by_each_sender_for_each_recipient(hamlet: town.Hamlet) -> None:
    found = g05.g07(hamlet, 20)
    assert g05.is_clean(found), g05.shown(found)


def test_g11_one_that_hangs_does_not_hold_another_one_up(hamlet: town.Hamlet) -> None:
    found = g11.run(hamlet, queued=30, probes=8)
    assert g11.held(found, slow=SLOW), found


def test_g14_a_message_starts_its_way_at_once(hamlet: town.Hamlet) -> None:
    """With limits for a busy machine; the true ones are those of the program."""
    found = g14.single_ones(hamlet, 10, 0.2)
    assert found["messages"] == 10 and g14.at_once(found, g14.LENIENT, p99=15.0), found


GOOD = {"queued": 30, "probes": 8, "delivered_alone": 8, "delivered_beside": 8, "hanging_meanwhile": 4}
GOOD |= {"most_at_once": 4, "p99_alone": 0.1, "p99_beside": 0.1, "drained_per_second": 9.0, "lost": []}


@pytest.mark.parametrize(
    "wrong",
    [
        {"hanging_meanwhile": 0},
        {"delivered_beside": 7},
        {"delivered_alone": 7},
        {"p99_beside": float("nan")},
        {"p99_beside": 1.1},
        {"most_at_once": 5},
        {"lost": ["one"]},
        {"queued": 1000},
    ],
    ids=str,
)
def test_g11_a_run_in_which_anything_is_wrong_shows_nothing(wrong: dict[str, Any]) -> None:
    assert g11.held(GOOD) and not g11.held({**GOOD, **wrong})


@pytest.mark.control
def test_g05_control_saying_200_before_storing_loses(weak_hamlet: town.Hamlet) -> None:
    assert g05.g05(weak_hamlet, 40, random.Random(SEED))["lost"]


@pytest.mark.control
def test_g06_control_without_the_unique_key_copies_have_effects(weak_hamlet: town.Hamlet) -> None:
    assert g05.g06(weak_hamlet, 10, random.Random(SEED))["doubled"]


@pytest.mark.control
def test_g07_control_without_the_unique_key_an_id_is_used_twice(weak_hamlet: town.Hamlet) -> None:
    assert g05.g07(weak_hamlet, 5)["doubled"]


@pytest.mark.control
def test_g11_control_without_the_limit_one_that_hangs_holds_all_others_up(weak_hamlet: town.Hamlet) -> None:
    found = g11.run(weak_hamlet, queued=30, probes=4, within=15.0)
    assert found["most_at_once"] > 4, found
    assert found["p99_beside"] > SLOW > found["p99_alone"] and found["delivered_beside"] < 4, found
