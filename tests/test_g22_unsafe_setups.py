"""G22: a set-up that would lose or spoil data is refused before anything is written."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from flexportal import unsafe
from flexportal.settings import _sqlite
from offers.services import alone

MOUNTS = """overlay / overlay rw 0 0
server:/share /srv/share nfs4 rw 0 0
//server/c /srv/my\\040share cifs rw 0 0
me@server:/ /home/me/far fuse.sshfs rw 0 0
/dev/sda1 /srv/share/local ext4 rw 0 0
"""
NEW, OLD = (3, 51, 3), (3, 40, 1)


def faults(entry: dict[str, Any], version: tuple[int, ...] = OLD) -> list[str | None]:
    return [one.id for one in unsafe.sqlite_faults(entry, MOUNTS, version)]


def entry(path: str = "/var/lib/portal.sqlite3", **options: str) -> dict[str, Any]:
    given = _sqlite({"NAME": path})
    return {**given, "OPTIONS": {**given["OPTIONS"], **options}}


def test_g22_the_settings_that_we_ship_are_safe() -> None:
    assert faults(entry()) == []
    assert [one for one in run_checks() if (one.id or "").startswith("flexportal.E01")] == []


@pytest.mark.parametrize(
    ("path", "is_refused"),
    [
        ("/srv/share/db.sqlite3", True),
        ("/srv/my share/db.sqlite3", True),
        ("/home/me/far/var/db.sqlite3", True),
        ("/srv/share/local/db.sqlite3", False),
        ("/srv/shared/db.sqlite3", False),
    ],
)
def test_g22_a_database_on_a_network_share_is_refused(path: str, is_refused: bool) -> None:
    assert faults(entry(path)) == (["flexportal.E010"] if is_refused else [])


def test_g22_transactions_that_do_not_begin_immediate_are_refused() -> None:
    assert faults(entry(transaction_mode="DEFERRED")) == ["flexportal.E011"]
    assert faults({"NAME": "/var/lib/portal.sqlite3"}) == ["flexportal.E011"]


def test_g22_a_wal_of_an_sqlite_that_can_spoil_it_is_refused() -> None:
    wal = entry(init_command="PRAGMA journal_mode=WAL;")
    assert (faults(wal, OLD), faults(wal, NEW)) == (["flexportal.E012"], [])


def test_g22_a_web_process_does_not_start_on_such_a_database(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "mounts").write_text(MOUNTS)
    monkeypatch.setattr(unsafe, "MOUNTS", tmp_path / "mounts")
    monkeypatch.setitem(settings.DATABASES, "default", {**entry("/srv/share/db"), "ENGINE": "x.sqlite3"})
    with pytest.raises(ImproperlyConfigured, match="network file system"):
        unsafe.refuse()
    monkeypatch.setitem(settings.DATABASES, "default", {**entry("/var/lib/db"), "ENGINE": "x.sqlite3"})
    unsafe.refuse()


@pytest.mark.parametrize(
    "program",
    ["import flexportal.wsgi", "from flexportal.celery import app; app.worker_main(['worker'])"],
    ids=["web", "worker"],
)
def test_g22_a_process_asks_before_it_takes_work(program: str, tmp_path: Path) -> None:
    """With a real one: the settings of the project, but for one option."""
    unsafely = (
        "from flexportal import settings as s; s.DATABASES['default']['OPTIONS'].pop('transaction_mode')"
    )
    command = [sys.executable, "-c", f"{unsafely}; {program}"]
    environment = {**os.environ, "STATE_DIR": str(tmp_path), "DATABASE_URL": "", "REDIS_URL": ""}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode and "do not begin IMMEDIATE" in done.stderr


@pytest.fixture
def portals(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], Any]:
    """What a process of the portal with this state folder has of a lock on the one database there is."""
    here = {"ENGINE": "x.sqlite3", "NAME": tmp_path / "first" / "db.sqlite3"}
    monkeypatch.setitem(settings.DATABASES, "default", here)
    monkeypatch.setattr(alone, "WITHIN", 0.2)

    def claim(folder: str) -> Any:
        settings.STATE_DIR = tmp_path / folder
        return alone.claim()

    return claim


def test_g22_a_second_portal_on_the_same_database_is_refused(portals: Callable[[str], Any]) -> None:
    """Also where the database lies in the state folder of the first, as it does if nothing is set."""
    web, worker = portals("first"), portals("first")
    web.close()  # a process of it may end and come back
    with pytest.raises(ImproperlyConfigured, match="state folder .*first already runs on .*db.sqlite3"):
        portals("second")
    worker.close()
    second = portals("second")
    with pytest.raises(ImproperlyConfigured, match="state folder .*second already runs"):
        portals("first")
    second.close()


def test_g22_on_a_server_as_many_as_one_likes(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings.DATABASES, "default", {"ENGINE": "x.postgresql", "NAME": "flexportal"})
    assert alone.claim() is None


@pytest.mark.parametrize(
    "program",
    ["import flexportal.wsgi", "from flexportal.celery import app; app.worker_main(['worker'])"],
    ids=["web", "worker"],
)
def test_g22_neither_web_nor_worker_of_a_second_portal_starts(
    program: str, portals: Callable[[str], Any], tmp_path: Path
) -> None:
    first = portals("first")
    database = f"sqlite:///{tmp_path / 'first' / 'db.sqlite3'}"
    here = {"STATE_DIR": str(tmp_path / "second"), "DATABASE_URL": database, "REDIS_URL": ""}
    environment = {**os.environ, **here}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode and "already runs on" in done.stderr
    first.close()


# --- Redis ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "warned"), [("noeviction", False), ("", False), ("allkeys-lru", True), ("volatile-ttl", True)]
)
def test_g22_a_redis_that_throws_away_is_warned_of(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, policy: str, warned: bool
) -> None:
    settings.REDIS_URL = "redis://somewhere"
    monkeypatch.setattr(unsafe, "redis_policy", lambda url: policy)
    assert [one.id for one in unsafe.broker(None)] == (["flexportal.W013"] if warned else [])


def test_g22_a_redis_that_is_away_is_no_reason(settings: Settings) -> None:
    assert unsafe.redis_policy("redis://127.0.0.1:1") == ""


@pytest.mark.redis
def test_g22_a_redis_is_asked_for_its_policy(settings: Settings) -> None:
    assert unsafe.redis_policy(settings.REDIS_URL) == "noeviction"
