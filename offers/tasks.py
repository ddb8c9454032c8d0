"""Celery tasks: they carry nothing and make one call, so that losing or doubling one is harmless."""

import random

from celery import shared_task
from django.utils import timezone

from offers.services import gateway, heartbeat


@shared_task(ignore_result=True)
def deliver_due() -> None:
    heartbeat.file().touch()
    gateway.deliver(timezone.now, random.SystemRandom())


@shared_task(ignore_result=True)
def process_inbox() -> None:
    gateway.process(timezone.now)


@shared_task(ignore_result=True)
def expire_due() -> None:
    gateway.expire(timezone.now)
