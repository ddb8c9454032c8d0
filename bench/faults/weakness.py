"""What the portal must not be like: each of these breaks a promise, and the fault programs must notice."""

import os
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from django.apps import AppConfig

BUSY_SECONDS = 0.1
COLLIDING_SHARE, CROSSING_SECONDS = 0.3, 0.01


class Weakness(AppConfig):
    name = "bench.faults"
    label = "weakness"

    def ready(self) -> None:
        for name in os.environ["WEAK"].split(","):
            WEAKNESSES[name]()


def memory() -> None:
    """Say 200, then store and process in a pool of threads, as the reference library in Python does."""
    from offers.services import inbox

    pool = ThreadPoolExecutor(4)
    store = inbox.receive

    def later(body: bytes, address: str, now: datetime) -> None:
        time.sleep(BUSY_SECONDS)
        inbox.process_one(store(body, address, now).pk, now)

    inbox.receive = lambda *args: pool.submit(later, *args)  # type: ignore[assignment,return-value]


def naive() -> None:
    """Look, then act: no transaction and no lock around the processing of a message."""
    from django.db.models import QuerySet

    from offers.services import inbox, queues, sql

    QuerySet.select_for_update = lambda self, **options: self  # type: ignore[method-assign,assignment]
    find = sql.find
    sql.find = lambda *args, locked=False, **where: find(*args, **where)
    queues.SKIP_LOCKED = ""
    inbox._take_and_process = inbox._take_and_process.__wrapped__  # type: ignore[attr-defined]


def nothing() -> None:
    """Only the database is weaker."""


def unfenced() -> None:
    """Whoever ends an attempt writes down how the message stands, whose turn it may be by now."""
    from offers.services import outbox

    settle = outbox._settle

    def trusting(row: Any, outcome: Any, now: datetime, next_at: datetime) -> bool:
        done = settle(row, outcome, now, next_at)
        type(row).objects.filter(pk=row.pk).update(state="delivered", state_at=now)
        return done

    outbox._settle = trusting


def uncapped() -> None:
    """One counterparty may have all threads of all workers."""
    from offers.services import outbox

    outbox.PER_COUNTERPARTY = outbox.PER_FAILING_COUNTERPARTY = 1000
    outbox.SENDERS = outbox.SENDERS_TO_FAILING = outbox.Slots(1000)


def deaf() -> None:
    """A worker that does nothing unless the broker rings."""
    from flexportal.celery import Sweeper

    Sweeper.EVERY = 1e6


def brisk() -> None:
    """No weakness: a worker looks by itself after two seconds without a ring, so that a run may be short."""
    from flexportal.celery import Sweeper

    Sweeper.EVERY = 1.0


def waiting() -> None:
    """Whoever commits rings himself, as long as the broker lets him wait, and again the next time."""
    from offers.services import bell

    bell.ring, bell.QUIET_SECONDS = bell.ring_now, 0.0
    bell.BRIEF.update(socket_timeout=2.0, socket_connect_timeout=2.0)


def owing() -> None:
    """A worker that acknowledges each ring when it has followed it; weak.py has the settings for it."""
    from flexportal import rings

    rings.Ring.Strategy = "celery.worker.strategy:default"


def mute() -> None:
    """Nobody rings when a message is committed; it goes out when beat comes round."""
    from offers.services import bell

    bell.ring_now = lambda task: None  # type: ignore[assignment]


def colliding() -> None:
    """No weakness: some transactions take two more locks in either order, and some of these deadlock."""
    from django.db import connection, transaction

    from offers.services import atomic

    @contextmanager
    def crossing() -> Iterator[None]:
        outer = not connection.in_atomic_block
        with transaction.atomic():
            if outer and random.random() < COLLIDING_SHARE:
                with connection.cursor() as cursor:
                    cursor.execute("SET LOCAL deadlock_timeout = '20ms'")
                    for lock in random.sample((1, 2), 2):
                        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [lock])
                        time.sleep(CROSSING_SECONDS)
            yield

    atomic.transaction = SimpleNamespace(atomic=crossing)  # type: ignore[assignment]


def once() -> None:
    """A transaction that the database ended for the sake of another one is not run again."""
    from offers.services import atomic

    atomic.collided = lambda error: False


def wrong_clock() -> None:
    """The clock of the machine runs ahead by the seconds that a file says."""
    from django.conf import settings
    from django.utils import timezone

    file, right = Path(settings.STATE_DIR) / "clock", timezone.now
    timezone.now = lambda: right() + timedelta(seconds=int(file.read_text()))


def timeless() -> None:
    """What a clock that ran ahead has written counts until that time comes again."""
    from offers.services import queues, recovery

    recovery.clock_was_set_back = lambda now: 0
    for name in ("WANTING", "LANES", "OLDEST", "LEASE"):
        statement = getattr(queues, name)
        assert queues.LEASED in statement
        setattr(queues, name, statement.replace(queues.LEASED, "message.lease_until > %(now)s"))


WEAKNESSES: dict[str, Callable[[], None]] = {
    "memory": memory,
    "naive": naive,
    "forgetful": nothing,
    "unfenced": unfenced,
    "uncapped": uncapped,
    "deaf": deaf,
    "brisk": brisk,
    "waiting": waiting,
    "mute": mute,
    "owing": owing,
    "colliding": colliding,
    "once": once,
    "wrong_clock": wrong_clock,
    "timeless": timeless,
}
