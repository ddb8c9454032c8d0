"""G30: the limit of messages a minute holds over threads and processes, and for each address alone."""

import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from offers.models import Refusal
from offers.services import arrivals
from offers.transport import MESSAGE_PATH
from tests.cast import NOON

PROCESSES, THREADS = 4, 16
LIMIT = 40


@pytest.fixture(autouse=True)
def own_file(tmp_path: Path, settings: Settings) -> Iterator[None]:
    settings.STATE_DIR = tmp_path
    yield
    arrivals._deaf_until = 0


def crowd(count: Callable[[], int], results: "multiprocessing.Queue[list[int]]") -> None:
    """One process with many threads that all begin at the same moment."""
    arrivals._here.__dict__.clear()  # a connection does not survive a fork
    start = threading.Barrier(THREADS)
    numbers: list[int] = []

    def arrive() -> None:
        start.wait()
        numbers.append(count())

    threads = [threading.Thread(target=arrive) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    results.put(numbers)


def numbers_of_a_crowd(count: Callable[[], int]) -> list[int]:
    fork = multiprocessing.get_context("fork")
    results: multiprocessing.Queue[list[int]] = fork.Queue()
    processes = [fork.Process(target=crowd, args=(count, results)) for _ in range(PROCESSES)]
    for process in processes:
        process.start()
    found = [number for _ in processes for number in results.get(timeout=20)]
    for process in processes:
        process.join()
    return found


def passed(numbers: list[int]) -> int:
    return sum(number <= LIMIT for number in numbers)


def one_more() -> int:
    return arrivals.count("192.0.2.7", NOON)


def test_g30_of_64_at_once_exactly_as_many_pass_as_may(settings: Settings) -> None:
    settings.REDIS_URL = ""
    numbers = numbers_of_a_crowd(one_more)
    assert sorted(numbers) == list(range(1, PROCESSES * THREADS + 1))
    assert passed(numbers) == LIMIT


@pytest.mark.redis
def test_g30_of_64_at_once_exactly_as_many_pass_as_may_by_redis() -> None:
    cache.clear()
    numbers = numbers_of_a_crowd(one_more)
    assert sorted(numbers) == list(range(1, PROCESSES * THREADS + 1))


def test_g30_control_reading_and_then_writing_lets_more_pass(tmp_path: Path) -> None:
    file = tmp_path / "count"
    file.write_text("0")

    def naive() -> int:
        number = int(file.read_text() or 0) + 1
        time.sleep(0.001)
        file.write_text(str(number))
        return number

    assert passed(numbers_of_a_crowd(naive)) > LIMIT


def test_g30_each_address_has_its_own_count(settings: Settings) -> None:
    settings.REDIS_URL = ""
    assert [arrivals.count(f"192.0.2.{n}", NOON) for n in (1, 2, 1)] == [1, 1, 2]


def test_g30_a_new_minute_begins_anew(settings: Settings) -> None:
    settings.REDIS_URL = ""
    times = (NOON, NOON + timedelta(seconds=59), NOON + timedelta(seconds=60), NOON - timedelta(hours=1))
    assert [arrivals.count("192.0.2.1", at) for at in times] == [1, 2, 1, 1]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),  # whoever has one has the network
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("", "unknown", False),
    ],
)
def test_g30_what_counts_as_one_origin(one: str, other: str, same: bool) -> None:
    assert (arrivals.origin(one) == arrivals.origin(other)) is same


def test_g30_a_redis_that_fails_leaves_the_counting_to_the_file(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1"

    def silent(*args: object, **kwargs: object) -> None:
        asked.append(args)
        raise TimeoutError

    asked: list[object] = []
    monkeypatch.setattr(arrivals, "_redis", silent)
    assert [one_more(), one_more()] == [1, 2]
    assert len(asked) == 1  # it is left alone until the next minute


def test_g30_a_count_that_is_broken_stops_nobody(tmp_path: Path, settings: Settings) -> None:
    settings.REDIS_URL = ""
    (tmp_path / "arrivals.sqlite3").write_text("this is no database, and it is longer than a header of one")
    assert one_more() == 0


# --- at the door ----------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_g30_too_many_are_told_when_to_come_again_and_noted_once(settings: Settings, client: Client) -> None:
    settings.REDIS_URL, settings.MESSAGES_PER_MINUTE = "", 2
    codes = [client.post(MESSAGE_PATH, b"<x/>", content_type="text/xml") for _ in range(6)]
    assert [one.status_code for one in codes][-3:] == [429] * 3
    assert 0 < int(codes[-1]["Retry-After"]) <= 60
    assert Refusal.objects.filter(status=429).count() == 1


@pytest.mark.django_db
def test_g30_a_forged_header_locks_nobody_out(settings: Settings, client: Client) -> None:
    settings.REDIS_URL, settings.MESSAGES_PER_MINUTE = "", 2
    for _ in range(6):
        client.post(
            MESSAGE_PATH,
            b"<x/>",
            content_type="text/xml",
            REMOTE_ADDR="198.51.100.9",
            HTTP_X_FORWARDED_FOR="192.0.2.1",
        )
    honest = client.post(MESSAGE_PATH, b"<x/>", content_type="text/xml", REMOTE_ADDR="192.0.2.1")
    assert honest.status_code == 400
