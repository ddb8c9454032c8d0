"""How a worker takes rings: one of a kind waits, and nothing makes that kind deaf."""

from typing import Any

import pytest
from celery.worker import strategy

from flexportal import rings
from flexportal.celery import app
from flexportal.rings import LONGEST_WAIT, Waiting

DELIVER, PROCESS = "offers.tasks.deliver_due", "offers.tasks.process_inbox"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_while_a_ring_waits_others_of_its_kind_are_dropped() -> None:
    waiting = Waiting(Clock())
    assert [waiting.add(kind) for kind in (DELIVER, DELIVER, PROCESS, DELIVER)] == [True, False, True, False]
    waiting.is_followed(DELIVER)
    assert [waiting.add(kind) for kind in (DELIVER, PROCESS)] == [True, False]


def test_a_ring_that_got_lost_within_the_worker_is_not_waited_for_for_ever() -> None:
    clock = Clock()
    waiting = Waiting(clock)
    assert waiting.add(DELIVER)
    clock.now += LONGEST_WAIT
    assert waiting.add(DELIVER)


@pytest.fixture
def followed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What is handed to Celery's own strategy, which would find a thread for it."""
    seen: list[tuple[Any, ...]] = []
    monkeypatch.setattr(strategy, "default", lambda *args, **options: lambda *message: seen.append(message))
    monkeypatch.setattr(rings, "waiting", Waiting())
    return seen


def _refuse(*args: object) -> None:
    raise AssertionError("a ring is not acknowledged")


def test_a_worker_follows_a_ring_and_acknowledges_nothing(followed: list[tuple[Any, ...]]) -> None:
    app.loader.import_default_modules()
    task = app.tasks[DELIVER]
    take = task.start_strategy(app, None)
    for number in range(3):
        take(number, None, _refuse, _refuse, [])
    ((message, _, ack, reject, _),) = followed
    assert message == 0
    ack(None, ())
    reject(None, (), False)
    rings.is_followed(sender=task)
    take(3, None, _refuse, _refuse, [])
    assert [message for message, *_ in followed] == [0, 3]
