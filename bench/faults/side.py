"""One installation from within: runs in its environment, assembles its market, trades for it, reports.

python -m bench.faults.side assemble < introduction.json
python -m bench.faults.side trade < plan.json        prints how many conversations are closed
python -m bench.faults.side report                   prints what the verdict asks
"""

import json
import logging
import sys
import time
from datetime import date, timedelta
from typing import Any

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import InterfaceError, OperationalError, connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from offers.domain import IllegalMove  # noqa: E402

from . import introductions, market, trader, verdict  # noqa: E402

IDLE_SECONDS = 0.2
QUIET_TURNS = 3
AWAY = (OperationalError, InterfaceError)

log = logging.getLogger(__name__)


def assemble(said: dict[str, Any]) -> None:
    call_command("migrate", verbosity=0, interactive=False)
    market.assemble(introductions.Introduction.from_json(said), timezone.now())


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


def main(verb: str) -> None:
    if verb == "assemble":
        assemble(json.load(sys.stdin))
    elif verb == "trade":
        trade(json.load(sys.stdin))
    else:
        json.dump(verdict.report(), sys.stdout, default=str)


if __name__ == "__main__":
    main(sys.argv[1])
