"""G03, the short form: trade goes on while Redis is flushed, frozen, and gone for good."""

import pytest

from bench.faults import g03

pytestmark = [pytest.mark.postgres, pytest.mark.redis]


def test_g03_the_broker_is_disposable() -> None:
    found = g03.run(24, frozen=6.0)
    print(found["text"])
    assert found["finished"] and found["without_redis"] > 0, found
    assert not found["lost"] + found["doubled"] + found["unexpected"], found["text"]


def test_g03_without_any_broker_the_worker_looks_by_itself() -> None:
    assert g03.without() == 5


def test_g03_control_a_worker_that_only_listens_does_nothing() -> None:
    assert g03.without("deaf", within=40.0) == 0


def test_g03_a_worker_hears_again_when_redis_died_while_it_was_busy() -> None:
    assert g03.hears_again()


def test_g03_control_a_worker_that_owes_acknowledgements_stays_deaf() -> None:
    assert not g03.hears_again("owing", within=12.0)
