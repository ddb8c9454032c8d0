"""G05, G06, G07, G11, the short forms: one installation, and a counterparty or a network that misbehaves."""

import random
from collections.abc import Iterator

import pytest

from bench.faults import g05, g11, town

SEED = 20261122
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
    assert found["delivered_beside"] == 8 and found["hanging_meanwhile"], found
    assert found["most_at_once"] <= 4 and not found["lost"], found


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
def test_g11_control_without_the_limit_one_that_hangs_has_all_workers(weak_hamlet: town.Hamlet) -> None:
    found = g11.run(weak_hamlet, queued=30, probes=4, within=15.0)
    assert found["most_at_once"] > 4, found
