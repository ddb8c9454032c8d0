"""The official library as AGR, ours as DSO: real HTTP, real keys, a real database and a real worker."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.interop import words
from tests.interop.programs import Pair, pair

pytestmark = pytest.mark.interop


@pytest.fixture(params=["3.0.0", "3.1.0"], scope="module")
def market(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with pair("DSO", request.param, tmp_path_factory.mktemp("interop")) as both:
        yield both


@pytest.fixture
def asked(market: Pair) -> dict[str, Any]:
    """A request of ours as the library read it."""
    market.do("request", period=words.tomorrow(), draft=words.our_request())
    read = market.they_receive("FlexRequest")
    market.see(lambda seen: seen["requests"][-1]["state"] == "accepted")
    return read


def offer(market: Pair, asked: dict[str, Any], **changes: Any) -> tuple[int, dict[str, Any]]:
    """An offer of the library that we accepted: the key of our row, and what the library sent."""
    fields = {
        **words.their_offer(asked["message_id"]),
        "conversation_id": asked["conversation_id"],
        **changes,
    }
    sent = market.let_them_send("FlexOffer", **fields)["fields"]
    answer = market.they_receive("FlexOfferResponse")
    assert (answer["result"], answer["flex_offer_message_id"]) == ("Accepted", sent["message_id"])
    return int(market.look()["offers"][-1]["pk"]), sent


def test_the_library_reads_our_request(market: Pair, asked: dict[str, Any]) -> None:
    assert asked["isps"] == words.request_isps()
    assert (asked["version"], asked["congestion_point"], asked["period"]) == (
        market.version,
        words.POINT,
        words.tomorrow(),
    )


def test_an_offer_with_three_options_is_accepted(market: Pair, asked: dict[str, Any]) -> None:
    pk, _ = offer(market, asked)
    assert market.look()["offers"][-1] == {"pk": pk, "state": "accepted", "reason": ""}


@pytest.mark.parametrize("factor", ["1.00", "0.50"])
def test_the_library_understands_our_order_of_option_b(
    market: Pair, asked: dict[str, Any], factor: str
) -> None:
    pk, sent = offer(market, asked)
    market.do("order", offer=pk, option="B", factor=factor)
    order = market.they_receive("FlexOrder")
    price, power, _ = words.OPTIONS["B"]
    assert (order["flex_offer_message_id"], order["option_reference"]) == (sent["message_id"], "B")
    assert (Decimal(order["price"]), Decimal(order["activation_factor"])) == (Decimal(price), Decimal(factor))
    assert order["isps"] == words.isps(power)
    market.see(
        lambda seen: seen["orders"][-1]["state"] == "accepted" and seen["offers"][-1]["state"] == "ordered"
    )


def test_an_order_that_the_library_rejects_frees_the_offer(market: Pair, asked: dict[str, Any]) -> None:
    market.theirs.tell(refuse="FlexOrder", reason="ISP mismatch")
    try:
        pk, _ = offer(market, asked)
        market.do("order", offer=pk, option="A", factor="1.00")
        market.see(lambda seen: seen["orders"][-1]["state"] == "rejected")
        assert market.look()["orders"][-1]["reason"] == "ISP mismatch"
        assert market.look()["offers"][-1]["state"] == "accepted"
    finally:
        market.theirs.tell(refuse="FlexOrder", reason=None)


def test_a_revocation_of_the_library_is_accepted(market: Pair, asked: dict[str, Any]) -> None:
    _, sent = offer(market, asked)
    market.let_them_send("FlexOfferRevocation", flex_offer_message_id=sent["message_id"])
    assert market.they_receive("FlexOfferRevocationResponse")["result"] == "Accepted"
    assert market.look()["offers"][-1]["state"] == "revoked"


def test_a_revocation_of_an_ordered_offer_is_rejected(market: Pair, asked: dict[str, Any]) -> None:
    pk, sent = offer(market, asked)
    market.do("order", offer=pk, option="A", factor="1.00")
    market.see(lambda seen: seen["offers"][-1]["state"] == "ordered")
    market.let_them_send("FlexOfferRevocation", flex_offer_message_id=sent["message_id"])
    answer = market.they_receive("FlexOfferRevocationResponse")
    assert (answer["result"], answer["rejection_reason"][:19]) == ("Rejected", "Flexibility procure")


def test_an_offer_that_breaks_rules_is_rejected_with_all_reasons(market: Pair, asked: dict[str, Any]) -> None:
    wrong = words.their_offer(asked["message_id"])
    wrong["offer_options"][1]["isps"][0]["start"] = 97
    wrong["time_zone"] = "Europe/London"
    market.let_them_send("FlexOffer", **wrong)
    answer = market.they_receive("FlexOfferResponse")
    assert answer["result"] == "Rejected"
    assert (
        "ISPs out of bounds" in answer["rejection_reason"]
        and "Time zone rejected" in answer["rejection_reason"]
    )


def test_the_same_message_again_is_one_offer(market: Pair, asked: dict[str, Any]) -> None:
    _, sent = offer(market, asked)
    before = len(market.look()["offers"])
    again = {**words.their_offer(asked["message_id"]), "expiration_date_time": sent["expiration_date_time"]}
    kept = ("message_id", "conversation_id", "time_stamp")
    market.let_them_send("FlexOffer", **again, **{name: sent[name] for name in kept})
    other = {**again, "offer_options": again["offer_options"][:1]}
    market.let_them_send("FlexOffer", **other, **{name: sent[name] for name in kept})
    answer = market.they_receive("FlexOfferResponse")
    assert answer["result"] == "Rejected"
    assert answer["rejection_reason"].startswith("Duplicate Identifier")
    assert len(market.look()["offers"]) == before


def test_an_unsolicited_offer_goes_under_3_1_0_only(market: Pair) -> None:
    """Under 3.0.0 the library cannot but write an attribute that 3.0.0 does not have."""
    said = market.let_them_send("FlexOffer", **words.their_offer(None), unsolicited=True)
    if market.version == "3.1.0":
        assert market.they_receive("FlexOfferResponse")["result"] == "Accepted"
    else:
        assert said["status"] == 400
        assert "Unsolicited" in said["text"]


def test_our_test_message_arrives_though_the_answer_of_the_library_is_not_valid(market: Pair) -> None:
    """Its TestMessageResponse carries a Result, which no released schema has: refused, and nothing breaks."""
    pk = market.do("test")["pk"]
    market.they_receive("TestMessage")
    refused = market.theirs.hear(lambda said: said.get("refused") == "TestMessageResponse")
    assert refused["status"] == 400
    assert "Result" in refused["text"]
    delivered = {"pk": pk, "state": "delivered", "answer": ""}.items()
    seen = market.see(
        lambda seen: any(delivered <= row.items() for row in seen["messages"]) and seen["refusals"]
    )
    refusal = seen["refusals"][-1]
    assert (refusal["status"], refusal["sender"]) == (400, "agr.library.example/AGR")


def test_nothing_is_left_unprocessed_or_undelivered(market: Pair) -> None:
    """Once the last answer has gone out."""
    under_way = ("received", "waiting", "parked", "failed", "queued")
    market.see(lambda seen: not any(message["state"] in under_way for message in seen["messages"]))
