"""Counting: a limit is a limit, however many count at once, and it ends when its window does."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection

from offers.models import Tally
from offers.services import rates
from tests.cast import NOON

MINUTE = timedelta(minutes=1)


@pytest.mark.django_db
def test_so_many_pass_and_the_next_hears_how_long_to_wait() -> None:
    assert [rates.take("a", 3, MINUTE, NOON) for _ in range(3)] == [None] * 3
    assert rates.take("a", 3, MINUTE, NOON + timedelta(seconds=20)) == timedelta(seconds=40)
    assert rates.take("b", 3, MINUTE, NOON) is None


@pytest.mark.django_db
def test_a_new_window_begins_with_the_first_after_the_old_one() -> None:
    for _ in range(2):
        rates.take("a", 1, MINUTE, NOON)
    assert rates.take("a", 1, MINUTE, NOON + MINUTE) is None
    assert rates.take("a", 1, MINUTE, NOON + MINUTE) == MINUTE


@pytest.mark.django_db
def test_nothing_passes_a_limit_of_none() -> None:
    assert rates.take("a", 0, MINUTE, NOON) == MINUTE


@pytest.mark.django_db
def test_what_was_harmless_is_given_back_and_never_more_than_was_taken() -> None:
    rates.take("a", 1, MINUTE, NOON)
    for _ in range(3):
        rates.give_back("a", NOON)
    assert [rates.take("a", 1, MINUTE, NOON) is None for _ in range(2)] == [True, False]
    rates.forget("a")
    assert rates.take("a", 1, MINUTE, NOON) is None


@pytest.mark.django_db
def test_what_is_long_over_is_cleared_away_and_keys_are_not_kept_as_typed() -> None:
    rates.take("my password, typed in the wrong field", 1, MINUTE, NOON)
    assert "password" not in Tally.objects.get().key
    rates.take("b", 1, MINUTE, NOON + timedelta(hours=2))
    assert Tally.objects.count() == 1


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_exactly_so_many_pass_when_all_come_at_once() -> None:
    def one(_: int) -> bool:
        try:
            return rates.take("a", 10, MINUTE, NOON) is None
        finally:
            connection.close()

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(one, range(200))) == 10
