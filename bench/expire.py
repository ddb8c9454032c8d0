"""The expiry sweep over a million offers of which ten thousand are due: what it costs follows what is due.

Run as `python -m bench.expire`. On PostgreSQL with every commit on the disk, and on SQLite.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

from bench import report
from tests import ready, servers

SIZES = {"1m": 1_000_000, "100k": 100_000}
DUE = 10_000
BATCH = 50_000


def fill(offers: int, due: int, now: Any) -> None:
    """So many accepted offers, each with its message; the last ones of them are due."""
    from django.core.management import call_command
    from django.db import connection

    from offers import models

    call_command("flush", verbosity=0, interactive=False)
    parties = {
        role: models.Participant.objects.create(
            domain=f"{role}.bench.example".lower(), role=role, name=role, hosted=True
        )
        for role in ("AGR", "DSO")
    }
    agr, dso = parties["AGR"], parties["DSO"]
    point = models.CongestionPoint.objects.create(entity_address="ea1.2026-01.example:1", name="1", dso=dso)
    moments = {"now": now, "later": now + timedelta(days=1)}
    given = {name: connection.ops.adapt_datetimefield_value(moment) for name, moment in moments.items()}
    given |= {"owner": agr.pk, "other": dso.pk, "point": point.pk}
    with connection.cursor() as cursor:
        for first in range(0, offers, BATCH):
            numbers = {"first": first + 1, "last": min(first + BATCH, offers), "alive": offers - due}
            for statement in (MESSAGES, OFFERS):
                cursor.execute(statement, {**given, **numbers})
        cursor.execute("ANALYZE")


NUMBERS = """WITH RECURSIVE number(i) AS (
    SELECT CAST(%(first)s AS integer) UNION ALL SELECT i + 1 FROM number WHERE i < %(last)s)"""

MESSAGES = f"""{NUMBERS}
    INSERT INTO offers_message (id, owner_id, direction, counterparty_id, type, version, message_id, variant,
        conversation_id, sha256, key_used, peer_address, about, created_at, state, state_at, error, attempts,
        next_attempt_at, lease_token, unknown_outcome, wants_answer, answer, answer_reason)
    SELECT i, %(owner)s, 'out', %(other)s, 'FlexOffer', '3.1.0', 'm-' || i, '', 'c-' || i, '', '', '', '',
        %(now)s, 'delivered', %(now)s, '', 1, %(now)s, '', false, true, 'accepted', ''
    FROM number"""  # noqa: S608 - nothing of it comes from outside

OFFERS = f"""{NUMBERS}
    INSERT INTO offers_flexoffer (id, owner_id, counterparty_id, congestion_point_id, period, version,
        state_at, reason, created_at, message_id, state, expires_at, baseline_reference,
        d_prognosis_message_id, currency, draft)
    SELECT i, %(owner)s, %(other)s, %(point)s, '2031-03-03', 1, %(now)s, '', %(now)s, i,
        CASE i %% 2 WHEN 0 THEN 'accepted' ELSE 'sent' END,
        CASE WHEN i > %(alive)s THEN %(now)s ELSE %(later)s END, '', '', 'EUR', '{{}}'
    FROM number"""  # noqa: S608


def measure(sizes: dict[str, int], due: int) -> list[dict[str, Any]]:
    """In this process, on the database that DATABASE_URL names."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "flexportal.settings"
    import django

    django.setup()
    from django.db import connection
    from django.utils import timezone

    from offers import models
    from offers.services import trading

    ready.fill()
    found = []
    for name, offers in sizes.items():
        now = timezone.now()
        fill(offers, due, now)
        started = time.perf_counter()
        done = trading.expire_due(now)
        taken = time.perf_counter() - started
        started = time.perf_counter()
        assert trading.expire_due(now) == 0
        idle = time.perf_counter() - started
        expired = models.FlexOffer.objects.filter(state="expired").count()
        assert done == due == expired, (done, due, expired)
        assert models.Event.objects.count() == due
        found.append({"name": name, "database": connection.vendor, "seconds": taken, "idle": idle})
    return found


def in_child(sizes: dict[str, int], due: int, environment: dict[str, str]) -> list[dict[str, Any]]:
    """Django reads its database's address once: each database has a process of its own."""
    command = [sys.executable, "-m", "bench.expire", "--due", str(due), "--here", json.dumps(sizes)]
    done = subprocess.run(command, env={**os.environ, **environment}, check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    options = report.parser(__doc__)
    options.add_argument("--offers", type=int, nargs="+", default=list(SIZES.values()))
    options.add_argument("--due", type=int, default=DUE)
    options.add_argument("--no-postgresql", action="store_true")
    options.add_argument("--here", type=json.loads, help=argparse.SUPPRESS)  # what a child is to do
    given = options.parse_args()
    if given.here:
        print(json.dumps(measure(given.here, given.due)))
        return
    sizes = dict(zip(SIZES, given.offers, strict=False))
    report.heading(f"Expiry of {given.due:,} offers (seconds)")
    rows, keys = [], {}
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="flexportal-bench-"))
        databases = {"_sqlite": f"sqlite:///{folder}/bench.sqlite3"}
        if not given.no_postgresql:
            databases = {"": stack.enter_context(servers.postgresql(durable=True)), **databases}
        for suffix, url in databases.items():
            environment = {"STATE_DIR": folder, "REDIS_URL": "", "DATABASE_URL": url}
            for one in in_child(sizes, given.due, environment):
                rows.append(
                    [f"{sizes[one['name']]:,} offers, {one['database']}", one["seconds"], one["idle"]]
                )
                keys[f"seconds_{one['name']}{suffix}"] = one["seconds"]
                keys[f"idle_seconds_{one['name']}{suffix}"] = one["idle"]
    report.table(["", "sweep", "again, nothing due"], rows)
    report.finish(keys, given.json)


if __name__ == "__main__":
    main()
