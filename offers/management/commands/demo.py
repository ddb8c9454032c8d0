"""`manage.py demo`, which `make run` calls: the whole portal on this machine, with a market to try it on."""

import fcntl
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.checks import Tags
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from offers import models, simulator
from offers.management import opening
from offers.management.commands import simulate
from offers.management.counterparties import endpoint
from offers.management.supervisor import Plan, become
from offers.services import alone, heartbeat, market

HOST = "127.0.0.1"
PORTS_TO_TRY = 50
MARKET = Path("offers/demo/market.yaml")
ACCOUNTS = {
    "trader": "authors and revokes offers for the aggregator",
    "dso": "asks for flexibility, reviews and orders it",
    "admin": "sees to participants, keys and users, at /admin/",
}


class Command(BaseCommand):
    help = "Run the portal on this machine: web, worker and simulated counterparties."
    requires_system_checks = []  # they belong to the tests; a person waits here

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="the first port to try")

    def handle(self, *args: Any, port: int, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("A demo with known counterparties and http endpoints is not for production.")
        settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # in STATE_DIR
        self.check(tags=[Tags.compatibility])
        mark, listener = _only_one(settings.STATE_DIR / "demo.lock"), _listener(port, self._say)
        marks = [mark, *_claim()]
        url = f"http://{HOST}:{listener.getsockname()[1]}"
        mark.write(url)
        mark.flush()
        try:
            is_new = self._prepare()
            with_others = _introduce_counterparties(port + 1)
            if is_new and with_others is not None:
                opening.ask_first(timezone.now())
        except KeyboardInterrupt as error:
            raise CommandError("Stopped before it was ready; nothing is half done.") from error
        finally:
            connection.close()
        become(_plan(url, listener.fileno(), with_others), keeps=[one.fileno() for one in marks])

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()

    def _prepare(self) -> bool:
        """Bring the database up to date; a market comes only into an empty one. Whether it was empty."""
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            self._say("Preparing the database …")
            call_command("migrate", verbosity=0, interactive=False)
        is_empty = not models.Participant.objects.exists() and not get_user_model().objects.exists()
        if is_empty:
            _load_market()
        return is_empty


def _only_one(path: Path) -> TextIO:
    """The lock of this state folder, for as long as we live; it holds our address."""
    mark = path.open("a+")
    try:
        fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        mark.seek(0)
        raise CommandError(f"The portal already runs on this folder: {mark.read()}") from error
    mark.truncate(0)
    return mark


def _claim() -> list[TextIO]:
    """Another folder may still point at the same SQLite file."""
    try:
        claimed = alone.claim()
    except ImproperlyConfigured as error:
        raise CommandError(str(error)) from error
    return [claimed] if claimed is not None else []


def _listener(first: int, say: Any) -> socket.socket:
    """A socket on the first free port. The web server inherits it, so no request is refused in a restart."""
    for port in range(first, first + PORTS_TO_TRY):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
            listener.listen(128)
        except OSError:
            listener.close()
            continue
        if port != first:
            say(f"Port {first} is taken; using {port}.")
        return listener
    raise CommandError(
        f"No port from {first} to {first + PORTS_TO_TRY - 1} is free; choose another by PORT=."
    )


@transaction.atomic
def _load_market() -> None:
    """The demo market and its people; their passwords were made for this installation and are kept for it."""
    done = market.load((settings.BASE_DIR / MARKET).read_text(), timezone.now())
    lines = [f"{name} {done.passwords[name]}\n" for name in ACCOUNTS if name in done.passwords]
    with os.fdopen(os.open(_accounts_file(), os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
        file.writelines(lines)


def _introduce_counterparties(first_port: int) -> int | None:
    """Tell the portal the keys and the endpoint of the simulated counterparties, and them the market.

    Returns the port for them; None where this database does not know them: it has no demo market.
    """
    known = models.Participant.objects.filter(hosted=False)
    if not all(known.filter(domain=domain, role=role).exists() for domain, role in simulate.PARTIES):
        return None
    with _listener(first_port, lambda line: None) as free:
        port = int(free.getsockname()[1])
    introduction = simulator.introduction(simulate.secrets(), endpoint(port))
    try:
        market.load(introduction, timezone.now())
    except market.BadMarket as error:
        text = f"The simulated counterparties have no place here: {error}. Set FLEXPORTAL_LOCAL_MARKET=1."
        raise CommandError(text) from error
    simulate.market_file().write_text(market.dump(timezone.now()))
    return port


def _accounts_file() -> Path:
    return Path(settings.STATE_DIR / "demo-accounts.txt")


def _accounts() -> Iterator[tuple[str, str]]:
    if _accounts_file().exists():
        for line in _accounts_file().read_text().splitlines():
            name, _, password = line.partition(" ")
            yield name, password


def _banner(url: str) -> str:
    logins = [f"  {name:8} {password:14} {ACCOUNTS.get(name, '')}" for name, password in _accounts()]
    known = ["Log in as", *logins] if logins else ["Log in with the accounts of this database."]
    factor = "A password is enough in this demo; in production whoever trades needs a second factor, too."
    hint = [] if settings.REQUIRE_MFA else [factor, ""]
    return "\n".join(["", f"Flexportal is at {url}", "", *known, "", *hint, "Ctrl-C stops it."])


def _plan(url: str, listener: int, others_port: int | None) -> Plan:
    """The processes of production, and the counterparties beside them."""
    celery = [sys.executable, "-m", "celery", "-A", "flexportal"]
    commands = {
        "web": [sys.executable, "-m", "gunicorn", "flexportal.wsgi", "--bind", f"fd://{listener}", *GUNICORN],
        "worker": [*celery, "worker", "--loglevel", "INFO", *WORKER],
    }
    if others_port is not None:
        manage = [sys.executable, str(settings.BASE_DIR / "manage.py")]
        commands["simulate"] = [*manage, "simulate", "--port", str(others_port), "--portal", url]
    logs = settings.STATE_DIR / "log"
    logs.mkdir(exist_ok=True)
    environment = {
        "PUBLIC_URL": url,
        "PYTHONUNBUFFERED": "1",
        "MALLOC_ARENA_MAX": "2",  # threads need no heap each
        "DJANGO_SETTINGS_MODULE": "flexportal.settings",
        "BEAT_IN_WORKER": "1",
    }
    return Plan(
        url=url,
        listener=listener,
        commands=commands,
        environment=environment,
        logs=str(logs),
        banner=_banner(url),
        heartbeats={"worker": str(heartbeat.file())},
    )


GUNICORN = (
    "--worker-class gthread --threads 8 --graceful-timeout 2 --no-control-socket --log-level warning".split()
)
WORKER = "--without-gossip --without-mingle --without-heartbeat".split()
