"""G03: the broker is disposable. Redis is flushed every two seconds, then frozen, then gone for good.

python -m bench.faults.g03 --conversations 2000 --frozen 60
"""

import argparse
import contextlib
import json
import signal
import socket
import threading
import time
from typing import Any

import psycopg
from redis import Redis

from . import town
from .verdict import judge

FLUSH_SECONDS = 2.0
SETTLE_SECONDS = 600.0
BUSY_SECONDS = 2.0
RINGS = 10  # more than a worker has threads


def run(conversations: int, frozen: float, window: int = 60) -> dict[str, Any]:
    """A third of the conversations under each fault, one after the other."""
    third = conversations // 3
    with town.town("postgresql", conversations) as place:
        redis = place.redis
        assert redis is not None
        started = time.monotonic()
        place.trade(third, window)
        flushes = _flush_until(place, third)
        redis.kill(signal.SIGSTOP)
        place.trade(2 * third, window)
        place.wait(lambda: False, frozen)
        redis.kill(signal.SIGCONT)
        place.wait(lambda: place.closed >= 2 * third, SETTLE_SECONDS)
        place.stop_redis()
        before = place.closed
        place.trade(conversations, window)
        finished = place.finish(conversations, SETTLE_SECONDS)
        seconds = time.monotonic() - started
        found = judge(*(place.reports()[role] for role in ("DSO", "AGR")), conversations)
    return {
        "finished": finished,
        "seconds": round(seconds, 1),
        "flushes": flushes,
        "without_redis": conversations - before,
        "text": str(found),
        **found.numbers(),
    }


def without(weak: str = "", messages: int = 5, within: float = 120.0) -> int:
    """How many of these messages are delivered where there is no broker at all, not even at the start."""
    with town.hamlet("postgresql", settings=town.weakened(weak), before_start=town.Town.stop_redis) as place:
        place.queue(messages)
        place.place.wait(lambda: len(place.agr.taken) >= messages, within)
        return len(place.agr.taken)


def hears_again(weak: str = "", within: float = 40.0) -> bool:
    """Whether a worker hears the bell when Redis is back, which died while all threads of it were busy."""
    with town.hamlet("postgresql", settings=town.weakened(weak)) as place:
        redis = place.place.redis
        assert redis is not None
        place.queue(1)
        assert place.place.wait(lambda: bool(place.agr.taken), town.READY_WITHIN), "the worker heard nothing"
        with psycopg.connect(place.dso.environment["DATABASE_URL"]) as lock:
            lock.execute("LOCK TABLE offers_heartbeat")  # where each sweep looks first
            place.dso.side("ring", RINGS)
            place.place.wait(lambda: False, BUSY_SECONDS)
            starts = redis.starts
            redis.kill()
        assert place.place.wait(lambda: redis.starts > starts, town.READY_WITHIN), "Redis stays away"
        place.place.wait(lambda: False, BUSY_SECONDS)
        place.dso.side("ring", 1)
        return place.place.wait(lambda: _unheard(place.dso) == 0, within)


def _unheard(side: town.Installation) -> int:
    """How many rings nobody has taken. Where a worker is deaf, beat adds some every five seconds."""
    with Redis.from_url(side.environment["REDIS_URL"]) as redis:
        return int(redis.llen("flexportal.celery"))  # type: ignore[arg-type]  # it is no coroutine


def _flush_until(place: town.Town, closed: int) -> int:
    done = threading.Event()
    count = 0
    while not place.wait(lambda: done.is_set() or place.closed >= closed, FLUSH_SECONDS):
        _flush(place)
        count += 1
    return count


def _flush(place: town.Town) -> None:
    url = place.sides["DSO"].environment["REDIS_URL"]
    port = int(url.rpartition(":")[2].partition("/")[0])
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 2) as redis:
        redis.sendall(b"FLUSHALL\r\n")
        redis.recv(16)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=90)
    parser.add_argument("--frozen", type=float, default=6.0, help="for how many seconds Redis is frozen")
    parser.add_argument("--weak", choices=["deaf", "owing"], default="", help="a control: must fail")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    hears = hears_again(given.weak)
    print(f"after the death of Redis the worker {'hears again' if hears else 'is deaf'}", flush=True)
    alone = without(given.weak)
    print(f"without any broker: {alone} of 5 messages delivered", flush=True)
    if given.weak:
        return 0 if alone == 5 and hears else 1
    found = run(given.conversations, given.frozen)
    head = f"{found['flushes']} flushes, {given.frozen:.0f} s frozen, {found['without_redis']} without Redis"
    print(f"{head}, {found['seconds']} s\n{found.pop('text')}")
    if given.json:
        print(json.dumps(found))
    harmed = found["lost"] + found["doubled"] + found["unexpected"]
    return 0 if alone == 5 and hears and found["finished"] and not harmed else 1


if __name__ == "__main__":
    raise SystemExit(main())
