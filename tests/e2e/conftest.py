"""The running demo and a browser: every console error, refused resource or foreign host fails the test."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Page,
    Request,
    Response,
    ViewportSize,
)

from tests import servers

WIDE: ViewportSize = {"width": 1440, "height": 900}
START_WITHIN = 90
STOP_WITHIN = 10


@dataclass(frozen=True)
class Demo:
    """The portal as `make run` starts it."""

    url: str
    passwords: dict[str, str]
    process: subprocess.Popen[str]


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with _database() as database:
        state = tmp_path_factory.mktemp("demo")
        environment = {**os.environ, **database, "STATE_DIR": str(state), "FLEXPORTAL_LOCAL_MARKET": "1"}
        process = _start(environment)
        try:
            yield _opened(process)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(STOP_WITHIN)


@contextmanager
def _database() -> Iterator[dict[str, str]]:
    """A database of its own beside that of the other tests, on the same server."""
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith("postgres"):
        yield {}
        return
    import psycopg

    name = f"demo_{os.getpid()}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")  # type: ignore[call-overload]
    yield {
        "DATABASE_URL": url.rsplit("/", 1)[0] + f"/{name}",
        "REDIS_URL": settings.REDIS_URL.rpartition("/")[0] + "/9",
    }


def _start(environment: dict[str, str]) -> subprocess.Popen[str]:
    command = [sys.executable, "manage.py", "demo", "--port", str(servers.free_port())]
    return subprocess.Popen(
        command,
        cwd=settings.BASE_DIR,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def _opened(process: subprocess.Popen[str]) -> Demo:
    """Read what the demo prints for a newcomer, and wait until it answers."""
    said = ""
    assert process.stdout is not None
    for line in process.stdout:
        said += line
        if "Ctrl-C stops it" in line or "does not answer" in line:
            break
    address = re.search(r"http://\S+", said)
    assert address is not None, f"the demo did not come up: {said}"
    passwords = dict(re.findall(r"^  (trader|dso|admin) +(\S+)", said, re.MULTILINE))
    demo = Demo(address[0], passwords, process)
    deadline = time.monotonic() + START_WITHIN
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{demo.url}/login/", timeout=5):  # noqa: S310
                return demo
        except OSError:
            time.sleep(0.2)
    raise AssertionError("the demo does not answer")


@dataclass
class Watch:
    """What a page must never do: complain in the console, throw, or speak to another host."""

    host: str
    found: list[str] = field(default_factory=list)

    def over(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.found.append(f"error: {error}"))
        page.on("request", self._request)
        page.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.found.append(f"console {message.type}: {message.text}")

    def _response(self, response: Response) -> None:
        if response.status >= 400:
            self.found.append(f"{response.status} of {response.url}")

    def _request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != self.host:
            self.found.append(f"request to {request.url}")


SignIn = Callable[..., Page]


@pytest.fixture
def sign_in(chromium: Browser, demo: Demo, request: pytest.FixtureRequest) -> Iterator[SignIn]:
    """Opens a window of its own for one of the demo's people."""
    watch = Watch(urlsplit(demo.url).netloc)
    pages: list[Page] = []

    def open_window(name: str, scheme: str = "light") -> Page:
        context = chromium.new_context(base_url=demo.url, viewport=WIDE, color_scheme=scheme)  # type: ignore[arg-type]
        context.set_default_timeout(20_000)
        page = context.new_page()
        watch.over(page)
        pages.append(page)
        page.goto("/login/")
        page.fill("#id_login", name)
        page.fill("#id_password", demo.passwords[name])
        page.press("#id_password", "Enter")
        page.wait_for_url(re.compile(r"/(agr|dso|admin)/"))
        return page

    yield open_window
    _keep_pictures(request.node.name, pages)
    for page in pages:
        page.context.close()
    assert watch.found == []


def _keep_pictures(test: str, pages: list[Page]) -> None:
    """With E2E_PICTURES=folder, how each window looked at the end."""
    folder = os.environ.get("E2E_PICTURES")
    for number, page in enumerate(pages if folder else []):
        page.screenshot(path=str(Path(str(folder)) / f"{test}-{number}.png"))
