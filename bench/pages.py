"""Server time and queries of every page, list, live fragment, API list and CSV over a million offers.

Run as `python -m bench.pages`. A PostgreSQL of its own is filled twice: with few rows, to count the queries
of each page, and with all of them, to count again and to time. The time is what the whole stack takes in one
process, from request to response, without the network; of a CSV it is what its first line takes.
"""

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from itertools import islice
from typing import Any

from bench import report
from tests import ready, servers

OFFERS, FEW = 1_000_000, 2000
TIMES = 15
LIMIT_MS = 100.0


@contextmanager
def portal(url: str) -> Iterator[None]:
    """The web process on the database at `url`, migrated, without limits for the one who measures."""
    os.environ |= {"DATABASE_URL": url, "REDIS_URL": "", "API_READ_RATE": "10000000/min"}
    os.environ["DJANGO_SETTINGS_MODULE"] = "flexportal.settings"
    import flexportal.wsgi  # noqa: F401  # loaded as gunicorn does

    logging.disable(logging.WARNING)
    from django.conf import settings

    settings.ALLOWED_HOSTS.append("testserver")
    ready.fill()
    yield


def fill(offers: int) -> float:
    """Seconds that it took."""
    from django.core.management import call_command

    from bench import volume

    call_command("flush", verbosity=0, interactive=False)
    started = time.perf_counter()
    volume.fill(offers)
    return time.perf_counter() - started


def visitor() -> Any:
    from django.contrib.auth.models import User
    from django.test import Client

    client = Client()
    client.force_login(User.objects.get(username="manager"))
    return client


def visit(client: Any, path: str, kind: str) -> None:
    response = client.get(path, headers={"HX-Request": "true"} if kind == "live" else {})
    assert response.status_code in (200, 302, 410), (path, response.status_code)
    if kind == "csv":
        next(iter(response.streaming_content))


def queries(client: Any, every: int) -> dict[tuple[str, str], int]:
    """By page, of every so many. Keys differ between two fillings; the order says which page is which."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from bench.addresses import addresses

    found = {}
    for path, kind in islice(addresses(), 0, None, every):
        visit(client, path, kind)  # whatever is kept, is so now
        with CaptureQueriesContext(connection) as captured:
            visit(client, path, kind)
        found[path, kind] = len(captured)
    return found


def timed(client: Any, path: str, kind: str, times: int) -> list[float]:
    """Milliseconds of each visit."""
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        visit(client, path, kind)
        taken.append((time.perf_counter() - started) * 1000)
    return taken


def measure(
    times: int, every: int, few: dict[tuple[str, str], int]
) -> tuple[list[list[Any]], dict[str, Any]]:
    client = visitor()
    many = queries(client, every)
    before = list(few.values()) or list(many.values())
    rows = []
    for (page, number), known in zip(many.items(), before, strict=True):
        taken = timed(client, *page, times)
        name = f"{page[1]} {page[0]}" if page[1] != "page" else page[0]
        rows.append([name, report.median(taken), report.percentile(taken, 0.95), number, known])
    worst = max(rows, key=lambda row: row[2])
    keys = {
        "worst_p95_ms": worst[2],
        "worst_page": worst[0],
        "pages": len(rows),
        "pages_over_100_ms": sum(row[2] > LIMIT_MS for row in rows),
        "most_queries": max(row[3] for row in rows),
        "pages_with_more_queries": sum(row[3] > row[4] for row in rows),
        "more_queries": [row[0] for row in rows if row[3] > row[4]],
    }
    return rows, keys


def main() -> None:
    options = report.parser(__doc__)
    options.add_argument("--offers", type=int, default=OFFERS)
    options.add_argument("--few", type=int, default=FEW, help="offers of the first filling")
    options.add_argument("--times", type=int, default=TIMES, help="visits of each page")
    options.add_argument("--every", type=int, default=1, help="2 leaves every other page out")
    options.add_argument("--filled", action="store_true", help="take the database at DATABASE_URL as it is")
    given = options.parse_args()
    database = nullcontext(os.environ.get("DATABASE_URL", "")) if given.filled else servers.postgresql()
    with database as url, portal(url):
        report.heading(
            f"Every page over {given.offers:,} offers, 3 options and 4 messages each (milliseconds)"
        )
        few = {}
        if not given.filled:
            fill(given.few)
            few = queries(visitor(), given.every)
            print(f"filled in {fill(given.offers):,.0f} s\n")
        rows, keys = measure(given.times, given.every, few)
        rows.sort(key=lambda row: -row[2])
        report.table(["page", "p50", "p95", "queries", "over few rows"], rows)
        print(f"slowest: {keys['worst_page']}, p95 {keys['worst_p95_ms']:.0f} ms")
        report.finish(keys, given.json)


if __name__ == "__main__":
    main()
