"""What holds for the project as a whole: headers, static files, health, the schedule, the logs."""

import json
import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from pytest_django import Settings

from flexportal.celery import app
from flexportal.logs import JSONFormatter
from flexportal.middleware import client_address


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path", ["/login/", "/admin/login/", "/health/live", "/nowhere/", "/static/icons.svg"]
)
def test_every_response_forbids_what_comes_from_elsewhere(client: Client, path: str) -> None:
    policy = client.get(path).headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "script-src 'self';" in policy
    assert "style-src 'self';" in policy
    assert "connect-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "6.6.6.6", "10.0.0.1"),
        (1, "6.6.6.6, 192.0.2.7", "192.0.2.7"),
        (2, "6.6.6.6, 192.0.2.7, 10.0.0.9", "192.0.2.7"),
        (2, "192.0.2.7", "10.0.0.1"),
        (1, "", "10.0.0.1"),
    ],
)
def test_a_client_cannot_choose_its_address(
    settings: Settings, proxies: int, forwarded: str, address: str
) -> None:
    settings.TRUSTED_PROXIES = proxies
    seen = []

    def view(request: HttpRequest) -> HttpResponse:
        seen.append(request.META["REMOTE_ADDR"])
        return HttpResponse()

    client_address(view)(
        RequestFactory().get("/", headers={"x-forwarded-for": forwarded}, REMOTE_ADDR="10.0.0.1")
    )
    assert seen == [address]


@pytest.mark.django_db
def test_a_live_portal_says_so_without_a_database(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "cursor", _broken)
    assert client.get("/health/live").status_code == 200
    response = client.get("/health/ready")
    assert (response.status_code, response.json()["status"]) == (503, "no database")


def _broken(*args: object, **kwargs: object) -> None:
    raise DatabaseError("gone")


@pytest.mark.django_db
def test_a_portal_is_ready_when_its_database_is_up_to_date(client: Client) -> None:
    assert client.get("/health/ready").json() == {"status": "ok"}


@pytest.mark.django_db
def test_a_portal_with_an_old_database_is_not_ready(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'sessions'")
    assert client.get("/health/ready").json() == {"status": "migrations missing", "missing": 1}


def test_nothing_of_node_modules_is_served_but_what_is_needed() -> None:
    assert Path(finders.find("vendor/htmx.min.js") or "").name == "htmx.min.js"
    assert Path(finders.find("vendor/plotly-basic.min.js") or "").name == "plotly-basic.min.js"
    assert not finders.find("axe-core/axe.min.js")


def test_static_files_are_collected_under_names_with_a_hash(tmp_path: Path, settings: Settings) -> None:
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = {
        "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
        "staticfiles": {"BACKEND": "flexportal.static.ManifestStorage"},
    }
    call_command("collectstatic", interactive=False, verbosity=0)
    names = json.loads((tmp_path / "staticfiles.json").read_text())["paths"]
    assert re.fullmatch(r"vendor/plotly-basic\.min\.[0-9a-f]{12}\.js", names["vendor/plotly-basic.min.js"])
    for script in tmp_path.glob("js/**/*.????????????.js"):
        for imported in re.findall(r"""from\s+["'](\.[^"']+)["']""", script.read_text()):
            assert (script.parent / imported).exists(), f"{script.name} imports {imported}"


def test_what_beat_rings_exists_and_does_not_pile_up() -> None:
    app.loader.import_default_modules()
    for entry in settings.CELERY_BEAT_SCHEDULE.values():
        assert entry["task"] in app.tasks
        assert app.tasks[entry["task"]].Strategy == "flexportal.rings:take"
    assert {"offers.tasks.deliver_due", "offers.tasks.process_inbox", "offers.tasks.expire_due"} <= set(
        app.tasks
    )


def test_a_log_line_is_one_json_object() -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        record = logging.LogRecord("offers", logging.ERROR, "", 0, "said %s", ("“this”",), sys.exc_info())
    line = JSONFormatter().format(record)
    assert "\n" not in line
    said = json.loads(line)
    assert (said["level"], said["message"]) == ("ERROR", "said “this”")
    assert "ValueError: two\nlines" in said["exception"]


def test_the_command_line_starts_without_anything_in_the_environment(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "STATE_DIR": str(tmp_path)}
    command = [sys.executable, "manage.py", "check"]
    result = subprocess.run(command, cwd=settings.BASE_DIR, env=environment, capture_output=True, check=False)
    assert result.returncode == 0, result.stderr.decode()


def test_every_link_between_the_pages_for_readers_leads_somewhere() -> None:
    root = Path(settings.BASE_DIR)
    for page in [root / "README.md", root / "CHANGELOG.md", *root.glob("docs/**/*.md")]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_no_file_names_a_registry() -> None:
    names = ("pypi" + ".org", "files.python" + "hosted", "registry.npm" + "js", "deb.deb" + "ian")
    listed = subprocess.run(
        ["git", "ls-files"], cwd=settings.BASE_DIR, capture_output=True, text=True, check=False
    )
    for name in listed.stdout.splitlines():
        path = Path(settings.BASE_DIR) / name
        if path.is_file():
            text = path.read_text(errors="replace")
            assert not [word for word in names if word in text], name
