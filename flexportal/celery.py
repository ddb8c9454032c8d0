"""The Celery app. With REDIS_URL the bell rings over Redis, otherwise over files in STATE_DIR."""

import logging
import os
import sys
import threading
import time
from typing import Any

from celery import Celery, beat, signals
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import close_old_connections
from django.utils.log import configure_logging
from kombu.transport import TRANSPORT_ALIASES

from . import heap

log = logging.getLogger(__name__)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "flexportal.settings")
# Django's checks load every page and form, and Celery does not look at what they find: see refuse_unsafe.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")
TRANSPORT_ALIASES["atomicfs"] = "flexportal.broker:Transport"

# Beat knows tasks by their names only; without Django's apps and ours it takes half of the memory.
BEAT = "celery" in sys.argv[0] and "beat" in sys.argv[1:]

app = Celery("flexportal", fixups=[] if BEAT else None, task_cls="flexportal.rings:Ring")
app.config_from_object("django.conf:settings", namespace="CELERY")
if not BEAT:
    app.autodiscover_tasks()


@signals.worker_ready.connect
def is_loaded(**kwargs: Any) -> None:
    heap.is_loaded()


@signals.worker_ready.connect
def beat_in_worker(**kwargs: Any) -> None:
    """One worker on one machine may ring by itself, which saves a process: beat as one of its threads.

    Nothing is lost with it: what is due stands in the database.
    """
    if settings.BEAT_IN_WORKER:
        service = beat.Service(app, max_interval=5, scheduler_cls=beat.Scheduler)
        threading.Thread(target=service.start, name="beat", daemon=True).start()


class Sweeper(threading.Thread):
    """Does what beat would ring for while no bell is heard: the work goes on without the broker (G03)."""

    EVERY = 5.0  # seconds, as beat

    def __init__(self) -> None:
        super().__init__(name="sweeper", daemon=True)
        rung = (str(entry["task"]) for entry in settings.CELERY_BEAT_SCHEDULE.values())
        self.heard_at = dict.fromkeys(rung, time.monotonic())

    def hear(self, sender: Any, **kwargs: Any) -> None:
        self.heard_at[sender.name] = time.monotonic()

    def run(self) -> None:
        while True:
            time.sleep(self.EVERY)
            for name in list(self.heard_at):
                if time.monotonic() - self.heard_at[name] >= 2 * self.EVERY:
                    self.sweep(name)

    def sweep(self, name: str) -> None:
        try:
            app.tasks[name]()
        except Exception:  # the database may be away as well
            log.exception("A sweep without the broker failed; the next one is in a moment")
        finally:
            close_old_connections()


@signals.task_prerun.connect
@signals.task_postrun.connect
def keep_the_connection(**kwargs: Any) -> None:
    """As a request does: a new connection for each ring would cost PostgreSQL more than the work itself.

    One that is broken or old is closed here; Celery's own way, to close all, is off (CELERY_DB_REUSE_MAX).
    """
    close_old_connections()


@signals.worker_init.connect
def refuse_unsafe(**kwargs: Any) -> None:
    """As the web server does; Celery would only log what a receiver of its signals raises."""
    from . import unsafe  # it has a check, and checks need the apps

    try:
        unsafe.refuse()
    except ImproperlyConfigured as fault:
        sys.exit(str(fault))


@signals.worker_init.connect
def prepare_statements(**kwargs: Any) -> None:
    """A worker asks the same all day: PostgreSQL plans it once, which saves a third of what a message costs.

    Not so for pages: what is best for a list of theirs hangs on what they look for.
    """
    if settings.DATABASES["default"]["ENGINE"].endswith("postgresql"):
        settings.DATABASES["default"]["OPTIONS"].setdefault("prepare_threshold", 2)


@signals.worker_init.connect
def let_the_door_go_first(**kwargs: Any) -> None:
    """Where both want one processor: a counterparty waits for its 200, its answer has a while."""
    os.nice(settings.WORKER_NICE)


@signals.worker_init.connect
def sweep_unrung(**kwargs: Any) -> None:
    """Before the worker looks for its broker, which it may have to wait for."""
    sweeper = Sweeper()
    signals.task_prerun.connect(sweeper.hear, weak=False)
    sweeper.start()


@signals.setup_logging.connect
def log_as_the_web_does(**kwargs: Any) -> None:
    configure_logging(settings.LOGGING_CONFIG, settings.LOGGING)
