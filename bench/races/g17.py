"""G17: mixed load for half an hour: people on pages, programs, messages, sweeps; nobody sees an error.

    python -m bench.races.g17 [--minutes 30] [--visitors 4] [--seed 1] [--colliding [--weak once]] [--json]

Starts a PostgreSQL, a web server with two processes and two workers of its own. Both sides of the trade
live in it, so that every message goes out and comes in over HTTP. Counts every status, and asks
PostgreSQL how often it had to break a deadlock; those must all have been run again without anybody noticing.

One lock order leaves none to be broken. With --colliding many transactions take two more locks in either
order, and do deadlock; with --weak once as well, nothing is run again: that must fail.
"""

import argparse
import logging
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import requests
from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import timezone

from bench.faults import town
from bench.races import crew
from bench.verdict import Verdict
from offers import models
from offers.services import gateway, overdue, tokens
from tests import cast, servers

WORKERS = 2
PAUSE = 0.1  # seconds between two rounds of a worker that found nothing
LIVES = (2, 5, 20, 90)  # seconds until an offer or a request expires
QUIET = 40.0  # seconds that the workers get at the end at most, to come to rest
AGAIN = "collided with another transaction"  # what services/atomic.py logs each time

Act = Callable[["Visitor"], None]


class Stage(NamedTuple):
    """Where everything is, and the keys to it."""

    url: str
    period: date
    secrets: dict[str, str]  # of a program, per role
    cookies: dict[str, str]  # of a person, per role
    bases: dict[str, str]  # the first address of each desk


class Visitor:
    """A program and a person of either side, who do one thing after the other."""

    def __init__(self, stage: Stage, seed: int) -> None:
        self.stage, self.dice, self.session = stage, random.Random(seed), requests.Session()
        self.seen: Counter[str] = Counter()
        self.errors: list[str] = []

    def call(self, method: str, path: str, role: str = "", body: Any = None, program: bool = True) -> Any:
        headers = {"Authorization": f"Bearer {self.stage.secrets[role]}"} if program else {}
        cookies = {} if program else {settings.SESSION_COOKIE_NAME: self.stage.cookies[role]}
        answer = self.session.request(
            method, self.stage.url + path, json=body, headers=headers, cookies=cookies, timeout=60,
            allow_redirects=False,
        )  # fmt: skip
        self.session.cookies.clear()
        self.seen[f"{'API' if program else 'page'} {answer.status_code}"] += 1
        if answer.status_code >= 500:
            self.errors.append(f"{answer.status_code} {method} {path}: {answer.text[:300]}")
        return answer

    def api(self, method: str, path: str, role: str, body: Any = None) -> Any:
        return self.call(method, f"/api/v1/{path}", role, body)

    def one(self, path: str, role: str) -> int | None:
        """The id of any of the newest rows of a list."""
        rows = self.api("GET", path, role).json().get("results", [])
        return int(self.dice.choice(rows)["id"]) if rows else None

    def until(self) -> datetime:
        return timezone.now() + timedelta(seconds=self.dice.choice(LIVES))


# --- what they do -----------------------------------------------------------------------------------------


def asks(v: Visitor) -> None:
    need = {"congestion_point": cast.POINT, "period": v.stage.period.isoformat()}
    made = v.api("POST", "request-groups/", "DSO", {**need, **cast.request_draft(v.until())})
    if made.status_code == 201:
        v.api("POST", f"request-groups/{made.json()['group']}/send/", "DSO")


def offers(v: Visitor) -> None:
    asked = v.one("requests/?state=accepted", "AGR") if v.dice.random() < 0.7 else None
    unsolicited = {"congestion_point": cast.POINT, "period": v.stage.period.isoformat()}
    what = {"flex_request": asked} if asked else unsolicited
    made = v.api("POST", "offers/", "AGR", {**what, **cast.offer_draft(v.until())})
    if made.status_code == 201:
        v.api("POST", f"offers/{made.json()['id']}/send/", "AGR")


def revokes(v: Visitor) -> None:
    if pk := v.one("offers/?state=accepted", "AGR"):
        v.api("POST", f"offers/{pk}/revoke/", "AGR")


def orders(v: Visitor) -> None:
    if pk := v.one("offers/?state=accepted", "DSO"):
        option = {"option_reference": v.dice.choice("ABC"), "activation_factor": "1.00"}
        v.api("POST", f"offers/{pk}/order/", "DSO", option)


def looks(v: Visitor) -> None:
    role = v.dice.choice(("AGR", "DSO"))
    path = v.dice.choice(("", "offers/", "requests/", "orders/", "console/", "orders/?format=csv"))
    v.call("GET", v.stage.bases[role] + path, role, program=False)


def reads_one(v: Visitor) -> None:
    role = v.dice.choice(("AGR", "DSO"))
    noun = v.dice.choice(("offers", "requests", "orders", "messages"))
    if pk := v.one(f"{noun}/", role):
        v.api("GET", f"{noun}/{pk}/", role)
        if noun != "messages":
            v.call("GET", f"{v.stage.bases[role]}{noun}/{pk}/", role, program=False)


ACTS: dict[Act, int] = {asks: 2, offers: 6, revokes: 4, orders: 6, looks: 5, reads_one: 4}


def visit(stage: Stage, seed: int, minutes: float) -> tuple[Counter[str], list[str]]:
    visitor, end = Visitor(stage, seed), time.monotonic() + minutes * 60
    while time.monotonic() < end:
        act = visitor.dice.choices(list(ACTS), list(ACTS.values()))[0]
        try:
            act(visitor)
        except requests.RequestException as error:
            visitor.errors.append(f"{act.__name__}: {error}")
    return visitor.seen, visitor.errors


class Heard(logging.Handler):
    """How many transactions were run again in this process."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        logging.getLogger("offers.services.atomic").addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.count += AGAIN in record.getMessage()


def work(seed: int, minutes: float) -> tuple[Counter[str], list[str]]:
    """What a worker does, without a broker: the three sweeps in turn."""
    dice, errors, rounds, heard = random.Random(seed), [], 0, Heard()
    end = time.monotonic() + minutes * 60
    while time.monotonic() < end or (under_way() and time.monotonic() < end + QUIET):
        for sweep in (gateway.process, lambda clock: gateway.deliver(clock, dice), gateway.expire):
            try:
                sweep(timezone.now)
            except Exception as error:
                errors.append(f"worker: {type(error).__name__}: {error}")
        rounds += 1
        time.sleep(PAUSE)
    return Counter(rounds=rounds, again=heard.count), errors


def under_way() -> bool:
    rows = models.Message.objects
    return rows.queued().exists() or rows.unprocessed().exists()


# --- the run ----------------------------------------------------------------------------------------------


@contextmanager
def web(port: int, log: Path):
    command = [sys.executable, "-m", "gunicorn", "flexportal.wsgi", "--bind", f"127.0.0.1:{port}"]
    with log.open("wb") as out:
        process = subprocess.Popen([*command, "--workers", "2", "--threads", "4"], stdout=out, stderr=out)
        try:
            wait_for(f"http://127.0.0.1:{port}/health/live/")
            yield
        finally:
            process.terminate()
            process.wait(20)


def wait_for(url: str) -> None:
    for _ in range(600):
        try:
            requests.get(url, timeout=5)
            return
        except requests.RequestException:
            time.sleep(0.1)
    raise RuntimeError(f"nobody answers at {url}")


def set_stage(url: str) -> Stage:
    everybody = cast.assemble(timezone.now())
    people = {"AGR": (everybody.trader, everybody.agr), "DSO": (everybody.operator, everybody.dso)}
    secrets, cookies, bases = {}, {}, {}
    for role, (user, participant) in people.items():
        membership = models.Membership.objects.get(user=user, participant=participant)
        secrets[role] = tokens.create(membership, "load", user, timezone.now())[1]
        client = Client()
        client.force_login(user)
        cookies[role] = client.cookies[settings.SESSION_COOKIE_NAME].value
        bases[role] = participant.path + "/"
    return Stage(url, timezone.now().date() + timedelta(days=1), secrets, cookies, bases)


def deadlocks() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


def run(minutes: float, visitors: int, seed: int) -> Verdict:
    port = settings.PUBLIC_URL.rpartition(":")[2]
    log = settings.STATE_DIR / "web.log"
    stage, verdict = set_stage(settings.PUBLIC_URL), Verdict("G17", seed)

    def lane(number: int, wait: Any) -> tuple[Counter[str], list[str]]:
        doing = visit if number < visitors else None
        return doing(stage, seed + number, minutes) if doing else work(seed + number, minutes)

    with web(int(port), log):
        ends = crew.together(visitors + WORKERS, lane)
    said = sum((seen for seen, _ in ends), Counter())
    for error in (text for _, errors in ends for text in errors):
        verdict.blame("unexpected", error)
    again = {"web": log.read_text().count(AGAIN), "workers": said.pop("again", 0)}
    verdict.tried = sum(count for name, count in said.items() if name != "rounds")
    verdict.recovered = sum(again.values())
    if (broken := deadlocks()) > verdict.recovered:
        verdict.blame("unexpected", f"{broken} deadlocks, but {verdict.recovered} transactions ran again")
    verdict.lost = models.Message.objects.filter(state="parked").count()
    verdict.lost += sum(1 for one in overdue.overdue(timezone.now()) if one.ours)
    verdict.figures = {
        "statuses": dict(said),
        "messages": models.Message.objects.count(),
        "offers": dict(Counter(models.FlexOffer.objects.values_list("state", flat=True))),
        "deadlocks": broken,
        "run again": again,
        "per second": round(verdict.tried / (minutes * 60), 1),
    }
    return verdict


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--visitors", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--colliding", action="store_true", help="make transactions deadlock")
    parser.add_argument("--weak", choices=["once"], default="", help="with --colliding a control: must fail")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def main() -> int:
    chosen = options()
    return run(chosen.minutes, chosen.visitors, chosen.seed).report(chosen.json)


LIMITLESS = {
    "API_READ_RATE": "10000000/min",
    "API_ACT_RATE": "10000000/min",
    "MESSAGES_PER_MINUTE": "10000000",
    "FLEXPORTAL_LOCAL_MARKET": "1",
    "REQUIRE_MFA": "0",
    "ALLOWED_HOSTS": "localhost,127.0.0.1,testserver",
}

if __name__ == "__main__":
    if crew.OWN not in os.environ:
        given = options()
        weak = ",".join(filter(None, ("colliding" if given.colliding else "", given.weak)))
        address = {"PUBLIC_URL": f"http://127.0.0.1:{servers.free_port()}"}
        os.environ |= LIMITLESS | town.weakened(weak, **address)
    raise SystemExit(crew.with_postgresql(main))
