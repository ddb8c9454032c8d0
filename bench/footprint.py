"""What `make run` costs while nobody uses it: memory and processor time of each of its processes.

    .venv/bin/python -m bench.footprint [--seconds 30] [--json]

It starts the demo in a folder of its own, lets it settle, and measures. RSS counts a page that two processes
share twice; PSS counts it half for each, so that the sum is what the machine really gives.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from tests import servers

ROOT = Path(__file__).resolve().parent.parent
START_WITHIN = 120.0
SETTLE = 20.0  # seconds: the counterparties begin, and what they say is processed
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Process:
    name: str
    rss_mb: float
    pss_mb: float
    cpu_percent: float


@contextmanager
def demo(state: str) -> Iterator[int]:
    environment = {**os.environ, "STATE_DIR": state, "FLEXPORTAL_LOCAL_MARKET": "1"}
    for name in ("DATABASE_URL", "REDIS_URL"):
        environment.pop(name, None)
    said = Path(state) / "said"
    with said.open("wb") as out:
        port = str(servers.free_port())
        command = [sys.executable, str(ROOT / "manage.py"), "demo", "--port", port]
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=out, cwd=ROOT)
    try:
        deadline = time.monotonic() + START_WITHIN
        while "Ctrl-C" not in said.read_text():
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"The demo did not start:\n{said.read_text()}")
            time.sleep(0.2)
        yield process.pid
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)


def family(first: int) -> list[int]:
    """The process and all that it started."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
        children.setdefault(parent, []).append(int(folder.name))
    found, todo = [], [first]
    while todo:
        found.append(todo.pop())
        todo += children.get(found[-1], [])
    return found


def memory(pid: int) -> tuple[float, float]:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    sizes = {line.split()[0]: int(line.split()[1]) / 1024 for line in lines}
    return sizes["Rss:"], sizes["Pss:"]


def cpu(pid: int) -> float:
    """Seconds of processor time so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def name(pid: int) -> str:
    command = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    known = {
        "supervisor": "supervisor",
        "gunicorn": "web",
        " worker ": "worker",
        " beat ": "beat",
        "counterparties": "simulated counterparties",
        " simulate ": "simulated counterparties",
    }
    return next((label for mark, label in known.items() if mark in command), command[:40])


def measure(first: int, seconds: float) -> list[Process]:
    pids = family(first)
    before, started = {pid: cpu(pid) for pid in pids}, time.monotonic()
    time.sleep(seconds)
    took = time.monotonic() - started
    return [Process(name(pid), *memory(pid), 100 * (cpu(pid) - before[pid]) / took) for pid in pids]


def table(found: list[Process]) -> Iterator[str]:
    yield f"{'process':28}{'RSS MB':>8}{'PSS MB':>8}{'CPU %':>8}"
    for one in found:
        yield f"{one.name:28}{one.rss_mb:8.1f}{one.pss_mb:8.1f}{one.cpu_percent:8.2f}"
    rss, pss, busy = (total(found, field) for field in ("rss_mb", "pss_mb", "cpu_percent"))
    yield f"{'all':28}{rss:8.1f}{pss:8.1f}{busy:8.2f}"


def total(found: list[Process], field: str) -> float:
    return float(sum(getattr(one, field) for one in found))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--settle", type=float, default=SETTLE, help="seconds before that")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="flexportal-footprint-") as state, demo(state) as pid:
        time.sleep(options.settle)
        found = measure(pid, options.seconds)
    print("\n".join(table(found)))
    if options.json:
        sums = {"rss_mb": total(found, "rss_mb"), "pss_mb": total(found, "pss_mb")}
        sums["idle_cpu_percent"] = total(found, "cpu_percent")
        rounded = {key: round(value, 2) for key, value in sums.items()}
        print(json.dumps({**rounded, "processes": [asdict(one) for one in found]}))


if __name__ == "__main__":
    main()
