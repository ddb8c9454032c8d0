"""G26: two beats do nothing twice, and a worker that is deaf is started again by its supervisor."""

import os
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from offers import transport
from offers.domain import Outcome, Verdict
from offers.management import supervisor
from offers.models import Attempt, FlexRequest, Message
from offers.services import gateway, queues, sql, trading
from tests import cast
from tests.cast import NOON

MESSAGES, ROUNDS, BEATS = 20, 4, 4
PAUSE = 0.005


def rung_by_many(everybody: cast.Cast, patch: pytest.MonkeyPatch) -> Counter[bytes]:
    """How often each message is posted when so many beats ring at once."""
    sent = Counter[bytes]()

    def post(endpoint: str, envelope: bytes, **options: Any) -> Outcome:
        sent[envelope] += 1
        return Outcome(Verdict.DELIVERED, "HTTP 200 OK", status=200)

    def beat() -> None:
        start.wait()
        for _ in range(ROUNDS):
            gateway.process(lambda: NOON)
            gateway.deliver(lambda: NOON, random.Random(1))
            gateway.expire(lambda: NOON)
        connection.close()

    patch.setattr(transport, "post", post)
    request = cast.send_request(everybody)
    cast.carry(cast.message_of(request), NOON)
    for _ in range(MESSAGES):
        trading.send_test(everybody.agr, everybody.dso, NOON)
    start = threading.Barrier(BEATS)
    threads = [threading.Thread(target=beat) for _ in range(BEATS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sent


@pytest.fixture
def pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look and the act, so that others look meanwhile."""
    look = queues.lanes

    def lanes(*args: Any) -> Any:
        found = look(*args)
        time.sleep(PAUSE)
        return found

    monkeypatch.setattr(queues, "lanes", lanes)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_g26_however_many_ring_each_message_has_one_effect(
    pause: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    everybody = cast.assemble()
    sent = rung_by_many(everybody, monkeypatch)
    doubled = sum(count - 1 for count in sent.values())
    print(f"lost {Message.objects.queued().count()}, doubled {doubled}")
    assert len(sent) == MESSAGES + 1 and doubled == 0  # the tests, and the answer to the request
    assert Attempt.objects.count() == MESSAGES + 1
    assert FlexRequest.objects.filter(owner=everybody.agr).count() == 1


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_g26_control_who_looks_and_then_takes_sends_twice(
    pause: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the lock of the counterparty nor the lease that only one can have."""

    def take(pk: int, attempts: int, token: str, unknown: bool, now: Any) -> bool:
        leased = {"lease_until": now + timedelta(seconds=45), "attempts": attempts}
        return bool(Message.objects.filter(pk=pk).update(lease_token=token, **leased))

    find, insert = sql.find, sql.insert
    monkeypatch.setattr(sql, "find", lambda *args, locked=False, **where: find(*args, **where))
    monkeypatch.setattr(queues, "lease", take)
    # the last wall: one attempt of each number
    monkeypatch.setattr(sql, "insert", lambda row: row if isinstance(row, Attempt) else insert(row))
    sent = rung_by_many(cast.assemble(), monkeypatch)
    assert sum(count - 1 for count in sent.values()) > 0


# --- the supervisor ---------------------------------------------------------------------------------------


@pytest.fixture
def child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(supervisor, "SILENT_AFTER", 0.4)
    plan = supervisor.Plan(
        url="",
        listener=os.open(os.devnull, os.O_RDONLY),
        commands={"worker": [sys.executable, "-c", "import time; time.sleep(60)"]},
        environment={},
        logs=str(tmp_path),
        banner="",
        heartbeats={"worker": str(tmp_path / "heartbeat")},
    )
    made = supervisor.Child("worker", plan)
    made.start(time.monotonic())
    yield made
    made.signal(9)


def cared_for(child: supervisor.Child, seconds: float, meanwhile: Callable[[], None]) -> list[str]:
    said: list[str] = []
    watcher = supervisor.Supervisor.__new__(supervisor.Supervisor)
    watcher.children, watcher.say, watcher.stopping = [child], said.append, 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        meanwhile()
        watcher._care_for(child, time.monotonic())
        time.sleep(0.02)
    return said


def test_g26_a_worker_that_does_nothing_is_ended_and_started_again(
    child: supervisor.Child, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert child.process is not None
    first = child.process.pid
    said = cared_for(child, 1.0, lambda: None)
    monkeypatch.setattr(supervisor, "SILENT_AFTER", 60.0)
    end = time.monotonic() + 30
    while (child.process is None or child.process.pid == first) and time.monotonic() < end:
        said += cared_for(child, 0.1, lambda: None)
    assert "has done nothing" in said[0] and "was killed by signal 9" in said[1]
    assert child.process is not None and child.process.pid != first


def test_g26_a_worker_that_works_is_left_alone(child: supervisor.Child, tmp_path: Path) -> None:
    file = tmp_path / "heartbeat"
    assert cared_for(child, 1.0, lambda: os.utime(file) if file.exists() else file.touch()) == []


def test_g26_a_child_without_a_heartbeat_is_never_deaf(child: supervisor.Child) -> None:
    child.heartbeat = ""
    assert cared_for(child, 1.0, lambda: None) == []
