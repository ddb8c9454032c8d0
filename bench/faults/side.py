"""One installation from within: runs in its environment, assembles its market, trades for it, reports.

python -m bench.faults.side serve    a line of JSON for each [verb, argument], a line for what it returns
python -m bench.faults.side trade < plan.json        prints how many conversations are closed
"""

import json
import logging
import os
import sys
import time
from datetime import date, timedelta
from typing import Any

import django

django.setup()

from django.db import InterfaceError, OperationalError, connection, transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from offers import models  # noqa: E402
from offers.domain import IllegalMove  # noqa: E402
from offers.services import bell, keys, trading  # noqa: E402
from tests import ready  # noqa: E402

from . import introductions, market, trader, verdict, walls  # noqa: E402

IDLE_SECONDS = 0.2
QUIET_TURNS = 3
PATIENCE = 0.3
AWAY = (OperationalError, InterfaceError)

log = logging.getLogger(__name__)


def migrate(said: dict[str, Any]) -> None:
    ready.fill()


def assemble(said: dict[str, Any]) -> None:
    market.assemble(introductions.Introduction.from_json(said), timezone.now())
    walls.take_down(os.environ.get("WEAK", ""))


def know(said: dict[str, Any]) -> None:
    market.know(said, timezone.now())


def queue(said: dict[str, Any]) -> None:
    """Test messages, with a pause between them, so that it shows how long each takes."""
    other = models.Participant.objects.get(domain=said["to"])
    me = models.Participant.objects.get(domain=said["from"])
    for _ in range(said["count"]):
        trading.send_test(me, other, timezone.now())
        time.sleep(said["pause"])


def trade(said: dict[str, Any]) -> None:
    """Trade until the input ends; a line for each change of what is closed and what is under way."""
    someone = None
    state = (-1, -1)
    while True:
        try:
            someone = someone or _trader(said)
            done = someone.step(timezone.now())
            seen = (someone.closed(), someone.open_messages())
        except AWAY:
            connection.close()
            time.sleep(IDLE_SECONDS)
            continue
        except IllegalMove as error:  # the row moved after we had looked
            log.info("Too late: %s", error)
            continue
        if seen != state:
            state = seen
            print(json.dumps({"closed": seen[0], "open": seen[1]}), flush=True)
        if not done:
            time.sleep(IDLE_SECONDS)


def _trader(said: dict[str, Any]) -> trader.Trader:
    return trader.SIDES[said["role"]](
        date.fromisoformat(said["first_day"]),
        said["conversations"],
        said["window"],
        timedelta(hours=said["valid_hours"]),
    )


def report(said: None) -> Any:
    return verdict.report()


def rekey(said: dict[str, Any]) -> str:
    """A new signing key, which signs after so many seconds; its public half."""
    now = timezone.now()
    me = models.Participant.objects.get(domain=said["domain"])
    return keys.change_over(me, now, timedelta(hours=1), now + timedelta(seconds=said["after"])).public


def trust(said: dict[str, Any]) -> None:
    keys.add_public_key(models.Participant.objects.get(domain=said["domain"]), said["public"], timezone.now())


def refusals(said: None) -> list[str]:
    """What the endpoint refused because of its seal."""
    rows = models.Refusal.objects.filter(status__in=[401, 419]).order_by("pk")
    return [f"{row.status} {row.text}" for row in rows]


def ring(times: int) -> None:
    """Ring for both kinds of work, without looking into the database."""
    for _ in range(times):
        bell.ring_now(bell.PROCESS)
        bell.ring_now(bell.DELIVER)


def stand(said: None) -> list[int]:
    """How many messages are under way, and how many there are."""
    rows = models.Message.objects
    return [rows.unprocessed().count() + rows.queued().count(), rows.count()]


def writable(said: None) -> bool:
    """Whether nobody sits on the participants; with SQLite on the file, which may not even open then."""
    options = connection.settings_dict["OPTIONS"]
    kept = dict(options)
    if connection.vendor == "sqlite":
        options["timeout"] = PATIENCE
    try:
        with connection.cursor() as cursor, transaction.atomic():
            if connection.vendor == "postgresql":
                cursor.execute(f"SET LOCAL lock_timeout = '{PATIENCE}s'")
            list(models.Participant.objects.select_for_update())
    except OperationalError:
        return False
    finally:
        connection.settings_dict["OPTIONS"] = kept
    return True


CALLED = (migrate, assemble, know, queue, refusals, rekey, report, ring, stand, trust, writable)
VERBS = {verb.__name__: verb for verb in CALLED}


def serve() -> None:
    """Do what the lines ask for, one after the other; no connection is kept in between."""
    for line in sys.stdin:
        verb, said = json.loads(line)
        answer = json.dumps(VERBS[verb](said), default=str)
        connection.close()
        print(answer, flush=True)


if __name__ == "__main__":
    serve() if sys.argv[1] == "serve" else trade(json.load(sys.stdin))
