"""The broker that needs no server: of many processes one gets each message, and none is lost on its way."""

import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from kombu import Connection
from kombu.simple import SimpleQueue

from flexportal.broker import Spool
from flexportal.celery import app

PUBLISHERS, CONSUMERS, EACH = 3, 3, 300
processes = multiprocessing.get_context("fork")


def publish(folder: Path, name: int) -> None:
    spool = Spool(folder)
    for number in range(EACH):
        spool.put("celery", f"{name}-{number}")


def consume(folder: Path, seen: Path, until: int) -> None:
    """Write down each message in a file of our own; stop when all of us together have seen them all."""
    spool = Spool(folder)
    deadline = time.monotonic() + 60
    with (seen / str(os.getpid())).open("a") as mine:
        while time.monotonic() < deadline and len(lines(seen)) < until:
            text = spool.take("celery")
            if text is not None:
                mine.write(text + "\n")
                mine.flush()
    spool.close()


def lines(seen: Path) -> list[str]:
    return [line for path in seen.iterdir() for line in path.read_text().splitlines()]


def test_messages_of_many_processes_arrive_once_each(tmp_path: Path) -> None:
    folder, seen = tmp_path / "broker", tmp_path / "seen"
    seen.mkdir()
    started = [processes.Process(target=publish, args=(folder, name)) for name in range(PUBLISHERS)]
    started += [
        processes.Process(target=consume, args=(folder, seen, PUBLISHERS * EACH)) for _ in range(CONSUMERS)
    ]
    for process in started:
        process.start()
    for process in started:
        process.join(90)
    assert [process.exitcode for process in started] == [0] * len(started)
    expected = Counter(f"{name}-{number}" for name in range(PUBLISHERS) for number in range(EACH))
    assert Counter(lines(seen)) == expected


def test_the_oldest_message_comes_first(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    for text in ("one", "two", "three"):
        spool.put("celery", text)
    assert [spool.take("celery") for _ in range(4)] == ["one", "two", "three", None]


def test_a_queue_is_not_served_from_another(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.put("celery.other/..", "for the other one")
    assert spool.take("celery") is None
    assert spool.size("celery.other/..") == 1


def test_a_publisher_whose_disk_is_full_leaves_nothing_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> None:
        assert spool.size("celery") == 0, "what is not complete is not seen"
        raise OSError(28, "No space left on device")

    spool = Spool(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", full)
        with pytest.raises(OSError, match="No space left"):
            spool.put("celery", "lost with an error")
    assert spool.take("celery") is None
    assert list((tmp_path / "queues/q-celery").iterdir()) == []


class Kombu:
    """Opens queues on one folder, and closes them."""

    def __init__(self, folder: Path) -> None:
        options = {"folder": str(folder)}
        self.connections = [Connection("atomicfs://", transport_options=options) for _ in range(3)]
        self.unused = iter(self.connections)

    def open(self) -> SimpleQueue:
        return next(self.unused).SimpleQueue("celery")


@pytest.fixture
def kombu(tmp_path: Path) -> Iterator[Kombu]:
    assert app.main == "flexportal"  # which made the transport known
    opened = Kombu(tmp_path)
    yield opened
    for connection in opened.connections:
        connection.close()


def test_kombu_gives_a_message_out_once(kombu: Kombu) -> None:
    sender = kombu.open()
    sender.put({"n": 1})
    sender.put({"n": 2})
    first, second = kombu.open(), kombu.open()
    assert first.get(timeout=5).payload == {"n": 1}
    assert second.get(timeout=5).payload == {"n": 2}
    assert sender.qsize() == 0


def test_a_consumer_that_closes_gives_back_what_it_did_not_acknowledge(kombu: Kombu) -> None:
    kombu.open().put({"n": 1})
    receiver = kombu.open()
    receiver.get(timeout=5)
    receiver.channel.close()
    assert kombu.open().get(timeout=5).payload == {"n": 1}


def test_a_rejected_message_goes_back_only_when_asked_for(kombu: Kombu) -> None:
    both = kombu.open()
    both.put({"n": 1})
    both.get(timeout=5).requeue()
    assert both.qsize() == 1
    both.get(timeout=5).reject()
    assert both.qsize() == 0


def test_an_unreadable_message_is_dropped_and_the_next_one_served(kombu: Kombu, tmp_path: Path) -> None:
    Spool(tmp_path).put("celery", "")
    receiver = kombu.open()
    receiver.put({"n": 1})
    message = receiver.get(timeout=5)
    assert message.payload == {"n": 1}
    message.ack()
