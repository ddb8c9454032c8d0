"""G03: the broker is disposable. Redis is flushed every two seconds, then frozen, then gone for good.

python -m bench.faults.g03 --conversations 2000 --frozen 60
"""

import argparse
import contextlib
import json
import signal
import time
from collections.abc import Iterator
from typing import Any

import psycopg
from redis import Redis, RedisError

from . import peer, town
from .verdict import judge

FLUSH_SECONDS = 2.0
SETTLE_SECONDS = 600.0
WEAK_SETTLE_SECONDS = 30.0
LOST_RING_WITHIN = 30.0
DOOR_POSTS, DOOR_P99_BELOW = 200, 0.5  # seconds
BUSY_SECONDS = 2.0
RINGS = 10  # more than a worker has threads


def run(
    conversations: int,
    frozen: float,
    window: int = 60,
    *,
    flush_every: float = FLUSH_SECONDS,
    weak: str = "",
    patience: float = SETTLE_SECONDS,
) -> dict[str, Any]:
    """A third of the conversations under each fault, one after the other."""
    third = conversations // 3
    with town.town("postgresql", conversations, settings=town.weakened(weak)) as place:
        started = time.monotonic()
        place.trade(third, window)
        flushes = _flush_until(place, third, flush_every, patience)
        while_frozen = _freeze(place, 2 * third, frozen, window)
        place.wait(lambda: place.closed >= 2 * third, patience)
        place.stop_redis()
        before = place.closed
        place.trade(conversations, window)
        finished = place.finish(conversations, patience)
        seconds = time.monotonic() - started
        found = judge(*(place.reports()[role] for role in ("DSO", "AGR")), conversations)
    return {
        "finished": finished,
        "seconds": round(seconds, 1),
        "flushes": flushes,
        "while_frozen": while_frozen,
        "without_redis": found.closed - before,
        "text": str(found),
        **found.numbers(),
    }


def held(found: dict[str, Any]) -> bool:
    """Whether trade went on to its end under each of the three faults, which were all there."""
    harmed = found["lost"] + found["doubled"] + found["unexpected"]
    bitten = found["flushes"] > 0 and found["while_frozen"] > 0 and found["without_redis"] > 0
    return bool(found["finished"] and bitten and not harmed)


def _freeze(place: town.Town, conversations: int, seconds: float, window: int) -> int:
    """How many conversations are closed while Redis takes connections and says nothing."""
    assert place.redis is not None
    place.redis.kill(signal.SIGSTOP)
    before = place.closed
    place.trade(conversations, window)
    place.wait(lambda: False, seconds)
    closed = max(0, place.closed - before)  # who trades says nothing in its first moment
    place.redis.kill(signal.SIGCONT)
    return closed


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


def ring_lost(place: town.Hamlet, within: float) -> bool:
    """Whether a message is delivered whose ring was flushed away before the worker could hear it."""
    worker = place.dso.processes["worker"]
    worker.kill(signal.SIGSTOP)
    place.dso.side("ring", 1)  # the first one may go to the worker, who waits for it; it is about the inbox
    before, rung = len(place.agr.taken), _unheard(place.dso)
    place.queue(1)
    assert place.place.wait(lambda: _unheard(place.dso) > rung, town.READY_WITHIN), "nobody rang"
    flushed = _flush(place.dso)
    worker.kill(signal.SIGCONT)
    return flushed and place.place.wait(lambda: len(place.agr.taken) > before, within)


def door(place: town.Hamlet, posts: int) -> dict[str, float]:
    """How long the endpoint takes for its 200 while Redis is frozen, and then while there is none: p99."""
    found = {"frozen": frozen_door(place, posts)}
    place.place.stop_redis()
    return {**found, "absent": _slowest(place, posts)}


def frozen_door(place: town.Hamlet, posts: int) -> float:
    redis = place.place.redis
    assert redis is not None
    redis.kill(signal.SIGSTOP)
    slowest = _slowest(place, posts)
    redis.kill(signal.SIGCONT)
    return slowest


def _slowest(place: town.Hamlet, posts: int) -> float:
    """The p99 of so many posts, one after the other; for ever, if one of them is not taken."""
    took = []
    for _ in range(posts):
        body, started = place.agr.sealed(place.agr.offer()), time.monotonic()
        status = peer.post(place.dso.endpoint, body)
        took.append(time.monotonic() - started if status == 200 else float("inf"))
    return sorted(took)[int(posts * 0.99)]


def _flush_until(place: town.Town, closed: int, every: float, patience: float) -> int:
    count, end = 0, time.monotonic() + patience
    while not place.wait(lambda: place.closed >= closed, every) and time.monotonic() < end:
        count += _flush(place.sides["DSO"])
    return count


def _flush(side: town.Installation) -> bool:
    """Whether everything in Redis is gone; it may just be dead."""
    with contextlib.suppress(RedisError), Redis.from_url(side.environment["REDIS_URL"]) as redis:
        return bool(redis.flushall())
    return False


def hamlets(weak: str) -> Iterator[tuple[str, bool]]:
    """The faults that one installation shows: what each shows, and whether it held."""
    hears = hears_again(weak)
    yield f"after the death of Redis the worker {'hears again' if hears else 'is deaf'}", hears
    alone = without(weak)
    yield f"without any broker: {alone} of 5 messages delivered", alone == 5
    with town.hamlet("postgresql", beats=0, settings=town.weakened(weak)) as place:
        place.queue(1)
        assert place.place.wait(lambda: bool(place.agr.taken), town.READY_WITHIN), "the worker heard nothing"
        found = ring_lost(place, LOST_RING_WITHIN)
        yield f"a message whose ring was flushed away {'goes out' if found else 'stays'}", found
        slowest = door(place, DOOR_POSTS)
        text = ", ".join(f"{name} {seconds:.3f} s" for name, seconds in slowest.items())
        yield f"the endpoint's p99 with Redis {text}", max(slowest.values()) < DOOR_P99_BELOW


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=90)
    parser.add_argument("--frozen", type=float, default=60.0, help="for how many seconds Redis is frozen")
    parser.add_argument(
        "--weak", choices=["deaf", "owing", "waiting"], default="", help="a control: must fail"
    )
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    good = True
    for text, fine in hamlets(given.weak):
        print(text, flush=True)
        good = good and fine
    patience = WEAK_SETTLE_SECONDS if given.weak else SETTLE_SECONDS
    found = run(given.conversations, given.frozen, weak=given.weak, patience=patience)
    head = (
        f"{found['flushes']} flushes, {given.frozen:.0f} s frozen ({found['while_frozen']} closed meanwhile)"
    )
    print(f"{head}, {found['without_redis']} without Redis, {found['seconds']} s\n{found['text']}")
    good = good and held(found)
    if given.json:
        print(json.dumps({**found, "held": good}))
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
