"""G02: a process may die between any two steps; it comes back, and nothing is lost or doubled.

For each crash point two nodes live through a story that comes by it. Each node dies there at the first
visit, comes back, dies at the second visit, comes back, and then all must end as if nothing had been.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from offers import crashpoints
from tests import servers

pytestmark = pytest.mark.django_db

# Every other point lies on the way of a plain trade.
STORY = {
    "moves.updated": "expired",
    "moves.recorded": "expired",
    "revocation.moved": "revoked",
    "sweep.offer_expired": "expired",
    "sweep.request_expired": "expired",
    "sweep.unreviewed_rejected": "unreviewed",
    "planned.before_send": "planned",
    "planned.sent": "planned",
    "inbox.copy_answered_again": "copied",
    "outbox.queued_again": "copied",
    "inbox.copy_judged_again": "rejected",
    "process.failure_noted": "keyless",
    "keys.added": "rekeyed",
    "keys.changed": "rekeyed",
    "gateway.given_up": "unreachable",
    "sweep.failed": "unreachable",
}

PATIENCE = 120.0
TOLD_AT_MOST = 3  # times: on a slow machine a story may end before the point is visited again
ON_POSTGRESQL = settings.DATABASES["default"]["ENGINE"].endswith("postgresql")
# Where the death leaves a transaction open or its end unknown, a server behaves in its own way. The others
# are the same code on both, and run there with FAULTS=all.
IN_TRANSACTION = (
    "inbox.after_insert",
    "process.taken",
    "process.judged",
    "process.before_commit",
    "process.committed",
    "outbox.before_claim_commit",
    "outbox.after_post",
    "outbox.before_settle_commit",
    "move.updated",
    "order.answer_half_noted",
    "sweep.offer_expired",
)
ALL = not ON_POSTGRESQL or os.environ.get("FAULTS") == "all"


class Village:
    """The program that forks the nodes; see village.py."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.log = folder / "village.log"
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "flexportal.settings",
            "PYTHONPATH": str(settings.BASE_DIR),
            "STATE_DIR": str(folder),
            "DATABASE_URL": database_url,
            "REDIS_URL": "",
            "FLEXPORTAL_LOCAL_MARKET": "1",
            "CRASH_AT": "",
        }
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.village", str(folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
                cwd=settings.BASE_DIR,
                text=True,
            )

    def live(
        self, point: str, visits: int = 2, broken: str = "", patience: float = PATIENCE
    ) -> dict[str, Any]:
        said = {"point": point, "story": STORY.get(point, "story"), "visits": visits}
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps({**said, "broken": broken, "patience": patience}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, self.log.read_text()[-4000:]
        found: dict[str, Any] = json.loads(line)
        return found

    def stop(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@pytest.fixture(scope="module")
def village(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Village]:
    folder = tmp_path_factory.mktemp("village")
    with ExitStack() as stack:
        url = f"sqlite:///{folder}/template.sqlite3"
        if ON_POSTGRESQL:
            url = stack.enter_context(servers.postgresql())
        place = Village(folder, url)
        stack.callback(place.stop)
        yield place


@pytest.mark.parametrize("point", sorted(crashpoints.POINTS if ALL else IN_TRANSACTION))
def test_g02_a_crash_loses_and_doubles_nothing(village: Village, point: str) -> None:
    for _ in range(TOLD_AT_MOST):
        found = village.live(point)
        assert found["finished"] and not found["lost"] + found["doubled"] + found["unexpected"], found["text"]
        if max(found["deaths"].values()) == 2:
            return
    pytest.fail(f"{point} is not visited twice: {found}")


@pytest.mark.control
@pytest.mark.parametrize(
    ("point", "broken", "harm"),
    [
        ("process.taken", "200 before storing", "was delivered and is not there"),
        ("process.judged", "no transaction", "parked|IntegrityError|must be higher|times|rows"),
        ("outbox.after_post", "no lease", "still queued after 1 attempts"),
    ],
)
def test_g02_control_without_its_protection_a_crash_does_harm(
    village: Village, point: str, broken: str, harm: str
) -> None:
    for patience in (6.0, 30.0):  # a busy machine may have come to the death only
        found = village.live(point, broken=broken, patience=patience)
        assert max(found["deaths"].values()) > 0
        if re.search(harm, found["text"]):
            return
    raise AssertionError(found["text"])
