"""The Celery app. With REDIS_URL the bell rings over Redis, otherwise over files in STATE_DIR."""

import os

from celery import Celery
from kombu.transport import TRANSPORT_ALIASES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "flexportal.settings")
TRANSPORT_ALIASES["atomicfs"] = "flexportal.broker:Transport"

app = Celery("flexportal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
