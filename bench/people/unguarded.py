"""The control of G35: the same portal, with a limit that reads, thinks and writes."""

import time
from datetime import datetime, timedelta

from flexportal.wsgi import application
from offers.models import Tally
from offers.services import rates


def take(key: str, limit: int, window: timedelta, now: datetime) -> timedelta | None:
    known = {"count": 0, "until": now + window}
    row, _ = Tally.objects.get_or_create(key=rates._digest(key), defaults=known)
    if row.count >= limit:
        return window
    time.sleep(0.2)  # what a busy machine does between reading and writing
    row.count += 1
    row.save()
    return None


rates.take = take
__all__ = ["application"]
