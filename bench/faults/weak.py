"""Settings with a protection taken away, for the controls: WEAK says which ones."""

import os

from flexportal.settings import *  # noqa: F403
from flexportal.settings import INSTALLED_APPS as OURS

INSTALLED_APPS = [*OURS, "bench.faults.weakness.Weakness"]

if "owing" in os.environ["WEAK"].split(","):
    CELERY_TASK_QUEUES = None
    CELERY_TASK_ACKS_LATE, CELERY_WORKER_PREFETCH_MULTIPLIER = True, 1
