"""What a message costs the database: each statement is a thousandth of a second of every gateway's day."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from offers.models import FlexOffer, FlexRequest, Message
from offers.services import inbox, trading
from tests import cast
from tests.cast import NOON, Cast

pytestmark = pytest.mark.django_db

# Finding and reading the message, its effects with their events, the answer with its key, and the savepoint.
MOST = {
    "FlexRequest": 16,
    "FlexRequestResponse": 13,
    "FlexOffer": 17,
    "FlexOfferResponse": 11,
    "FlexOrder": 18,
    "FlexOrderResponse": 16,
}


def _process_all(seen: dict[str, int]) -> None:
    """Carry what is queued to the other side and process it there, until nothing is under way."""
    while queued := list(Message.objects.queued().order_by("pk")):
        for row in queued:
            cast.carry(row, NOON)
        while (due := Message.objects.due_to_process(NOON).first()) is not None:
            with CaptureQueriesContext(connection) as statements:
                inbox.process_one(due.pk, NOON)
            seen[due.type] = len(statements)


def test_a_message_asks_nothing_twice(everybody: Cast) -> None:
    seen: dict[str, int] = {}
    cast.send_request(everybody)
    _process_all(seen)
    request = FlexRequest.objects.get(owner=everybody.agr)
    cast.send_offer(everybody, request)
    _process_all(seen)
    offer = FlexOffer.objects.get(owner=everybody.dso)
    trading.order(
        everybody.dso, offer.pk, "A", Decimal("0.80"), everybody.operator, NOON + timedelta(minutes=1)
    )
    _process_all(seen)
    assert {name: count for name, count in seen.items() if count > MOST[name]} == {}
    assert set(seen) == set(MOST)
