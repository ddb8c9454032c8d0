"""The aggregator's desk at noon: clients that are signed in, and where its pages stand."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from tests import cast

Address = Callable[..., str]


@pytest.fixture(autouse=True)
def at_noon(db: None, settings: Any) -> Iterator[time_machine.Traveller]:
    """Pages read the clock of the machine; here it stands at noon, and nobody is signed out."""
    settings.SESSION_IDLE_MINUTES = 24 * 60
    with time_machine.travel(cast.NOON, tick=False) as clock:
        yield clock


@pytest.fixture
def address() -> Address:
    """The address of a page of the aggregator."""
    return lambda name, *args: reverse(name, args=["agr", "agr.demo.example", *args])


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def trader(everybody: cast.Cast) -> Client:
    return signed_in(everybody.trader)


@pytest.fixture
def reader(everybody: cast.Cast) -> Client:
    return signed_in(everybody.reader)


@pytest.fixture
def stranger(everybody: cast.Cast) -> Client:
    return signed_in(everybody.stranger)
