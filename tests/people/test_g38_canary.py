"""G38: a private key that came in by the market file is found nowhere, whatever fails and whoever looks."""

import base64
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from django.conf import settings
from django.test import Client

from bench.people.door import Visitor, door
from offers.models import Key, Message, Participant
from offers.services import keys, market, trading
from tests import servers
from tests.cast import NOON, Cast
from tests.people import canary

MARKET = f"""
participants:
  - {{domain: agr.canary.example, role: AGR, name: Canary, hosted: true, signing_key: {canary.TEXT}}}
  - {{domain: dso.canary.example, role: DSO, name: Miner, hosted: true}}
"""
# Everything that the programs of an installation do with a key, in as few processes as will do.
DO = """
import io, sys, traceback, django; django.setup()
from django.contrib.auth.models import User
from django.core.management import call_command
from django.utils import timezone
from offers.models import Participant
from offers.services import trading

def command(*arguments, given=""):
    sys.stdin = io.TextIOWrapper(io.BytesIO(given.encode()))
    try:
        call_command(*arguments)
    except Exception:
        traceback.print_exc()

def send():
    try:
        agr, dso = Participant.objects.order_by("domain")
        trading.send_test(agr, dso, timezone.now())
    except Exception:
        traceback.print_exc()

given = sys.stdin.read()
"""
RIGHT = """
command("market", "load", "-", given=given)
command("market", "load", "-", given=given.replace("AGR,", "XXX,"))
User.objects.update(is_staff=True, is_superuser=True)
send()
command("market", "dump")
command("dumpdata")
"""
WRONG = """
send()
command("rotate_master_key")
command("market", "load", "-", given=given)
"""
PLANTED = """
from django.core.cache import cache
from offers.models import Participant
Participant.objects.filter(domain="dso.canary.example").update(name=given)
cache.set("planted", given, None)
"""
OTHER_MASTER_KEY = base64.b64encode(bytes(32)).decode()


# --- on real processes ----------------------------------------------------------------------------------


class Run:
    """The portal's programs, with everything that they say kept in one folder beside the database."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder, self.environment, self.count = folder, environment, 0

    def keep(self, name: str, content: bytes) -> None:
        self.count += 1
        (self.folder / f"{self.count:02}-{name}").write_bytes(content)

    def program(self, *arguments: str, given: str = "", **changes: str) -> None:
        done = subprocess.run(
            [sys.executable, *arguments],
            env={**self.environment, **changes},
            cwd=settings.BASE_DIR,
            input=given.encode(),
            capture_output=True,
            check=False,
        )
        self.keep("program", done.stdout + done.stderr)
        assert done.returncode == 0, done.stderr.decode()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Load, sign, look, fail, dump: with DEBUG, which shows the most, and logs of every level."""
    folder = tmp_path_factory.mktemp("canary")
    redis = {"REDIS_URL": settings.REDIS_URL} if settings.REDIS_URL else {}
    with door(folder, DEBUG="1", PYTHONDEVMODE="1", **redis) as found:
        run = Run(folder, found.environment)
        run.program("-c", DO + RIGHT, given=MARKET)
        run.program("-c", DO + WRONG, given=MARKET, FLEXPORTAL_MASTER_KEY=OTHER_MASTER_KEY)
        _look(run, found.url)
        _dump(run)
        yield run


def _look(run: Run, url: str) -> None:
    """The admin's pages about keys and messages, and the API, as somebody who may see all of it."""
    chief = Visitor(url)
    assert chief.log_in("known", "a password that is right").status_code == 302
    pages = [
        "participant/",
        "participant/1/change/",
        "participant/1/keys/",
        "participant/1/history/",
        "message/",
    ]
    for page in [*(f"/admin/offers/{page}" for page in pages), "/admin/nowhere/", "/api/v1/"]:
        answer: requests.Response = chief.session.get(f"{url}{page}", timeout=60)
        assert answer.status_code in (200, 403, 404), page
        run.keep("page", answer.content)


def _dump(run: Run) -> None:
    """What a backup would hold."""
    database = run.environment["DATABASE_URL"]
    if database.startswith("postgres"):
        programs = servers.postgresql_programs()
        assert programs is not None
        for form in ("plain", "custom"):
            dump = [str(programs / "pg_dump"), "--format", form, "--compress", "0", database]
            run.keep("dump", subprocess.run(dump, capture_output=True, check=True).stdout)
    if run.environment.get("REDIS_URL"):
        import redis

        client = redis.Redis.from_url(run.environment["REDIS_URL"])
        run.keep("redis", b"".join(client.dump(key) or b"" for key in client.keys()))


@pytest.mark.django_db
def test_g38_a_private_key_is_in_no_file_log_page_or_dump(run: Run) -> None:
    dumps = {path.name.partition("-")[2] for path in run.folder.glob("*-*") if path.stat().st_size > 100}
    assert {"program", "page"} <= dumps
    assert ("dump" in dumps) == run.environment["DATABASE_URL"].startswith("postgres")
    assert ("redis" in dumps) == bool(settings.REDIS_URL)
    assert list(canary.found_under(run.folder)) == []


@pytest.mark.django_db
def test_g38_the_run_went_where_the_key_is_used(run: Run) -> None:
    said = b"".join(path.read_bytes() for path in run.folder.glob("*-program"))
    assert b"No master key opens this private key" in said
    assert base64.b64encode(canary.SECRET[32:])[:40] in said  # the public half was dumped


@pytest.mark.django_db
def test_g38_control_a_key_that_is_kept_as_it_is_is_found_in_what_a_backup_would_hold(
    run: Run, tmp_path: Path
) -> None:
    """Last, for the key stays there: in a name in the database, and in the cache."""
    run.program("-c", DO + PLANTED, given=canary.TEXT)
    backup = Run(tmp_path, run.environment)
    _dump(backup)
    found = {path.name.partition("-")[2] for path, *_ in canary.found_under(tmp_path)}
    assert found == ({"dump"} if list(tmp_path.glob("*-dump")) else set()) | (
        {"redis"} if settings.REDIS_URL else set()
    )
    if not found:
        assert any(path.name == "db.sqlite3" for path, *_ in canary.found_under(run.folder))


def test_g38_control_the_search_finds_every_spelling(tmp_path: Path) -> None:
    for number, text in enumerate(canary.spellings().values()):
        (tmp_path / str(number)).write_bytes(b"before " + text + b" after")
    assert len(list(canary.found_under(tmp_path))) == len(canary.spellings())
    assert canary.found_in(MARKET.encode()) and canary.found_in(json.dumps([*canary.SECRET]).encode())
    assert canary.found_in(repr(canary.SECRET).encode())


def test_g38_control_without_encryption_the_key_is_in_the_database(
    everybody: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "_encrypt", bytes)
    key = keys.add_signing_key(everybody.agr, NOON, canary.SECRET)
    assert canary.found_in(bytes(Key.objects.get(pk=key.pk).private or b""))


# --- where something breaks just while the key is in hand -----------------------------------------------


@pytest.fixture
def with_canary(everybody: Cast) -> Cast:
    keys.add_signing_key(everybody.agr, NOON, canary.SECRET)
    return everybody


def break_seal(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(payload: bytes, secret: bytes) -> bytes:
        raise RuntimeError("the library under us broke")

    monkeypatch.setattr("offers.uftp.seal.seal", broken)


@pytest.mark.parametrize("debug", [True, False])
def test_g38_an_error_page_does_not_spell_it(
    with_canary: Cast, settings: Any, monkeypatch: pytest.MonkeyPatch, debug: bool
) -> None:
    """With DEBUG the page shows the variables of each step, and the key is one of them."""
    settings.DEBUG = debug
    break_seal(monkeypatch)
    client = Client(raise_request_exception=False)
    client.force_login(with_canary.admin)
    page = f"/admin/offers/participant/{with_canary.dso.pk}/test/"
    answer = client.post(page, {"sender": with_canary.agr.pk})
    assert answer.status_code == 500
    assert (b"the library under us broke" in answer.content) is debug
    assert canary.found_in(answer.content) == []


def test_g38_control_a_plain_key_would_stand_on_the_error_page(
    with_canary: Cast, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DEBUG = True
    break_seal(monkeypatch)
    monkeypatch.setattr(keys, "Secret", bytes)
    client = Client(raise_request_exception=False)
    client.force_login(with_canary.admin)
    page = f"/admin/offers/participant/{with_canary.dso.pk}/test/"
    answer = client.post(page, {"sender": with_canary.agr.pk})
    assert canary.found_in(answer.content.replace(b"&#x27;", b"'")) != []


def test_g38_a_log_with_its_traceback_does_not_spell_it(
    with_canary: Cast, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    trading.send_test(with_canary.agr, with_canary.dso, NOON)
    break_seal(monkeypatch)
    with pytest.raises(RuntimeError) as caught:
        trading.send_test(with_canary.agr, with_canary.dso, NOON)
    logging.getLogger("offers").error("failed", exc_info=caught.value)
    locals_of_all = [repr(step.frame.f_locals) for step in caught.traceback if "tests" not in str(step.path)]
    assert len(locals_of_all) >= 2
    assert canary.found_in("".join([caplog.text, *locals_of_all]).encode()) == []


def test_g38_no_row_and_no_export_spells_it(with_canary: Cast) -> None:
    from django.core import serializers

    trading.send_test(with_canary.agr, with_canary.dso, NOON)
    rows = [*Key.objects.all(), *Message.objects.all(), *Participant.objects.all()]
    texts = [serializers.serialize("json", rows), market.dump(NOON), *map(repr, rows)]
    _, secret = keys.signing_key(with_canary.agr, NOON)
    assert secret == canary.SECRET
    texts += [repr(secret), str(secret), f"{secret}", f"{secret!r}", repr({"secret": [secret]})]
    assert canary.found_in("".join(texts).encode()) == []
