"""The worker as a process of its own."""

import os
import subprocess
import sys

import pytest
from django.conf import settings

STARTED = """
import os
from celery import signals
from flexportal.celery import app
before = os.nice(0)
signals.worker_init.send(sender=None)
print(os.nice(0) - before)
"""


@pytest.mark.parametrize(("given", "steps"), [("", 5), ("0", 0), ("3", 3)])
def test_the_worker_stands_behind_the_web_server(given: str, steps: int) -> None:
    environment = {**os.environ, "WORKER_NICE": given, "DJANGO_SETTINGS_MODULE": "flexportal.settings"}
    done = subprocess.run(
        [sys.executable, "-c", STARTED],
        env=environment,
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) == min(steps, 19 - os.nice(0))


KEPT = """
import django
django.setup()
from celery import signals
from django.db import connection
from flexportal.celery import app
from offers import tasks
signals.worker_init.send(sender=None)
connection.ensure_connection()
first = connection.connection
for ring in (signals.task_prerun, signals.task_postrun) * 3:
    ring.send(sender=tasks.deliver_due)
print(connection.connection is first)
connection.close_at = 0
signals.task_prerun.send(sender=tasks.deliver_due)
print(connection.connection is None)
"""


@pytest.mark.postgres
def test_a_worker_keeps_its_connection_between_two_rings_until_it_is_old() -> None:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "flexportal.settings", "WORKER_NICE": "0"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", KEPT],
        env=environment,
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["True", "True"]
