"""Who may have a message, and for whom something may go: asked in SQL, on both databases."""

from datetime import timedelta

import pytest

from offers import models
from offers.services import outbox, queues, trading
from tests.cast import NOON, Cast

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


def a_test(people: Cast) -> models.Message:
    return trading.send_test(people.agr, people.dso, NOON)


def test_a_message_is_leased_once_and_for_its_next_attempt_only(everybody: Cast) -> None:
    row = a_test(everybody)
    assert not queues.lease(row.pk, 2, "early", False, NOON)
    assert queues.lease(row.pk, 1, "mine", True, NOON)
    assert not queues.lease(row.pk, 2, "theirs", False, NOON)
    row.refresh_from_db()
    assert (row.lease_token, row.attempts, row.unknown_outcome) == ("mine", 1, True)
    assert queues.lease(row.pk, 2, "after it ran out", False, NOON + MINUTE)


def test_what_is_under_way_no_longer_can_be_leased(everybody: Cast) -> None:
    row = a_test(everybody)
    models.Message.objects.filter(pk=row.pk).update(state="delivered")
    assert not queues.lease(row.pk, 1, "mine", False, NOON)
    assert queues.lanes(everybody.dso.pk, NOON) == (0, None)


def test_one_that_has_all_its_lanes_full_wants_no_more(everybody: Cast) -> None:
    rows = [a_test(everybody) for _ in range(3)]
    for n, row in enumerate(rows[:2], 1):
        assert queues.wanting(NOON, most=2, most_failing=1) == [everybody.dso.pk]
        assert queues.lease(row.pk, 1, "mine", False, NOON)
        assert queues.lanes(everybody.dso.pk, NOON) == (n, rows[n].pk)
    assert queues.wanting(NOON, most=2, most_failing=1) == []
    assert queues.wanting(NOON + MINUTE, most=2, most_failing=1) == [everybody.dso.pk]  # both ran out


def test_one_that_fails_has_fewer_lanes(everybody: Cast) -> None:
    rows = [a_test(everybody) for _ in range(2)]
    models.Participant.objects.filter(pk=everybody.dso.pk).update(failing_since=NOON)
    assert queues.lease(rows[0].pk, 1, "mine", False, NOON)
    assert queues.wanting(NOON, most=2, most_failing=1) == []
    assert queues.oldest(NOON) is None  # it waits for the counterparty, not for us
    assert outbox.claim(NOON) is None
