"""Which database the short forms of the fault programs stand on: that of the leg they run in."""

import pytest
from django.conf import settings


@pytest.fixture(scope="session")
def kind() -> str:
    """For the programs, which start servers of their own."""
    on_postgresql = settings.DATABASES["default"]["ENGINE"].endswith("postgresql")
    return "postgresql" if on_postgresql else "sqlite"
