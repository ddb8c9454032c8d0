"""The grid operator's desk at noon: clients that are signed in, where its pages stand, whom to ask."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from offers.models import FlexRequest, Right
from offers.services import trading
from tests import cast
from tests.cast import NOON, TOMORROW, Cast

Address = Callable[..., str]
DAY = 96
# A station of 2,000 kW that is short from ISP 69 to 72.
FORECAST = {str(n): 2_300_000 if 69 <= n <= 72 else 1_500_000 for n in range(1, DAY + 1)}


@pytest.fixture
def at_noon(db: None) -> Iterator[time_machine.Traveller]:
    """Pages read the clock of the machine; here it stands at noon."""
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


@pytest.fixture
def address() -> Address:
    """The address of a page of the DSO."""
    return lambda name, *args: reverse(name, args=["dso", "dso.demo.example", *args])


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def dispatcher(everybody: Cast) -> Client:
    """Somebody who may trade for the DSO."""
    return signed_in(everybody.operator)


@pytest.fixture
def watcher(everybody: Cast) -> Client:
    return signed_in(everybody.watcher)


@pytest.fixture
def head(everybody: Cast) -> Client:
    """Somebody who may manage the DSO."""
    return signed_in(cast.user("head", (everybody.dso, Right.MANAGE)))


@pytest.fixture
def stranger(everybody: Cast) -> Client:
    return signed_in(everybody.stranger)


@pytest.fixture
def two_agrs(everybody: Cast) -> Cast:
    everybody.point.agrs.add(everybody.rival)
    return everybody


def drafted(everybody: Cast, **changes: Any) -> list[FlexRequest]:
    draft = cast.request_draft(NOON + timedelta(hours=2), **changes)
    return trading.draft_requests(everybody.dso, everybody.point, TOMORROW, draft, everybody.operator, NOON)


def sent(everybody: Cast, **changes: Any) -> list[FlexRequest]:
    rows = drafted(everybody, **changes)
    return trading.send_requests(everybody.dso, rows[0].group, everybody.operator, NOON)
