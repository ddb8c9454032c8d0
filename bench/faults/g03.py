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

from . import town
from .verdict import judge

FLUSH_SECONDS = 2.0
SETTLE_SECONDS = 600.0


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
    parser.add_argument("--weak", choices=["deaf"], default="", help="a control: must fail")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    alone = without(given.weak)
    print(f"without any broker: {alone} of 5 messages delivered", flush=True)
    if given.weak:
        return 0 if alone == 5 else 1
    found = run(given.conversations, given.frozen)
    head = f"{found['flushes']} flushes, {given.frozen:.0f} s frozen, {found['without_redis']} without Redis"
    print(f"{head}, {found['seconds']} s\n{found.pop('text')}")
    if given.json:
        print(json.dumps(found))
    return (
        0
        if alone == 5 and found["finished"] and not found["lost"] + found["doubled"] + found["unexpected"]
        else 1
    )


if __name__ == "__main__":
    raise SystemExit(main())
