"""Signs of life: each sweep leaves one, and whoever looks after the portal sees when they stop."""

from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings

from offers.models import Heartbeat

from . import sql

SWEEPS = ("deliver", "process", "expire")
NOTED_EVERY = timedelta(seconds=15)  # a write at every ring would keep SQLite busy with nothing
SKEW = timedelta(seconds=5)  # between the clocks of two machines
SILENT_AFTER = timedelta(seconds=60)


def file() -> Path:
    """What a worker touches at every sweep, so that a supervisor on this machine sees it hear the bell."""
    return Path(settings.STATE_DIR) / "heartbeat"


def beat(sweep: str, now: datetime) -> bool:
    """Note that a sweep runs; whether the clock was set back since it last ran."""
    seen = sql.find(Heartbeat, name=sweep)
    last = seen.at if seen is not None else None
    if last is None or not now - NOTED_EVERY < last <= now:
        if not Heartbeat.objects.filter(name=sweep).update(at=now):  # one statement, but for the first time
            Heartbeat.objects.get_or_create(name=sweep, defaults={"at": now})
    return last is not None and last > now + SKEW


def ages(now: datetime) -> dict[str, timedelta | None]:
    """How long ago each sweep was seen; None for one that never was, or only in what is now the future."""
    seen = dict(Heartbeat.objects.values_list("name", "at"))
    grace = now + SILENT_AFTER
    return {
        name: max(now - seen[name], timedelta(0)) if seen.get(name, grace) < grace else None
        for name in SWEEPS
    }


def silent(now: datetime) -> list[str]:
    """The sweeps that did not run for a minute: no beat rings, or no worker hears it."""
    return [name for name, age in ages(now).items() if age is None or age > SILENT_AFTER]
