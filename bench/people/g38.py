"""G38: a signing key and the master key are changed under load; the counterparties refuse nothing.

    python -m bench.people.g38 [--messages 2000] [--unprepared] [--json]

Needs DATABASE_URL to point at an empty database, or makes an SQLite file for itself.
"""

import argparse
import os
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

HOURS_ANNOUNCED, HOURS_HELD = 7.7, 5.7  # how long the procedures of rotation.py take on their own clock


def prepare(folder: Path) -> None:
    os.environ.setdefault("DATABASE_URL", f"sqlite:///{folder}/db.sqlite3")
    os.environ.update(STATE_DIR=str(folder), REDIS_URL="", DJANGO_SETTINGS_MODULE="flexportal.settings")
    import django

    django.setup()
    from bench.races import crew
    from tests import ready

    crew.silence_the_bell()  # nobody listens, and rings would fill the folder while it is taken away
    ready.fill()


def run(messages: int, prepared: bool) -> Any:
    """The verdict: a third of the messages for each of the two procedures, a third for the master key."""
    from bench.verdict import Verdict
    from tests import cast

    everybody, verdict, third = cast.assemble(), Verdict("G38", seed=38), messages // 3
    to_two_keys(verdict, everybody.agr, third, prepared)
    to_the_library(verdict, everybody.dso, third, prepared)
    of_master_key(verdict, everybody, third // 2, prepared)
    return verdict


def to_two_keys(verdict: Any, sender: Any, messages: int, prepared: bool) -> None:
    from . import rotation

    record = rotation.Record()
    traffic = _traffic(sender, rotation.TwoKeys(record), HOURS_ANNOUNCED, messages)
    rotation.announced(traffic, record, announce=prepared)
    _count(verdict, "to a counterparty of the specification, two keys", traffic)


def to_the_library(verdict: Any, sender: Any, messages: int, prepared: bool) -> None:
    from . import rotation

    record = rotation.Record()
    with rotation.library(record) as read:
        traffic = _traffic(sender, read, HOURS_HELD, messages)
        rotation.held(traffic, record, hold=prepared)
    _count(verdict, "to the official library, one key, kept for 1 h", traffic)


def of_master_key(verdict: Any, everybody: Any, each: int, prepared: bool) -> None:
    from django.conf import settings

    from offers.services import trading
    from tests.cast import NOON

    from . import rotation

    def send() -> None:
        trading.send_test(everybody.agr, everybody.dso, NOON)

    def use(master_keys: list[str]) -> None:
        settings.MASTER_KEYS = master_keys

    failed = rotation.master_key(settings.MASTER_KEYS[0], send, use, each, encrypt_anew=prepared)
    verdict.tried += 2 * each
    verdict.unexpected += failed
    verdict.figures["not sealed while the master key changed"] = failed


def _traffic(sender: Any, read: Any, hours: float, messages: int) -> Any:
    from offers.models import Participant
    from tests.cast import NOON

    from . import rotation

    recipient = Participant.objects.create(domain=f"to.{sender.domain}", role="DSO", name="Counterparty")
    return rotation.Traffic(sender, recipient, read, timedelta(hours=hours / messages), NOON)


def _count(verdict: Any, name: str, traffic: Any) -> None:
    verdict.tried += traffic.sent
    verdict.unexpected += traffic.refused
    verdict.lost += traffic.waiting
    verdict.figures[name] = dict(traffic.answers)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--unprepared", action="store_true", help="the control, which must fail")
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder))
        return int(run(wanted.messages, not wanted.unprepared).report(wanted.json))


if __name__ == "__main__":
    raise SystemExit(main())
