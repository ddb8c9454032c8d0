"""What `make test` and CI run: every check, every test on both legs, and a count of what did not run."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from xml.etree import ElementTree

from tests import servers

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
QUICK = "not browser and not interop"
WHOLE = "browser or interop"
PARALLEL = ("-n", "2")
BY_FILE = (*PARALLEL, "--dist", "loadfile")  # such a file starts a whole portal
PACKAGES = {
    "PostgreSQL": (servers.postgresql_programs, ["postgresql"]),
    "Redis": (servers.redis_program, ["redis-server"]),
    "Chromium": (servers.chromium_program, ["chromium", "fonts-dejavu-core"]),
}


def run(command: Sequence[str], environment: Mapping[str, str]) -> bool:
    program = str(BIN / command[0])
    return (
        subprocess.run([program, *command[1:]], env={**os.environ, **environment}, check=False).returncode
        == 0
    )


@contextmanager
def heading(text: str) -> Iterator[None]:
    print(f"\n── {text}", flush=True)
    started = time.monotonic()
    yield
    print(f"   {time.monotonic() - started:.1f} s", flush=True)


# --- what must be there ------------------------------------------------------------------------------------


def install_missing() -> list[str]:
    """Ask apt for what is missing where that is possible; the names of what is missing all the same."""
    missing = [name for name, (find, _) in PACKAGES.items() if not find()]
    become_root = [] if os.getuid() == 0 else ["sudo", "-n"]
    if not missing or not shutil.which("apt-get") or not _works([*become_root, "true"]):
        return missing
    with heading(f"Installing {', '.join(missing)}"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        packages = [package for name in missing for package in PACKAGES[name][1]]
        for arguments in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
            command = [*become_root, "apt-get", "--quiet", "--quiet", *arguments]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            print(done.stderr if done.returncode else "", end="", flush=True)
    return [name for name in missing if not PACKAGES[name][0]()]


def _works(command: Sequence[str]) -> bool:
    try:
        return subprocess.run(command, check=False, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


# --- tests -------------------------------------------------------------------------------------------------


class Tests:
    """Runs pytest several times and adds up what it says."""

    def __init__(self, missing: Sequence[str]) -> None:
        self.without = " and not browser" if "Chromium" in missing else ""
        self.counts: Counter[str] = Counter()

    def run(self, which: str, environment: Mapping[str, str], *options: str) -> bool:
        """Whether all tests passed; that none was selected is no failure."""
        with tempfile.NamedTemporaryFile(suffix=".xml") as report:
            wanted = ["-m", f"({which}){self.without}", f"--junit-xml={report.name}", "-q", *options]
            command = [str(BIN / "python"), "-m", "pytest", *wanted]
            code = subprocess.run(command, env={**os.environ, **environment}, check=False).returncode
            self._count(report.name)
        return code in (0, 5)

    def _count(self, report: str) -> None:
        if os.path.getsize(report):
            for suite in ElementTree.parse(report).iter("testsuite"):
                numbers = {
                    name: int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")
                }
                failed = numbers["failures"] + numbers["errors"]
                passed = numbers["tests"] - failed - numbers["skipped"]
                self.counts.update(passed=passed, failed=failed, skipped=numbers["skipped"])

    def leave_out(self, which: str, environment: Mapping[str, str], why: str) -> None:
        """Count what does not run, so that a green end does not hide it."""
        command = [str(BIN / "python"), "-m", "pytest", "-q", "--collect-only", "-m", which]
        said = subprocess.run(
            command, env={**os.environ, **environment}, capture_output=True, text=True, check=False
        )
        found = re.search(r"(\d+)(?:/\d+)? tests? collected|(\d+)/\d+ tests collected", said.stdout)
        number = int(found[1] or found[2]) if found else 0
        self.counts["skipped"] += number
        print(f"NOT RUN: {number} tests ({why})", flush=True)


def embedded_leg(tests: Tests) -> bool:
    environment = {"DATABASE_URL": "", "REDIS_URL": ""}
    with heading("Tests on SQLite, without Redis"):
        quick = tests.run(f"{QUICK} and not postgres and not redis", environment, *PARALLEL)
    with heading("Browser and interop tests on SQLite, without Redis"):
        return tests.run(f"({WHOLE}) and not postgres and not redis", environment, *BY_FILE) and quick


def server_leg(tests: Tests) -> bool:
    with ExitStack() as stack:
        database_url, redis_url = (
            stack.enter_context(server()) for server in (servers.postgresql, servers.redis)
        )
        environment = {"DATABASE_URL": database_url, "REDIS_URL": redis_url}
        with heading("Tests on PostgreSQL, with Redis (without those that ask neither)"):
            quick = tests.run(QUICK, environment, *PARALLEL, "--database-only")
        with heading("Browser and interop tests on PostgreSQL, with Redis"):
            return tests.run(WHOLE, environment, *BY_FILE) and quick


def main() -> int:
    missing = install_missing()
    failed = [f"{name} is missing" for name in missing if CI]
    for name, (command, environment) in CHECKS.items():
        with heading(name):
            failed += [] if run(command, environment) else [name]
    tests = Tests(missing)
    failed += [] if embedded_leg(tests) else ["tests on SQLite"]
    if "PostgreSQL" in missing or "Redis" in missing:
        tests.leave_out(QUICK, {}, "the leg on PostgreSQL and Redis; one of them is missing")
    elif not server_leg(tests):
        failed.append("tests on PostgreSQL")
    if "Chromium" in missing:
        tests.leave_out("browser", {}, "Chromium is missing")
    print(f"\n── {'FAILED: ' + ', '.join(failed) if failed else 'Everything passed.'}")
    print("{passed} passed, {failed} failed, {skipped} skipped".format_map(Counter(tests.counts)), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
