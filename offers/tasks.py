"""Celery tasks: they carry nothing and make one call, so that losing or doubling one is harmless."""

import random
from pathlib import Path

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from offers.services import gateway


def heartbeat_file() -> Path:
    """What a worker touches at every sweep, so that a supervisor on this machine sees it hear the bell."""
    return Path(settings.STATE_DIR) / "heartbeat"


@shared_task(ignore_result=True)
def deliver_due() -> None:
    heartbeat_file().touch()
    gateway.deliver(timezone.now, random.SystemRandom())


@shared_task(ignore_result=True)
def process_inbox() -> None:
    gateway.process(timezone.now)


@shared_task(ignore_result=True)
def expire_due() -> None:
    gateway.expire(timezone.now)
