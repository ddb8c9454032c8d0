"""Two nodes that die where they are told to, and come back: each is one process with a web server and a loop.

Started once and told by JSON lines which crash point is meant; answers by the verdict. Everything is
forked from here, so that a node is there in no time, and time itself runs up to a hundred times as fast.
"""

import json
import os
import random
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from multiprocessing import Value
from pathlib import Path
from typing import Any

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.core.handlers.wsgi import WSGIHandler  # noqa: E402
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import connection, connections  # noqa: E402
from django.test import Client  # noqa: E402
from django.utils import timezone  # noqa: E402

from bench.faults import introductions, market, verdict  # noqa: E402
from flexportal.celery import app  # noqa: E402
from offers import crashpoints, transport, uftp  # noqa: E402
from offers.services import bell, gateway, outbox  # noqa: E402
from tests import ready  # noqa: E402
from tests.faults import stories  # noqa: E402

PAUSE = 0.02
SWEEP_EVERY = 0.1
LONGEST = 120.0
ROLES = ("AGR", "DSO")


class Clock:
    """Starts now and runs fast; a story may let it jump. The same one in all processes."""

    def __init__(self, speed: float) -> None:
        self.speed = speed
        self.began, self.at = datetime.now(UTC), time.monotonic()
        self.jumped = Value("d", 0.0)

    def __call__(self) -> datetime:
        passed = (time.monotonic() - self.at) * self.speed + self.jumped.value
        return self.began + timedelta(seconds=passed)

    def jump(self, by: timedelta) -> None:
        with self.jumped.get_lock():
            self.jumped.value += by.total_seconds()


class Quiet(WSGIRequestHandler):
    def log_message(self, *args: Any) -> None:
        """Nobody reads it."""


class Databases:
    """One per node and run, each a copy of an empty one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.postgresql = connection.vendor == "postgresql"
        self.template = settings.DATABASES["default"]["NAME"]
        if not self.postgresql:
            entry = settings.DATABASES["default"]["OPTIONS"]
            entry["init_command"] = entry["init_command"].replace("synchronous=FULL", "synchronous=OFF")
        ready.fill()
        connections.close_all()

    def fresh(self, name: str) -> str:
        if not self.postgresql:
            shutil.copy(self.template, self.folder / name)
            return str(self.folder / name)
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_database()")
            template = cursor.fetchone()[0]
        self._elsewhere(
            f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", f"CREATE DATABASE {name} TEMPLATE {template}"
        )
        return name

    def _elsewhere(self, *statements: str) -> None:
        """From the server's own database: nobody may be in the one that is copied."""
        connections.close_all()
        use("postgres")
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
        connections.close_all()
        use(str(self.template))


def use(database: str) -> None:
    """Make it the database of this process."""
    connections.databases["default"]["NAME"] = database
    connections["default"].settings_dict["NAME"] = database


def fork(work: Callable[[], None]) -> int:
    """Run it in a process of its own; how that ended is its exit code."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        work()
        code = 0
    except BaseException:
        import traceback

        traceback.print_exc()
        sys.stderr.flush()
    os._exit(code)


def wait_for(pid: int) -> None:
    _, status = os.waitpid(pid, 0)
    assert status == 0, "a step of the village failed; see its log"


class Node:
    """One side: its database, its socket, and how often it has died."""

    def __init__(self, role: str, run: "Run") -> None:
        self.role, self.run = role, run
        self.database = run.databases.fresh(f"{role.lower()}_{os.getpid()}")
        self.server = ThreadedWSGIServer(("127.0.0.1", 0), Quiet)
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}/shapeshifter/api/v3/message"
        self.done = Value("i", 0)  # for how many rounds nothing has been left to do
        self.deaths = 0
        self.pid = 0

    def start(self) -> None:
        """Armed for the first visit, after the first death for the second one, then for none."""
        arm = f"{self.run.point}:{self.deaths + 1}" if self.deaths < self.run.visits else ""
        self.pid = fork(lambda: self._live(arm))

    def _live(self, arm: str) -> None:
        use(self.database)
        timezone.now = self.run.clock  # the clock of every door
        if self.run.broken is not None:
            self.run.broken()
        self.server.set_app(self.run.application)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        story = stories.STORIES[self.run.story](self.role, self.run.clock)
        crashpoints.arm(arm)
        jitter, swept = random.Random(1), 0.0
        while True:
            gateway.process(self.run.clock)
            gateway.deliver(self.run.clock, jitter)
            if time.monotonic() - swept > SWEEP_EVERY:
                gateway.expire(self.run.clock)
                swept = time.monotonic()
            story.step()
            self.done.value = self.done.value + 1 if story.is_done() else 0
            time.sleep(PAUSE)

    def look_after(self) -> None:
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid:
            code = os.waitstatus_to_exitcode(status)
            assert code == crashpoints.EXIT_CODE, f"{self.role} ended with {code}; see the log"
            self.deaths += 1
            self.done.value = 0
            self.start()

    def stop(self) -> None:
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        self.server.server_close()

    def report(self) -> verdict.Report:
        path = self.run.databases.folder / "report.json"

        def write() -> None:
            use(self.database)
            path.write_text(json.dumps(verdict.report(), default=str))

        wait_for(fork(write))
        found: verdict.Report = json.loads(path.read_text())
        return found


class Run:
    """One crash point in one story, from an empty market to silence."""

    def __init__(
        self,
        databases: Databases,
        application: WSGIHandler,
        *,
        point: str,
        story: str,
        visits: int,
        broken: str,
        patience: float,
    ) -> None:
        self.databases, self.application = databases, application
        self.point, self.story, self.visits, self.patience = point, story, visits, patience
        self.broken = stories.BROKEN.get(broken)
        self.clock = Clock(stories.STORIES[story].speed)
        self.nodes = [Node(role, self) for role in ROLES]

    def go(self) -> dict[str, Any]:
        kind = stories.STORIES[self.story]
        endpoints = {node.role: node.endpoint for node in self.nodes}
        told = introductions.introductions(endpoints, kind.conversations, automatic=kind.automatic)
        try:
            for node in self.nodes:
                wait_for(fork(lambda node=node: self._assemble(node, told[node.role])))  # type: ignore[misc]
                node.start()
            finished = self._watch()
        finally:
            for node in self.nodes:
                node.stop()
        reports = {node.role: node.report() for node in self.nodes}
        found = verdict.judge(reports["DSO"], reports["AGR"], kind.conversations, kind.end, kind.failing)
        deaths = {node.role: node.deaths for node in self.nodes}
        return {"finished": finished, "deaths": deaths, "text": str(found), **found.numbers()}

    def _assemble(self, node: Node, told: introductions.Introduction) -> None:
        use(node.database)
        market.assemble(told, self.clock())
        stories.STORIES[self.story].prepare(node.role)

    def _watch(self) -> bool:
        """Until both are done, and still are after they looked twice more: what one sends wakes the other.
        After a death for as long as the run's patience lasts."""
        deadline, died = time.monotonic() + LONGEST, False
        seen: list[int] = []
        while not seen or any(node.done.value < n + 2 for node, n in zip(self.nodes, seen, strict=True)):
            if time.monotonic() > deadline:
                return False
            for node in self.nodes:
                node.look_after()
            if not died and any(node.deaths for node in self.nodes):
                deadline, died = time.monotonic() + self.patience, True
            rounds = [node.done.value for node in self.nodes]
            if not all(rounds):
                seen = []
            elif not seen:
                seen = rounds
            time.sleep(0.01)
        return True


def warm_up() -> None:
    """Do once, before the forks, what a process does only once: import, compile schemas, open the broker."""
    hello = uftp.TestMessage(
        version="3.1.0",
        sender_domain="agr.faults.example",
        recipient_domain="dso.faults.example",
        time_stamp=datetime.now(UTC),
        message_id=outbox.new_id(),
        conversation_id=outbox.new_id(),
    )
    body = uftp.encode_envelope(
        uftp.SignedMessage(sender_domain=hello.sender_domain, sender_role="AGR", body=uftp.encode(hello))
    )
    uftp.decode(uftp.encode(hello))
    answer = Client(HTTP_HOST="localhost").post("/shapeshifter/api/v3/message", body, content_type="text/xml")
    assert answer.status_code == 419, answer.content
    bell.ring_now(bell.DELIVER)
    transport.post("http://127.0.0.1:9/", b"", unknown_before=False, allow_local=True)


def main() -> None:
    app.conf.broker_url = "memory://"
    databases = Databases(Path(sys.argv[1]))
    use(databases.fresh("warm"))
    warm_up()
    connections.close_all()
    use(str(databases.template))
    application = get_wsgi_application()
    for line in sys.stdin:
        said = json.loads(line)
        print(json.dumps(Run(databases, application, **said).go()), flush=True)


if __name__ == "__main__":
    main()
