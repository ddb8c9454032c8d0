"""A console with a whole conversation in it: request, offer, order, revocation, test."""

from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from offers.models import FlexRequest, Message
from offers.services import trading
from tests import cast, snapshots
from tests.cast import NOON, Cast


@dataclass
class Console:
    """The cast after a day's work, and the addresses of the aggregator's console."""

    people: Cast

    def url(self, name: str = "console", *args: object) -> str:
        return reverse(name, args=["agr", self.people.agr.domain, *args])

    def client(self, user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    def message(self, kind: str, direction: str = "out", which: int = 0) -> Message:
        rows = Message.objects.filter(owner=self.people.agr, type=kind, direction=direction)
        return rows.order_by("pk")[which]

    def page(self, name: str = "console", *args: object, user: User | None = None, **query: str) -> str:
        """What a member sees there."""
        response = self.client(user or self.people.trader).get(self.url(name, *args), query)
        assert response.status_code == 200, response.status_code
        return response.content.decode()


@pytest.fixture
def console(everybody: Cast) -> Console:
    return snapshots.copied("console", lambda: a_day_of_work(everybody))


def a_day_of_work(everybody: Cast) -> Console:
    _, theirs = cast.accepted_offer(everybody)
    cast.order(everybody, theirs, NOON + timedelta(minutes=1), "B", "0.50")
    cast.deliver_all(NOON + timedelta(minutes=1))
    request = FlexRequest.objects.get(owner=everybody.agr)
    second = cast.send_offer(everybody, request, NOON + timedelta(minutes=2))
    cast.deliver_all(NOON + timedelta(minutes=2))
    trading.revoke(everybody.agr, second.pk, everybody.trader, NOON + timedelta(minutes=3))
    trading.send_test(everybody.agr, everybody.dso, NOON + timedelta(minutes=3))
    cast.deliver_all(NOON + timedelta(minutes=3))
    return Console(everybody)
