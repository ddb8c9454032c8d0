"""messages/: a test message, the same bytes again, and the XML of each."""

from typing import Any

import pytest

from offers.models import Message
from tests.cast import NOON, Cast, answerable_request, deliver_all

from .program import Program, fields


def probe(program: Program) -> dict[str, Any]:
    answer = program.post("messages/test/", {"recipient": "dso.demo.example/DSO"})
    assert answer.status_code == 201
    found: dict[str, Any] = answer.json()
    return found


def test_a_test_message_is_sent_and_answered(everybody: Cast, agr: Program) -> None:
    sent = probe(agr)
    assert (sent["type"], sent["state"], sent["direction"]) == ("TestMessage", "queued", "out")
    deliver_all(NOON)
    assert agr.get(f"messages/{sent['id']}/").json()["state"] == "delivered"
    both = agr.get(f"messages/?conversation_id={sent['conversation_id']}").json()["results"]
    assert [row["type"] for row in both] == ["TestMessageResponse", "TestMessage"]


@pytest.mark.parametrize(
    "other", ["agr.rival.example/AGR", "no.such.example/DSO", "dso.demo.example", "", "/"]
)
def test_only_those_that_one_trades_with_are_probe(everybody: Cast, agr: Program, other: str) -> None:
    assert fields(agr.post("messages/test/", {"recipient": other})) == ["recipient"]
    assert not Message.objects.exists()


def test_a_message_is_sent_again_with_the_same_bytes(everybody: Cast, agr: Program) -> None:
    sent = probe(agr)
    before = Message.objects.get(pk=sent["id"]).sealed
    assert agr.post(f"messages/{sent['id']}/again/").status_code == 409
    Message.objects.filter(pk=sent["id"]).update(state="failed")
    answer = agr.post(f"messages/{sent['id']}/again/")
    assert (answer.status_code, answer.json()["state"]) == (200, "queued")
    assert Message.objects.get(pk=sent["id"]).sealed == before


def test_a_message_that_came_in_is_not_sent_again(everybody: Cast, agr: Program) -> None:
    answerable_request(everybody)
    got = agr.get("messages/?direction=in").json()["results"][0]["id"]
    answer = agr.post(f"messages/{got}/again/")
    assert answer.status_code == 409
    assert "only a message of ours" in answer.json()["detail"]


def test_raw_is_byte_for_byte(everybody: Cast, agr: Program) -> None:
    sent = probe(agr)
    answer = agr.get(f"messages/{sent['id']}/raw/")
    assert answer.content == bytes(Message.objects.get(pk=sent["id"]).sealed or b"")
    assert answer["Content-Type"] == "application/xml; charset=utf-8"
    assert answer["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize("accept", ["*/*", "application/xml", "application/json"])
def test_xml_is_for_reading_whatever_is_accepted(everybody: Cast, agr: Program, accept: str) -> None:
    answer = agr.get(f"messages/{probe(agr)['id']}/xml/", Accept=accept)
    assert answer.status_code == 200
    assert answer.content.startswith(b"<TestMessage ")


def test_an_error_is_json_even_where_xml_is_accepted(everybody: Cast, agr: Program) -> None:
    answer = agr.get("messages/99/raw/", Accept="application/xml")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/json")


def test_bytes_past_their_retention_are_gone(everybody: Cast, agr: Program) -> None:
    sent = probe(agr)
    Message.objects.filter(pk=sent["id"]).update(sealed=None, state="failed")
    for what in ("raw", "xml"):
        answer = agr.get(f"messages/{sent['id']}/{what}/")
        assert answer.status_code == 409 and "retention" in answer.json()["detail"]


def test_a_viewer_reads_and_does_not_send(
    everybody: Cast, agr: Program, reader: Program, rival: Program
) -> None:
    sent = probe(agr)["id"]
    Message.objects.filter(pk=sent).update(state="failed")
    assert reader.get(f"messages/{sent}/xml/").status_code == 200
    assert reader.post(f"messages/{sent}/again/").status_code == 403
    assert reader.post("messages/test/", {"recipient": "dso.demo.example/DSO"}).status_code == 403
    for call in ("", "raw/", "xml/"):
        assert rival.get(f"messages/{sent}/{call}").status_code == 404
    assert rival.post(f"messages/{sent}/again/").status_code == 404
