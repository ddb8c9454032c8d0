"""POST offers/ID/order/: one option, once, at a factor that it allows."""

import pytest

from offers.models import FlexOrder
from tests.cast import NOON, Cast, accepted_offer, deliver_all

from .program import Program, fields


def test_an_order_is_placed_and_becomes_binding(everybody: Cast, dso: Program, agr: Program) -> None:
    mine, theirs = accepted_offer(everybody)
    said = {"option_reference": "A", "activation_factor": "0.60", "order_reference": "PO-7"}
    answer = dso.post(f"offers/{theirs.pk}/order/", said)
    assert answer.status_code == 201
    placed = answer.json()
    assert (placed["state"], placed["order_reference"], placed["activation_factor"]) == (
        "sent",
        "PO-7",
        "0.60",
    )
    assert (placed["price"], placed["isps"][0]["power"]) == ("60.84", -120000)
    deliver_all(NOON)
    assert dso.get(f"orders/{placed['id']}/").json()["state"] == "accepted"
    assert agr.get(f"offers/{mine.pk}/").json()["state"] == "ordered"
    assert agr.get("orders/").json()["results"][0]["order_reference"] == "PO-7"


def test_the_factor_is_one_and_the_reference_made_unless_given(everybody: Cast, dso: Program) -> None:
    _, theirs = accepted_offer(everybody)
    placed = dso.post(f"offers/{theirs.pk}/order/", {"option_reference": "B"}).json()
    assert placed["activation_factor"] == "1.00"
    assert placed["order_reference"].startswith("dso-20260302-")


def test_an_offer_is_ordered_once(everybody: Cast, dso: Program) -> None:
    _, theirs = accepted_offer(everybody)
    dso.post(f"offers/{theirs.pk}/order/", {"option_reference": "A"})
    answer = dso.post(f"offers/{theirs.pk}/order/", {"option_reference": "B"})
    assert answer.status_code == 409
    assert FlexOrder.objects.count() == 1


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"option_reference": "Z"}, "OptionReference"),
        ({"option_reference": "A", "activation_factor": "0.39"}, "ActivationFactor"),
        ({"option_reference": "A", "activation_factor": "1.01"}, "ActivationFactor"),
        ({"option_reference": "A", "activation_factor": "0.405"}, "activation_factor"),
        ({"option_reference": "A", "activation_factor": "NaN"}, "activation_factor"),
        ({"option_reference": "A", "activation_factor": "a bit"}, "activation_factor"),
        ({"option_reference": "A", "factor": "0.5"}, "factor"),
        ({}, "option_reference"),
    ],
)
def test_a_wrong_order_is_refused(everybody: Cast, dso: Program, said: dict[str, str], field: str) -> None:
    _, theirs = accepted_offer(everybody)
    assert fields(dso.post(f"offers/{theirs.pk}/order/", said)) == [field]
    assert not FlexOrder.objects.exists()


def test_nobody_else_orders(everybody: Cast, agr: Program, watcher: Program, rival: Program) -> None:
    mine, theirs = accepted_offer(everybody)
    said = {"option_reference": "A"}
    assert agr.post(f"offers/{mine.pk}/order/", said).status_code == 403
    assert watcher.post(f"offers/{theirs.pk}/order/", said).status_code == 403
    assert rival.post(f"offers/{theirs.pk}/order/", said).status_code == 403
    assert not FlexOrder.objects.exists()
