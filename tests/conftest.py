"""Fixtures about infrastructure: what every test may rely on, whatever it is about."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import hypothesis
import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection

from tests import cast, legs, ready, servers, snapshots

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ON_POSTGRESQL = settings.DATABASES["default"]["ENGINE"].endswith("postgresql")
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
]
OFFICIAL_LIBRARY = settings.BASE_DIR / ".venv-interop/stamp"
TOO_SLOW = (hypothesis.HealthCheck.too_slow,)
NEEDS = {
    "browser": (servers.chromium_program(), "needs Chromium"),
    "interop": (OFFICIAL_LIBRARY.exists(), "needs the official library; make test installs it"),
    "postgres": (ON_POSTGRESQL, "needs PostgreSQL: python -m tests.servers pytest …"),
    "redis": (settings.REDIS_URL, "needs Redis: python -m tests.servers pytest …"),
}


# A busy machine is no fault of the code, and CI says the same about the same code each time.
hypothesis.settings.register_profile(
    "portal", deadline=None, derandomize=bool(os.environ.get("CI")), suppress_health_check=TOO_SLOW
)
hypothesis.settings.load_profile("portal")


def pytest_configure() -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.WHITENOISE_AUTOREFRESH = True  # a test client need not scan all static files first
    if settings.REDIS_URL:
        settings.REDIS_URL = f"{settings.REDIS_URL}/{_worker()}"
        settings.CACHES["default"]["LOCATION"] = settings.REDIS_URL
    if ON_POSTGRESQL and os.environ.get(servers.READY):
        settings.DATABASES["default"].setdefault("TEST", {})["TEMPLATE"] = ready.TEMPLATE


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database-only", action="store_true", help="leave out what gives the same answer on every database"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--database-only"):
        elsewhere = [item for item in items if not legs.asks_a_server(item)]
        items[:] = [item for item in items if legs.asks_a_server(item)]
        config.hook.pytest_deselected(items=elsewhere)
    for item in items:
        for marker, (there, why) in NEEDS.items():
            if item.get_closest_marker(marker) and not there:
                item.add_marker(pytest.mark.skip(reason=why))
        if whole := _portal_of(item):
            item.add_marker(pytest.mark.xdist_group(whole))


def _portal_of(item: pytest.Item) -> str:
    """Tests that share a running portal stay together, where they are run side by side."""
    if item.get_closest_marker("browser"):
        return "browser"
    return item.path.name if item.get_closest_marker("interop") else ""


def _worker() -> int:
    """Which of the parallel test processes this is."""
    return int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


@pytest.fixture(autouse=True, scope="session")
def quiet_bell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test rings the bell of a portal that happens to run beside it."""
    from flexportal.celery import app

    if settings.REDIS_URL:
        app.conf.broker_url = settings.REDIS_URL
    else:
        folder = tmp_path_factory.mktemp("broker")
        app.conf.broker_transport_options = {"folder": str(folder)}
    yield


@pytest.fixture(autouse=True)
def empty_cache() -> None:
    """No test is throttled for what another one did."""
    cache.clear()


@pytest.fixture(scope="module")
def chromium() -> Iterator["Browser"]:
    """The browser that the tests drive; tests that ask for it are marked `browser`."""
    from playwright.sync_api import sync_playwright

    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # Playwright's loop runs in this thread
        program = servers.chromium_program()
        browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def everybody(db: None) -> Iterator[cast.Cast]:
    """The cast, with its market, in an empty database."""
    snapshots.watch.standing = snapshots.EMPTY
    with connection.execute_wrapper(snapshots.watch):
        yield snapshots.copied("everybody", cast.assemble)
