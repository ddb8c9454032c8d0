"""What `make test` and CI run: every check, every test on both legs, and a count of what did not run."""

import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from xml.etree import ElementTree

from tests import packages, ready, servers

CI = os.environ.get("CI", "").lower() in ("1", "true")
BIN = Path(sys.executable).parent
PRODUCTION = {
    "FLEXPORTAL_ENV": "production",
    "SECRET_KEY": "only-to-see-what-manage.py-says-about-a-production-of-ours-0123456789",
    "FLEXPORTAL_MASTER_KEY": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    "ALLOWED_HOSTS": "portal.example",
    "PUBLIC_URL": "https://portal.example",
}
CHECKS: Mapping[str, tuple[Sequence[str], Mapping[str, str]]] = {
    "format": (["ruff", "format", "--check", "--quiet"], {}),
    "lint": (["ruff", "check", "--quiet"], {}),
    "layers": (["lint-imports", "--no-logo"], {}),
    "types": (["mypy"], {}),
    "production settings": (
        ["python", "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        PRODUCTION,
    ),
    "migrations": (["python", "manage.py", "makemigrations", "--check", "--dry-run"], {}),
}
GREEN = (0, 5)  # 5: pytest found no test of this kind, which is no failure
DEAREST = ("--durations=20", "--durations-min=2")  # what to look at when the ten minutes are over
PARALLEL = ("-n", "2", "--dist", "loadgroup")

_one_at_a_time = threading.Lock()


def say(heading: str, text: str, since: float) -> None:
    """What a step said, in one piece: the lanes run side by side."""
    with _one_at_a_time:
        print(f"\n── {heading}\n{text}   {time.monotonic() - since:.1f} s", flush=True)


def run(heading: str, command: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Run one of our programs to its end and say how it went; whether it was content."""
    started = time.monotonic()
    done = subprocess.run(
        [str(BIN / command[0]), *command[1:]],
        env={**os.environ, "WORKER_NICE": "0", **environment},  # other tests are no door
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    say(heading, done.stdout, started)
    return done.returncode in GREEN


# --- tests -------------------------------------------------------------------------------------------------


class Tests:
    """Runs pytest several times and adds up what it says."""

    def __init__(self, missing: Sequence[str]) -> None:
        self.without = "not browser" if "Chromium" in missing else ""
        self.counts: Counter[str] = Counter()

    def run(self, heading: str, which: str, environment: Mapping[str, str], *options: str) -> bool:
        """Whether all tests passed; that none was selected is no failure."""
        with tempfile.NamedTemporaryFile(suffix=".xml") as report:
            wanted = [
                "-m",
                " and ".join(filter(None, (which, self.without))),
                f"--junit-xml={report.name}",
                "-q",
                *DEAREST,
                *PARALLEL,
                *options,
            ]
            green = run(heading, ["python", "-m", "pytest", *wanted], environment)
            self._count(report.name)
        return green

    def _count(self, report: str) -> None:
        if os.path.getsize(report):
            for suite in ElementTree.parse(report).iter("testsuite"):
                numbers = {
                    name: int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")
                }
                failed = numbers["failures"] + numbers["errors"]
                passed = numbers["tests"] - failed - numbers["skipped"]
                with _one_at_a_time:
                    self.counts.update(passed=passed, failed=failed, skipped=numbers["skipped"])

    def leave_out(self, which: str, why: str, *options: str) -> None:
        """Count what does not run, so that a green end does not hide it."""
        command = [str(BIN / "python"), "-m", "pytest", "-q", "--collect-only", "-m", which, *options]
        said = subprocess.run(command, capture_output=True, text=True, check=False)
        found = re.search(r"(\d+)(?:/\d+)? tests? collected|(\d+)/\d+ tests collected", said.stdout)
        number = int(found[1] or found[2]) if found else 0
        self.counts["skipped"] += number
        print(f"NOT RUN: {number} tests ({why})", flush=True)


# --- the lanes, side by side: a browser that waits leaves its core to the others ---------------------------


def checks() -> list[str]:
    """The names of those that failed."""
    return [name for name, (command, environment) in CHECKS.items() if not run(name, command, environment)]


def embedded_leg(tests: Tests) -> list[str]:
    heading = "Tests on SQLite, without Redis"
    with tempfile.TemporaryDirectory(prefix="flexportal-ready-") as folder:
        ready.make_sqlite(Path(folder))
        environment = {"DATABASE_URL": "", "REDIS_URL": "", servers.READY: folder}
        green = tests.run(heading, "not postgres and not redis", environment)
    return [] if green else [heading]


def server_leg(tests: Tests) -> list[str]:
    heading = "Tests on PostgreSQL, with Redis (without those that ask neither)"
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="flexportal-ready-"))
        database_url, redis_url = (
            stack.enter_context(server()) for server in (servers.postgresql, servers.redis)
        )
        ready.make_postgresql(Path(folder), database_url)
        environment = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, servers.READY: folder}
        green = tests.run(heading, "", environment, "--database-only")
    return [] if green else [heading]


def main() -> int:
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # hundreds of short processes: each would compile again
    missing = packages.missing()
    tests = Tests(missing)
    with ThreadPoolExecutor() as lanes:
        running = [lanes.submit(checks), lanes.submit(embedded_leg, tests)]
        if not {"PostgreSQL", "Redis"} & set(missing):
            running.append(lanes.submit(server_leg, tests))
    failed = [f"{name} is missing" for name in missing if CI]
    failed += [name for lane in running for name in lane.result()]
    if {"PostgreSQL", "Redis"} & set(missing):
        why = "the leg on PostgreSQL and Redis; one of them is missing"
        tests.leave_out(tests.without, why, "--database-only")
    if "Chromium" in missing:
        tests.leave_out("browser", "Chromium is missing")
    print(f"\n── {'FAILED: ' + ', '.join(failed) if failed else 'Everything passed.'}")
    print("{passed} passed, {failed} failed, {skipped} skipped".format_map(Counter(tests.counts)), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
