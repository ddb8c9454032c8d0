"""Fixtures about infrastructure: what every test may rely on, whatever it is about."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings


def pytest_configure() -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.WHITENOISE_AUTOREFRESH = True  # a test client need not scan all static files first


@pytest.fixture(autouse=True, scope="session")
def quiet_bell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """No test rings the bell of a portal that happens to run beside it."""
    from flexportal.celery import app

    folder = tmp_path_factory.mktemp("broker")
    app.conf.broker_url = "atomicfs://"
    app.conf.broker_transport_options = {"folder": str(folder), "polling_interval": 0.05}
    yield folder
