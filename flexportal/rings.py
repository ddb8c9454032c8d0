"""How a worker takes a ring of the bell: it owes the broker nothing for it, and has one of a kind waiting.

A ring says no more than "look": what is due stands in the database, and a ring may be lost. So nothing is
acknowledged. Celery lets a worker have eight messages that are not acknowledged yet; an acknowledgement that
fails because Redis died is never made up for, and kombu does not look at the connection of a worker that has
eight of them: it would be deaf until it is started again.

Instead, while one ring waits for a thread, others of its kind are dropped: it will see what they were rung
for. So a worker never has more of them than it can follow.
"""

import threading
import time
from collections.abc import Callable
from typing import Any

from celery import Task, signals
from celery.worker import strategy

LONGEST_WAIT = 5.0  # seconds; then it may have got lost within the worker, and beat has rung again


class Waiting:
    """Since when a ring of each kind waits for a thread."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._lock = threading.Lock()
        self._since: dict[str, float] = {}
        self._monotonic = monotonic

    def add(self, kind: str) -> bool:
        """Let a ring wait; False when one does already."""
        now = self._monotonic()
        with self._lock:
            if now - self._since.get(kind, -LONGEST_WAIT) < LONGEST_WAIT:
                return False
            self._since[kind] = now
            return True

    def is_followed(self, kind: str) -> None:
        """A thread begins to look: whatever is rung from now on, it may miss."""
        with self._lock:
            self._since.pop(kind, None)


waiting = Waiting()


class Ring(Task[Any, Any]):
    """A task that a worker takes as a ring."""

    Strategy = "flexportal.rings:take"


def take(task: Any, app: Any, consumer: Any, **options: Any) -> Callable[..., None]:
    """What Celery's own strategy does with a message, for at most one of a kind; nothing is acknowledged."""
    follow = strategy.default(task, app, consumer, **options)

    def take_one(message: Any, body: Any, ack: Any, reject: Any, callbacks: Any, **more: Any) -> None:
        if waiting.add(task.name):
            follow(message, body, _nothing, _nothing, callbacks, **more)

    return take_one


def _nothing(*args: Any) -> None:
    """Nothing is owed, and so nothing is to be given back."""


@signals.task_prerun.connect
def is_followed(sender: Any, **kwargs: Any) -> None:
    waiting.is_followed(sender.name)
