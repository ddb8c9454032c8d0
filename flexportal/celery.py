"""The Celery app. With REDIS_URL the bell rings over Redis, otherwise over files in STATE_DIR."""

import os
import sys
import threading
from typing import Any

from celery import Celery, beat, signals
from django.conf import settings
from django.utils.log import configure_logging
from kombu.transport import TRANSPORT_ALIASES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "flexportal.settings")
TRANSPORT_ALIASES["atomicfs"] = "flexportal.broker:Transport"

# Beat knows tasks by their names only; without Django's apps and ours it takes half of the memory.
BEAT = "celery" in sys.argv[0] and "beat" in sys.argv[1:]

app = Celery("flexportal", fixups=[] if BEAT else None)
app.config_from_object("django.conf:settings", namespace="CELERY")
if not BEAT:
    app.autodiscover_tasks()


@signals.worker_ready.connect
def beat_in_worker(**kwargs: Any) -> None:
    """One worker on one machine may ring by itself, which saves a process: beat as one of its threads.

    Nothing is lost with it: what is due stands in the database.
    """
    if settings.BEAT_IN_WORKER:
        service = beat.Service(app, max_interval=5, scheduler_cls=beat.Scheduler)
        threading.Thread(target=service.start, name="beat", daemon=True).start()


@signals.setup_logging.connect
def log_as_the_web_does(**kwargs: Any) -> None:
    configure_logging(settings.LOGGING_CONFIG, settings.LOGGING)
