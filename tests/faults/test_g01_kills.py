"""G01, the short form: two installations trade while their processes are killed with -9 at random.

The long form is a program: python -m bench.faults.g01 --conversations 10000 --kills 200.
"""

import os
import random

import pytest

from bench.faults import g01

SEED = 20261122
CONTROLS = range(SEED, SEED + 3)
SETTLE = 150.0  # seconds in which nothing moves
CONVERSATIONS, KILLS = 300, 10
# What SQLite adds, one file with one writer, fewer show as well; FAULTS=all trades as many there.
ON_SQLITE = (300, 10) if os.environ.get("FAULTS") == "all" else (60, 4)


@pytest.mark.django_db
def test_g01_on_sqlite_nothing_is_lost_or_doubled_when_processes_are_killed(kind: str) -> None:
    if kind != "sqlite":
        pytest.skip("has its own form on PostgreSQL")
    conversations, kills = ON_SQLITE
    done = g01.run(conversations, kills, "sqlite", SEED, settle=SETTLE)
    print(done)
    assert done.finished and done.verdict.clean, str(done)
    assert done.verdict.closed == conversations


def test_g01_control_200_before_it_is_stored_loses_messages() -> None:
    """A control may miss by luck, but not again and again."""
    runs = (
        g01.run(24, 6, "sqlite", seed, weak="memory", targets={"web": 1}, settle=5.0) for seed in CONTROLS
    )
    assert any(done.verdict.gone for done in runs)


@pytest.mark.postgres
@pytest.mark.redis
def test_g01_on_servers_nothing_is_lost_or_doubled_when_processes_and_servers_are_killed() -> None:
    done = g01.run(CONVERSATIONS, KILLS, "postgresql", SEED, settle=SETTLE)
    print(done)
    assert done.finished and done.verdict.clean, str(done)
    assert done.verdict.closed == CONVERSATIONS


@pytest.mark.postgres
@pytest.mark.redis
def test_g01_control_looking_before_acting_without_a_transaction_doubles_effects() -> None:
    runs = (
        g01.run(2, 1, "postgresql", seed, weak="naive", targets={"worker": 1}, settle=5.0)
        for seed in CONTROLS
    )
    assert any(done.verdict.doubled for done in runs)


def test_g01_a_seed_says_what_is_killed() -> None:
    rng, again = random.Random(SEED), random.Random(SEED)
    names, weights = list(g01.TARGETS), list(g01.TARGETS.values())
    assert rng.choices(names, weights, k=20) == again.choices(names, weights, k=20)
