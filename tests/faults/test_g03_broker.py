"""G03, the short form: trade goes on while Redis is flushed, frozen, and gone for good."""

import pytest

from bench.faults import g03, town

WAITING = 1.9  # seconds for which a weak door waits for Redis each time
pytestmark = [pytest.mark.postgres, pytest.mark.redis]


def test_g03_the_broker_is_disposable() -> None:
    found = g03.run(24, frozen=15.0, flush_every=0.3, weak="brisk")
    print(found["text"])
    assert g03.held(found), found
    assert found["closed"] == 24


def test_g03_control_trade_stands_still_with_a_worker_that_only_listens() -> None:
    found = g03.run(6, frozen=6.0, flush_every=0.3, weak="deaf", patience=6.0)
    # What is counted as closed without Redis may have been on its way when Redis was stopped.
    assert not (found["finished"] or found["while_frozen"]), found
    assert found["flushes"] and not g03.held(found), found


def test_g03_without_any_broker_the_worker_looks_by_itself() -> None:
    assert g03.without() == 5


def test_g03_control_a_worker_that_only_listens_does_nothing() -> None:
    assert g03.without("deaf", within=20.0) == 0


def test_g03_a_lost_ring_holds_no_message_up_and_a_dead_broker_no_door() -> None:
    """How soon the door answers is measured by the program; a busy machine may be slower."""
    with town.hamlet("postgresql", beats=0, settings=town.weakened("brisk")) as place:
        place.queue(1)
        assert g03.ring_lost(place, 30.0)
        assert max(g03.door(place, 20).values()) < WAITING


def test_g03_control_a_lost_ring_is_missed_and_who_waits_for_the_broker_is_slow() -> None:
    with town.hamlet("postgresql", beats=0, settings=town.weakened("deaf,waiting")) as place:
        place.queue(1)
        assert not g03.ring_lost(place, 5.0)
        assert g03.frozen_door(place, 1) > WAITING


def test_g03_a_worker_hears_again_when_redis_died_while_it_was_busy() -> None:
    assert g03.hears_again()


def test_g03_control_a_worker_that_owes_acknowledgements_stays_deaf() -> None:
    assert not g03.hears_again("owing", within=12.0)
