"""Counting that holds in parallel: the database says yes at most `limit` times in a window, never more."""

import hashlib
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import F

from offers.models import Tally


def take(key: str, limit: int, window: timedelta, now: datetime) -> timedelta | None:
    """Count one more of `key`. None if it is within the limit; else how long until the next is.

    Each step is one statement that decides by its own row count, so any number of processes may race.
    The window begins with the first that is counted. Not for use inside a transaction: others would wait.
    """
    digest = _digest(key)
    rows = Tally.objects.filter(key=digest)
    for _ in range(2):
        if rows.filter(until__gt=now, count__lt=limit).update(count=F("count") + 1):
            return None
        if limit and rows.filter(until__lte=now).update(count=1, until=now + window):
            return None
        if limit and _first(digest, now + window, now):
            return None
    until = rows.values_list("until", flat=True).first()
    return max((until or now + window) - now, timedelta(seconds=1))


def _first(digest: str, until: datetime, now: datetime) -> bool:
    """Whether this was the first of its key. Who comes first also clears away what is over."""
    if Tally.objects.filter(key=digest).exists():
        return False
    Tally.objects.filter(until__lt=now - timedelta(hours=1)).delete()
    try:
        with transaction.atomic():
            Tally.objects.create(key=digest, count=1, until=until)
    except IntegrityError:
        return False
    return True


def give_back(key: str, now: datetime) -> None:
    """Count one of `key` less, because it turned out to be harmless."""
    rows = Tally.objects.filter(key=_digest(key), until__gt=now, count__gt=0)
    rows.update(count=F("count") - 1)


def forget(key: str) -> None:
    """Begin again with `key`."""
    Tally.objects.filter(key=_digest(key)).delete()


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
