"""The settings refuse what would not be safe, and say what would be."""

import base64
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from flexportal import env

KEY = base64.b64encode(bytes(range(32))).decode()
OTHER_KEY = base64.b64encode(bytes(32)).decode()
PRODUCTION = {
    "FLEXPORTAL_ENV": "production",
    "SECRET_KEY": "x" * 60,
    "FLEXPORTAL_MASTER_KEY": KEY,
    "ALLOWED_HOSTS": "portal.example",
}
OURS = {"DATABASE_URL", "REDIS_URL", "STATE_DIR", *env.READ}


def load(tmp_path: Path, ask: str = "'started'", **environment: str) -> str:
    """What a process with these variables, and no other of ours, prints of its settings, or how it fails."""
    inherited = {name: value for name, value in os.environ.items() if name not in OURS}
    result = subprocess.run(
        [sys.executable, "-c", f"from flexportal import settings as s; print({ask})"],
        env={**inherited, "STATE_DIR": str(tmp_path / "var"), **environment},
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    return result.stdout.strip() or result.stderr.strip().splitlines()[-1]


def test_production_starts_when_it_has_what_it_needs(tmp_path: Path) -> None:
    assert load(tmp_path, **PRODUCTION) == "started"
    assert not (tmp_path / "var").exists(), "production makes no secrets for itself"


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY is not set"),
        ({"FLEXPORTAL_MASTER_KEY": ""}, "FLEXPORTAL_MASTER_KEY is not set"),
        ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS is empty"),
        ({"DEBUG": "1"}, "DEBUG shows secrets"),
        ({"CRASH_AT": "inbox.stored:1"}, "CRASH_AT lets the portal die"),
        ({"SECRET_KEY": f"demo:{KEY}"}, "SECRET_KEY is the one of a demo"),
        ({"FLEXPORTAL_MASTER_KEY": f"demo:{KEY}"}, "FLEXPORTAL_MASTER_KEY is the one of a demo"),
        ({"FLEXPORTAL_MASTER_KEY": f"{OTHER_KEY}, demo:{KEY}"}, "FLEXPORTAL_MASTER_KEY is the one of a demo"),
        ({"FLEXPORTAL_MASTER_KEY": "c2hvcnQ="}, "write base64 of 32 bytes"),
        ({"FLEXPORTAL_MASTER_KEY": "not base64 at all"}, "write base64 of 32 bytes"),
        ({"SECRET_KEY_FILE": "/nowhere/secret"}, "SECRET_KEY_FILE: cannot read /nowhere/secret"),
        ({"FLEXPORTAL_ENV": "staging"}, "write demo or production"),
        ({"DATABASE_URL": "mysql://db/portal"}, "write sqlite:///… or postgresql://…"),
        ({"TRUSTED_PROXIES": "-1"}, "write a whole number"),
        ({"FLEXPORTAL_LOCAL_MARKET": "maybe"}, "write 1 or 0"),
    ],
)
def test_production_refuses_what_is_not_safe(tmp_path: Path, wrong: dict[str, str], reason: str) -> None:
    said = load(tmp_path, **{**PRODUCTION, **wrong})
    assert reason in said
    assert KEY not in said


def test_a_demo_makes_secrets_that_only_its_owner_reads_and_keeps_them(tmp_path: Path) -> None:
    first = load(tmp_path, ask="s.SECRET_KEY, s.MASTER_KEYS")
    assert load(tmp_path, ask="s.SECRET_KEY, s.MASTER_KEYS") == first
    files = sorted((tmp_path / "var").iterdir())
    assert [file.name for file in files] == ["master_key", "secret_key"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE((tmp_path / "var").stat().st_mode) == 0o700  # the database lies there, too


def test_production_refuses_the_master_key_file_of_a_demo(tmp_path: Path) -> None:
    load(tmp_path)
    demo = {"FLEXPORTAL_MASTER_KEY": "", "FLEXPORTAL_MASTER_KEY_FILE": str(tmp_path / "var/master_key")}
    assert "is the one of a demo" in load(tmp_path, **{**PRODUCTION, **demo})


def test_a_secret_may_come_from_a_mounted_file(tmp_path: Path) -> None:
    mounted = tmp_path / "secret"
    mounted.write_text("from a file\n")
    changed = {**PRODUCTION, "SECRET_KEY": "", "SECRET_KEY_FILE": str(mounted)}
    assert load(tmp_path, ask="s.SECRET_KEY", **changed) == "from a file"


def test_several_master_keys_may_be_given_to_change_them(tmp_path: Path) -> None:
    keys = {"FLEXPORTAL_MASTER_KEY": f"{OTHER_KEY},{KEY}"}
    assert load(tmp_path, ask="s.MASTER_KEYS", **{**PRODUCTION, **keys}) == f"['{OTHER_KEY}', '{KEY}']"


def test_a_postgresql_url_is_read_in_full(tmp_path: Path) -> None:
    url = "postgresql://trader:p%40ss@db.example:5433/portal?sslmode=verify-full"
    ask = "[s.DATABASES['default'][name] for name in ('USER', 'PASSWORD', 'HOST', 'PORT', 'NAME')]"
    expected = "['trader', 'p@ss', 'db.example', '5433', 'portal']"
    assert load(tmp_path, ask=ask, DATABASE_URL=url) == expected
    assert "'sslmode': 'verify-full'" in load(
        tmp_path, ask="s.DATABASES['default']['OPTIONS']", DATABASE_URL=url
    )


def test_sqlite_waits_for_its_turn_and_keeps_what_was_committed(tmp_path: Path) -> None:
    options = load(tmp_path, ask="s.DATABASES['default']['OPTIONS']")
    for part in ("'timeout': 20", "'IMMEDIATE'", "journal_mode=", "synchronous=FULL", "foreign_keys=ON"):
        assert part in options


def test_no_view_holds_a_transaction_open(tmp_path: Path) -> None:
    assert "ATOMIC_REQUESTS" not in load(tmp_path, ask="s.DATABASES['default']")


def test_the_operations_page_lists_every_variable_with_its_default() -> None:
    page = (settings.BASE_DIR / "docs/operations.md").read_text()
    listed = dict(re.findall(r"^\| `([A-Z_]+)` \| (?:`([^`]*)`|—) \|", page, flags=re.MULTILINE))
    places = {"DATABASE_URL": "sqlite:///var/db.sqlite3"}
    read = {name: places.get(name, value) for name, value in env.READ.items()}
    assert listed == {name: value for name, value in read.items() if not name.endswith("_FILE")}
