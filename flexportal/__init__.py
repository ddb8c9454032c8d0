"""The project: settings, addresses and processes. The app itself is `offers`."""

from . import heap

heap.is_loading()

from .celery import app as celery_app  # noqa: E402

__all__ = ["celery_app"]
