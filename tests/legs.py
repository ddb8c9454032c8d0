"""Which leg of the suite asks for which test: the one with servers runs only what may differ there."""

import os

import pytest

ALL_FAULTS = os.environ.get("FAULTS") == "all"
MARKS = ("django_db", "browser", "interop", "postgres", "redis")
FIXTURES = {"db", "transactional_db", "live_server", "client", "admin_client", "kind"}


def asks_a_server(item: pytest.Item) -> bool:
    """Whether a test says something else, or something more, on PostgreSQL and Redis."""
    return not runs_once(item) and looks_at_a_server(item)


def runs_once(item: pytest.Item) -> bool:
    """Whether a test is left to the leg without servers on purpose."""
    control = item.get_closest_marker("control") and not ALL_FAULTS
    return bool(control or item.get_closest_marker("pages"))


def looks_at_a_server(item: pytest.Item) -> bool:
    """By its marks or its fixtures; `kind` is for programs that start servers of their own."""
    marked = any(item.get_closest_marker(name) for name in MARKS)
    return marked or bool(FIXTURES & set(getattr(item, "fixturenames", ())))
