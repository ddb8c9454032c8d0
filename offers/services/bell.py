"""The bell: tells a worker that something may be due. It may be lost, doubled or mute without harm."""

import logging
import os
import threading
import time
from collections.abc import Callable

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError
from kombu.pools import producers

from offers.crashpoints import crashpoint

from .away import REDIS_AWAY

log = logging.getLogger(__name__)

BROKER_AWAY: tuple[type[Exception], ...] = (OperationalError, *REDIS_AWAY)
DELIVER = "offers.tasks.deliver_due"
PROCESS = "offers.tasks.process_inbox"

QUIET_SECONDS = 5.0
WAIT = 0.5
BRIEF = {"socket_timeout": WAIT, "socket_connect_timeout": WAIT}
PAUSE = 0.1  # seconds in which many rings are one
_mute_until = 0.0


def ring_on_commit(task: str) -> None:
    """Ring once the surrounding transaction is committed; the row that is due is then visible to a worker."""
    # robust: a bell that cannot ring never fails the request that rang it. A lambda, not a partial,
    # because Django 5.2 reads __qualname__ of a robust callback that failed.
    transaction.on_commit(lambda: ring(task), robust=True)


class _Ringer:
    """Rings in a thread of its own: nobody waits for the broker, and under load many rings are one."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.wanted: set[str] = set()
        self.thread: threading.Thread | None = None

    def ask(self, task: str) -> None:
        with self.changed:
            self.wanted.add(task)
            if self.thread is None:
                self.thread = threading.Thread(target=self._run, name="bell", daemon=True)
                self.thread.start()
            self.changed.notify()

    def _run(self) -> None:
        while True:
            with self.changed:
                self.changed.wait_for(lambda: self.wanted)
                tasks, self.wanted = self.wanted, set()
            for task in tasks:
                ring_now(task)
            time.sleep(PAUSE)


_ringer = _Ringer()
os.register_at_fork(after_in_child=_ringer.__init__)  # type: ignore[misc]  # a child has no such thread
# A child that is forked in the middle of a ring would wait for ever for what the ringing thread held.
_sending = threading.Lock()
os.register_at_fork(
    before=_sending.acquire, after_in_parent=_sending.release, after_in_child=_sending.release
)


def ring(task: str) -> None:
    """Have the bell rung, now or within PAUSE. What a process that ends did not ring, beat will."""
    _ringer.ask(task)


def ring_now(task: str, monotonic: Callable[[], float] = time.monotonic) -> None:
    """Send the task without arguments. A broker that is down is left alone for a while: beat rings, too."""
    global _mute_until
    if monotonic() < _mute_until:
        return
    crashpoint("bell.before_ring")
    try:
        with _sending:
            _send(task)
        crashpoint("bell.after_ring")
    except BROKER_AWAY as error:
        _mute_until = monotonic() + QUIET_SECONDS
        log.warning("The broker does not take the bell %s; beat will ring later: %s", task, error)


def _send(task: str) -> None:
    """Over a connection that gives up soon: a broker that hangs must not hold whoever rings."""
    connection = current_app.connection_for_write(transport_options=BRIEF)
    with producers[connection].acquire(block=True, timeout=WAIT) as producer:
        current_app.send_task(task, ignore_result=True, retry=False, producer=producer)
