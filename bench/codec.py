"""Envelope bytes to a verified, schema-checked FlexOffer and back: ours, the official library, and the floor.

Run as `python -m bench.codec`. The library runs in .venv-interop with its logging off, in the same run: all
sides take turns, round by round, so that a busy machine is busy for each of them. The floor is what no reader
in Python can go below: lxml parses, libsodium verifies, lxml parses what was sealed and applies the schema.
"""

import base64
import json
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lxml import etree
from nacl.bindings import crypto_sign_open

from bench import report, wire
from offers import uftp
from offers.uftp import seal

HERE = Path(__file__).parent
LIBRARY = HERE.parent / ".venv-interop/bin/python"
ROUNDS, ROUND_SECONDS = 60, 0.02

Round = Callable[[], float]  # plays one round and says how many seconds one operation took


@contextmanager
def library() -> Iterator[Callable[..., float]]:
    """The official library in a process of its own: asked by a line of JSON, it answers with seconds."""
    command = [str(LIBRARY), str(HERE / "library_codec.py")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        asked, said = process.stdin, process.stdout

        def ask(**order: Any) -> float:
            asked.write(json.dumps(order) + "\n")
            asked.flush()
            return float(said.readline())

        try:
            yield ask
        finally:
            asked.close()
            process.wait(10)


def timed(work: Callable[[], Any], seconds: float) -> float:
    """Seconds per call, from as many calls as fit."""
    work()
    calls, started = 0, time.perf_counter()
    while (taken := time.perf_counter() - started) < seconds:
        work()
        calls += 1
    return taken / calls


def floor(envelope: bytes, public: bytes) -> None:
    outer = etree.fromstring(envelope, _parser())
    payload = crypto_sign_open(base64.b64decode(outer.get("Body", "")), public)
    uftp.schema("3.1.0").assertValid(etree.fromstring(payload, _parser()))


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)


def measure(
    size: str, rounds: int, seconds: float, ask: Callable[..., float]
) -> tuple[dict[str, float], dict[str, float]]:
    """Milliseconds of each of the five contestants, and ratios: medians of interleaved rounds.

    A ratio is taken within a round, because the neighbours of a moment share how busy the machine was.
    """
    secret = seal.generate()
    public = seal.public_of(secret)
    message = wire.offer(size)
    envelope = wire.written(message, secret)
    assert wire.read(envelope, public) == message
    theirs = {
        "envelope": envelope.decode(),
        "public": wire.text(public),
        "secret": wire.text(secret),
        "seconds": seconds,
    }
    contestants: dict[str, Round] = {
        "read": lambda: timed(lambda: wire.read(envelope, public), seconds),
        "their read": lambda: ask(do="read", **theirs),
        "floor": lambda: timed(lambda: floor(envelope, public), seconds),
        "write": lambda: timed(lambda: wire.written(message, secret), seconds),
        "their write": lambda: ask(do="write", **theirs),
    }
    taken: dict[str, list[float]] = defaultdict(list)
    for _ in range(rounds):
        for name, play in contestants.items():
            taken[name].append(play() * 1000)
    ratios = {
        "read_ratio": _ratio(taken["their read"], taken["read"]),
        "write_ratio": _ratio(taken["their write"], taken["write"]),
        "read_over_floor": _ratio(taken["read"], taken["floor"]),
    }
    return {name: report.median(values) for name, values in taken.items()}, ratios


def _ratio(upper: list[float], lower: list[float]) -> float:
    return report.median(one / other for one, other in zip(upper, lower, strict=True))


def main() -> None:
    options = report.parser(__doc__)
    options.add_argument("--rounds", type=int, default=ROUNDS)
    options.add_argument("--seconds", type=float, default=ROUND_SECONDS, help="per contestant and round")
    given = options.parse_args()
    report.heading("FlexOffer: envelope bytes to message, and back (milliseconds)")
    keys: dict[str, float] = {}
    rows = []
    with library() as ask:
        for size in wire.SIZES:
            ms, ratios = measure(size, given.rounds, given.seconds, ask)
            rows.append([size, *ms.values(), *ratios.values()])
            keys |= {f"{name}_{size}": value for name, value in ratios.items()}
            keys |= {f"{name.replace(' ', '_')}_ms_{size}": value for name, value in ms.items()}
    head = ["options × ISPs", "read", "theirs", "floor", "write", "theirs"]
    report.table([*head, "read: times faster", "write: times faster", "read over floor"], rows)
    report.finish(keys, given.json)


if __name__ == "__main__":
    main()
