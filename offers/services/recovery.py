"""Not to wait longer than the reason lasts: when a counterparty is back, or when our clock was set back."""

from datetime import datetime, timedelta

from offers import models
from offers.models import MessageState
from offers.models.messages import UNPROCESSED

from . import bell
from .atomic import atomic, locked

PROBE_EVERY = timedelta(seconds=60)
CHUNK = 10_000


def is_back(counterparty: models.Participant, now: datetime) -> int:
    """A message has reached it after it had failed: what waits for it is due now; how many."""
    return _due_now(models.Message.objects.queued().filter(counterparty=counterparty), now)


def was_heard(counterparty: int, now: datetime) -> int:
    """One that failed sends to us, so it may hear us again: we try, but once a minute at most."""
    queued = models.Message.objects.queued().filter(counterparty=counterparty)
    just_tried = models.Attempt.objects.filter(message__in=queued, started_at__gt=now - PROBE_EVERY)
    return 0 if just_tried.exists() else may_hear(counterparty, now)


def may_hear(counterparty: int, now: datetime) -> int:
    """Its oldest message tries now; when that arrives, `is_back` has the others follow."""
    first = models.Message.objects.queued().filter(counterparty=counterparty).order_by("pk")[:1]
    return _due_now(models.Message.objects.filter(pk__in=[row.pk for row in first.only("pk")]), now)


def clock_was_set_back(now: datetime) -> int:
    """What was planned by a clock that ran ahead would come late by as much: it is due now; how many."""
    waiting = models.Message.objects.filter(state__in=[MessageState.QUEUED, *UNPROCESSED])
    return _due_now(waiting, now)


def _due_now(rows: models.messages.MessageQuerySet, now: datetime) -> int:
    done = 0
    while count := _some_due_now(rows, now):
        done += count
    return done


@atomic
def _some_due_now(rows: models.messages.MessageQuerySet, now: datetime) -> int:
    later = locked(rows.filter(next_attempt_at__gt=now).order_by("pk"), skip_locked=True)
    changed = models.Message.objects.filter(pk__in=list(later.values_list("pk", flat=True)[:CHUNK]))
    count = changed.update(next_attempt_at=now)
    if count:
        bell.ring_on_commit(bell.DELIVER)
    return count
