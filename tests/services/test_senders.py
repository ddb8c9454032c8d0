"""G11 with many that hang: threads are left that process what comes in, and that send to the others.

A post that hangs is one in which all the other threads of the worker do their work, one inside the other.
"""

import random
from collections.abc import Iterator

import pytest
from django.conf import settings

from offers import transport
from offers.domain import Outcome, Verdict
from offers.models import Participant
from offers.services import gateway, outbox, trading
from tests import cast
from tests.cast import NOON, Cast

pytestmark = pytest.mark.django_db

OK = Outcome(Verdict.DELIVERED, "HTTP 200 OK", status=200)
SILENT = Outcome(Verdict.TEMPORARY, "no answer in time; it may have arrived", unknown=True)


class Worker:
    """Its posts to those that hang end only when every other thread has done what it could."""

    def __init__(self) -> None:
        self.hanging: list[str] = []
        self.hung: list[int] = []  # how many hung at once, each time that one more did
        self.answered: list[tuple[str, int]] = []  # who took a message, and how many hung meanwhile

    def post(self, endpoint: str, envelope: bytes, **options: bool) -> Outcome:
        if "hangs" not in endpoint:
            self.answered.append((endpoint, len(self.hanging)))
            return OK
        self.hanging.append(endpoint)
        self.hung.append(len(self.hanging))
        self.another_thread()
        self.hanging.remove(endpoint)
        return SILENT

    def another_thread(self) -> None:
        gateway.deliver(lambda: NOON, random.Random(1))


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    worker = Worker()
    monkeypatch.setattr(transport, "post", worker.post)
    yield worker
    assert not worker.hanging


def _message_to(everybody: Cast, host: str, failing: bool) -> None:
    party = cast.participant(f"{host}.example", "AGR", host)
    party.endpoint, party.failing_since = f"https://{host}.example/", NOON if failing else None
    party.save(update_fields=["endpoint", "failing_since"])
    trading.send_test(everybody.dso, party, NOON)


def test_g11_of_many_that_fail_a_few_are_tried_at_once_and_the_others_are_sent_to(
    everybody: Cast, worker: Worker
) -> None:
    for n in range(10):
        _message_to(everybody, f"hangs-{n}", failing=True)
    _message_to(everybody, "healthy", failing=False)
    worker.another_thread()
    assert worker.answered == [("https://healthy.example/", 3)]
    assert max(worker.hung) == 3 and len(worker.hung) == 10  # all of them are tried, one after the other


def test_g11_of_many_that_begin_to_hang_not_all_threads_wait(everybody: Cast, worker: Worker) -> None:
    for n in range(20):
        _message_to(everybody, f"hangs-{n}", failing=False)
    worker.another_thread()
    assert max(worker.hung) == 6 < settings.CELERY_WORKER_CONCURRENCY
    assert len(worker.hung) == Participant.objects.exclude(failing_since=None).count() == 20


def test_g11_control_without_slots_all_threads_wait(
    everybody: Cast, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SENDERS", "SENDERS_TO_FAILING"):
        monkeypatch.setattr(outbox, name, outbox.Slots(1000))
    for n in range(10):
        _message_to(everybody, f"hangs-{n}", failing=True)
    _message_to(everybody, "healthy", failing=False)
    worker.another_thread()
    assert worker.answered == [("https://healthy.example/", 10)] and max(worker.hung) == 10
