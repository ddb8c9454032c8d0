"""The project: settings, addresses and processes. The app itself is `offers`."""

from .celery import app as celery_app

__all__ = ["celery_app"]
