"""What is found, inserted and changed in plain SQL is what Django would make of it, on both databases."""

from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import FieldDoesNotExist
from django.db import IntegrityError, connection, models, transaction
from django.test.utils import CaptureQueriesContext

from offers.models import (
    Attempt,
    CongestionPoint,
    Event,
    FlexOffer,
    FlexOrder,
    FlexRequest,
    Message,
    OfferOption,
    Participant,
)
from offers.services import sql
from tests import cast
from tests.cast import NOON, Cast

pytestmark = pytest.mark.django_db

# Each kind, with what has to differ in a second row of the same content.
OTHER: dict[type[models.Model], dict[str, Any]] = {
    Attempt: {"number": 97},
    CongestionPoint: {"entity_address": "ea1.2026-01.example.demo:another"},
    Event: {"version": 97},
    FlexOffer: {"message_id": None},
    FlexOrder: {"state": "rejected"},
    FlexRequest: {"message_id": None},
    Message: {"message_id": "another"},
    OfferOption: {"position": 97, "option_reference": "another"},
    Participant: {"domain": "another.example"},
}


@pytest.fixture
def traded(everybody: Cast) -> Cast:
    _, theirs = cast.accepted_offer(everybody)
    cast.order(everybody, theirs)
    cast.deliver_all(NOON)
    sql.insert(Attempt(message=Message.objects.first(), number=1, started_at=NOON))
    return everybody


def content(row: models.Model) -> dict[str, Any]:
    return {
        field.attname: bytes(value) if isinstance(value := getattr(row, field.attname), memoryview) else value
        for field in row._meta.local_concrete_fields
    }


@pytest.mark.parametrize("model", OTHER)
def test_what_is_found_is_what_django_finds(traded: Cast, model: type[models.Model]) -> None:
    expected = model._default_manager.order_by("pk").first()
    assert expected is not None
    found = sql.find(model, pk=expected.pk)
    assert found is not None and found == expected and content(found) == content(expected)
    assert not found._state.adding


@pytest.mark.parametrize("model", OTHER)
def test_what_is_inserted_is_what_django_finds(traded: Cast, model: type[models.Model]) -> None:
    old = model._default_manager.order_by("pk").last()
    assert old is not None
    expected = content(old) | OTHER[model] | {"id": None}
    if model is FlexOrder:
        expected["message_id"] = Message.objects.earliest("pk").pk
    made = sql.insert(model(**expected))
    assert made.pk > old.pk and not made._state.adding
    assert content(model._default_manager.get(pk=made.pk)) == expected | {"id": made.pk}


def test_related_rows_come_along(traded: Cast) -> None:
    message = Message.objects.select_related("owner", "counterparty").latest("pk")
    with CaptureQueriesContext(connection) as statements:
        found = sql.find(Message, "owner", "counterparty", locked=True, pk=message.pk)
        assert found is not None
        assert (content(found.owner), found.counterparty.name) == (
            content(message.owner),
            message.counterparty.name,
        )
    assert len(statements) == 1


def test_of_none_none_is_found(traded: Cast) -> None:
    assert sql.find(Message, owner=traded.dso)
    assert sql.find(Message, owner=traded.dso, message_id="nobody's") is None


def test_a_change_counts_the_rows_that_were_so(traded: Cast) -> None:
    offer = FlexOffer.objects.get(owner=traded.agr)
    as_seen = {"pk": offer.pk, "state": offer.state, "version": offer.version}
    changed = {"state": "expired", "version": offer.version + 1, "draft": {"a": [1, "é"]}, "revocation": None}
    assert [sql.change(FlexOffer, as_seen, changed) for _ in range(2)] == [1, 0]
    offer.refresh_from_db()
    assert (offer.state, offer.draft, offer.revocation) == ("expired", {"a": [1, "é"]}, None)


def test_what_is_saved_stands_in_the_row_and_in_the_database(traded: Cast) -> None:
    placed = FlexOrder.objects.filter(owner=traded.dso).get()
    sql.save(placed, price=Decimal("999999999.9999"), message=placed.message, isps=[])
    assert (placed.price, placed.isps) == (Decimal("999999999.9999"), [])
    placed.refresh_from_db()
    assert (placed.price, placed.isps) == (Decimal("999999999.9999"), [])


def test_constraints_hold(traded: Cast) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        sql.insert(Attempt(message=Message.objects.first(), number=1, started_at=NOON))
    with pytest.raises(IntegrityError), transaction.atomic():
        sql.change(FlexOffer, {"owner": traded.agr}, {"state": "nonsense"})


def test_a_name_that_no_field_has_is_an_error(traded: Cast) -> None:
    with pytest.raises(FieldDoesNotExist):
        sql.find(Message, colour="red")


@pytest.mark.postgres
def test_a_lock_is_asked_for(traded: Cast) -> None:
    with CaptureQueriesContext(connection) as statements, transaction.atomic():
        sql.find(FlexOffer, locked=True, owner=traded.agr)
    assert any("FOR NO KEY UPDATE OF this" in one["sql"] for one in statements)
