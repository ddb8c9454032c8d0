"""G17: transactions that collide wait for each other or run again; nobody is shown a deadlock."""

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from django.db import OperationalError, close_old_connections, connection, transaction

from offers.models import FlexRequest, Message, Participant
from offers.services import atomic, inbox
from tests import cast
from tests.cast import NOON, Cast

WAITS = 10.0


class Collision(Exception):
    """What the driver says beneath Django's error."""

    def __init__(self, sqlstate: str) -> None:
        self.sqlstate = sqlstate


def colliding(times: int, sqlstate: str = atomic.DEADLOCK) -> Callable[[], int]:
    calls = []

    @atomic.atomic
    def verb() -> int:
        calls.append(1)
        if len(calls) <= times:
            raise OperationalError("deadlock detected") from Collision(sqlstate)
        return len(calls)

    return verb


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("sqlstate", [atomic.DEADLOCK, atomic.SERIALIZATION_FAILURE])
def test_g17_a_verb_that_collides_runs_again(sqlstate: str) -> None:
    assert colliding(atomic.TRIES - 1, sqlstate)() == atomic.TRIES


@pytest.mark.django_db(transaction=True)
def test_g17_it_is_not_tried_for_ever() -> None:
    with pytest.raises(OperationalError):
        colliding(atomic.TRIES)()


@pytest.mark.django_db(transaction=True)
def test_g17_a_database_that_is_away_is_not_tried_again() -> None:
    with pytest.raises(OperationalError):
        colliding(1, "57P01")()


@pytest.mark.django_db(transaction=True)
def test_g17_inside_another_transaction_the_outer_one_has_to_run_again() -> None:
    with pytest.raises(OperationalError), transaction.atomic():
        colliding(1)()


# --- with real rows and locks --------------------------------------------------------------------------


def together(*verbs: Callable[[], object]) -> list[BaseException]:
    """Run them at once, each with a connection of its own; what they raised."""
    raised: list[BaseException] = []

    def run(verb: Callable[[], object]) -> None:
        try:
            verb()
        except BaseException as error:
            raised.append(error)
        finally:
            close_old_connections()
            connection.close()

    threads = [threading.Thread(target=run, args=(verb,)) for verb in verbs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAITS)
    assert not any(thread.is_alive() for thread in threads), "they wait for each other"
    return raised


@pytest.fixture
def stage(transactional_db: None) -> Cast:
    return cast.assemble()


def crossing(participants: list[Participant], both: threading.Barrier) -> Callable[[], None]:
    """Locks two rows, the second one only when the other thread has its first one."""

    def verb() -> None:
        for row in participants:
            atomic.locked(Participant.objects.filter(pk=row.pk)).get()
            try:
                both.wait(0.5)
            except threading.BrokenBarrierError:
                pass  # the second try of the one that lost

    return verb


@pytest.mark.postgres
def test_g17_of_two_that_deadlock_both_get_through(stage: Cast) -> None:
    both = threading.Barrier(2)
    one, other = [stage.agr, stage.dso], [stage.dso, stage.agr]
    assert together(*(atomic.atomic(crossing(rows, both)) for rows in (one, other))) == []


@pytest.mark.postgres
def test_g17_control_without_running_again_one_of_them_fails(stage: Cast) -> None:
    both = threading.Barrier(2)
    one, other = [stage.agr, stage.dso], [stage.dso, stage.agr]
    raised = together(*(transaction.atomic(crossing(rows, both)) for rows in (one, other)))
    assert len(raised) == 1 and "deadlock detected" in str(raised[0])


def waits_for_a_lock(count: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0] >= count)


def when(condition: Callable[[], bool]) -> None:
    for _ in range(200):
        if condition():
            return
        threading.Event().wait(0.02)
    raise AssertionError("it never came to that")


@pytest.fixture
def without_retries(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(atomic, "collided", lambda error: False)
    yield


def three_revisions(stage: Cast) -> tuple[list[FlexRequest], list[Message]]:
    """The DSO's requests for one day, oldest first, and the answers to the last two, not yet processed."""
    rows, answers = [], []
    for minutes in range(3):
        now = NOON + timedelta(minutes=minutes)
        rows.append(cast.send_request(stage, now))
        cast.carry(cast.message_of(rows[-1]), now)
        inbox.process_due(lambda now=now: now)
        answers.append(Message.objects.filter(owner=stage.agr, type="FlexRequestResponse").latest("pk"))
    return rows, [inbox.receive(bytes(row.sealed or b""), "127.0.0.1", now) for row in answers[1:]]


@pytest.mark.postgres
def test_g17_two_answers_at_once_do_not_deadlock(stage: Cast, without_retries: None) -> None:
    """The later answer has its own request and waits for the oldest, the earlier one its own likewise."""
    rows, (earlier, later) = three_revisions(stage)
    now: datetime = NOON + timedelta(minutes=5)
    raised: list[BaseException] = []
    with transaction.atomic():
        atomic.locked(FlexRequest.objects.filter(pk=rows[0].pk)).get()
        threads = []
        for number, message in enumerate((later, earlier), 1):
            verbs = [lambda pk=message.pk: inbox.process_one(pk, now)]
            thread = threading.Thread(target=lambda verbs=verbs: raised.extend(together(*verbs)))
            thread.start()
            threads.append(thread)
            when(lambda number=number: waits_for_a_lock(number))
    for thread in threads:
        thread.join(WAITS)
    assert raised == []
    states = [FlexRequest.objects.get(pk=row.pk).state for row in rows]
    assert states == ["superseded", "superseded", "accepted"]
