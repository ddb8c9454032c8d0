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
