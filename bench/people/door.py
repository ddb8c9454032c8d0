"""A portal with one user, served by real processes, and somebody who tries passwords at it."""

import os
import re
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests
from requests.adapters import HTTPAdapter

from tests import servers

ROOT = Path(__file__).resolve().parent.parent.parent
NAME, UNKNOWN, PASSWORD = "known", "unknown", "a password that is right"
EVALUATED = "A wrong password from"  # what the log says each time that a password was looked at
MAKE = f"""
import django; django.setup()
from django.contrib.auth.models import User
from tests import ready
ready.fill()
User.objects.create_user({NAME!r}, password={PASSWORD!r})
"""


@dataclass
class Door:
    url: str
    log: Path
    environment: dict[str, str]

    def evaluated(self) -> int:
        return self.log.read_text().count(EVALUATED)


@contextmanager
def door(folder: Path, application: str = "flexportal.wsgi", **environment: str) -> Iterator[Door]:
    """Two processes with eight threads each, on an empty database of this test run's kind."""
    port, log = servers.free_port(), folder / "web.log"
    own = {"STATE_DIR": str(folder), "PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "flexportal.settings"}
    with _database(folder) as database:
        variables = {**os.environ, **own, "DATABASE_URL": database, "REDIS_URL": "", **environment}
        subprocess.run([sys.executable, "-c", MAKE], env=variables, cwd=ROOT, check=True)
        command = [sys.executable, "-m", "gunicorn", application, "--bind", f"127.0.0.1:{port}"]
        options = ["--workers", "2", "--threads", "8", "--graceful-timeout", "1", "--log-level", "warning"]
        with log.open("wb") as errors:
            web = subprocess.Popen([*command, *options], env=variables, cwd=ROOT, stderr=errors)
        try:
            yield _opened(Door(f"http://127.0.0.1:{port}", log, variables))
        finally:
            web.terminate()
            web.wait(10)


@contextmanager
def _database(folder: Path) -> Iterator[str]:
    if os.environ.get("DATABASE_URL", "").startswith("postgres"):
        with servers.postgresql() as url:
            yield url
    else:
        yield f"sqlite:///{folder}/db.sqlite3"


def _opened(found: Door) -> Door:
    late = time.monotonic() + 60
    while time.monotonic() < late:
        try:
            requests.get(f"{found.url}/health/live", timeout=5)
            return found
        except requests.RequestException:
            time.sleep(0.1)
    raise AssertionError(found.log.read_text())


# --- who tries ------------------------------------------------------------------------------------------


class From(HTTPAdapter):
    """Speaks from another address of this machine."""

    def __init__(self, address: str) -> None:
        self.address = address
        super().__init__()

    def init_poolmanager(self, *args: object, **kwargs: object) -> None:
        super().init_poolmanager(*args, source_address=(self.address, 0), **kwargs)  # type: ignore[arg-type]


class Visitor:
    """A browser, as far as a login needs one."""

    def __init__(self, url: str, address: str = "127.0.0.1") -> None:
        self.url, self.session = url, requests.Session()
        self.session.mount("http://", From(address))
        page = self.session.get(f"{url}/login/", timeout=60).text
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert found is not None, page
        self.token = found[1]

    def log_in(self, name: str, password: str) -> requests.Response:
        form = {"login": name, "password": password, "csrfmiddlewaretoken": self.token}
        return self.session.post(f"{self.url}/login/", form, timeout=120, allow_redirects=False)


def storm(url: str, tries: int, at_once: int, name: str = NAME) -> Counter[int]:
    """So many wrong passwords for one name, as fast as they go; how often each status was answered."""
    mine = threading.local()

    def one(number: int) -> int:
        if not hasattr(mine, "visitor"):
            mine.visitor = Visitor(url)
        return int(mine.visitor.log_in(name, f"wrong {number}").status_code)

    with ThreadPoolExecutor(at_once) as pool:
        return Counter(pool.map(one, range(tries)))


def apart(url: str, tries: int) -> float:
    """By how many milliseconds a known name and an unknown one differ, in the middle of so many pairs."""
    visitor, differences = Visitor(url), []
    for number in range(tries):
        took = {}
        for name in sorted((NAME, UNKNOWN), reverse=bool(number % 2)):
            started = time.perf_counter()
            visitor.log_in(name, f"wrong {number}")
            took[name] = time.perf_counter() - started
        differences.append(took[NAME] - took[UNKNOWN])
    return 1000 * abs(statistics.median(differences))
