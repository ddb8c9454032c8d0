"""The door for counterparties: every answer that HTTP can give, and that nothing accepted is ever lost."""

import base64
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from offers import uftp
from offers.models import FlexRequest, Message, Refusal
from offers.services import bell, inbox, keys
from tests.cast import Cast
from tests.wire import flex_request, hello, sealed

PATH = "/shapeshifter/api/v3/message"
XML = "text/xml; charset=utf-8"


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The bells that were rung."""
    rung: list[str] = []
    monkeypatch.setattr(bell, "ring", rung.append)
    return rung


def post(client: Client, body: bytes, content_type: str = XML, **headers: Any) -> HttpResponse:
    return client.post(PATH, body, content_type=content_type, **headers)  # type: ignore[return-value]


def process() -> None:
    inbox.process_due(timezone.now)


def answers() -> list[uftp.PayloadMessage]:
    """What we say in reply, oldest first."""
    rows = Message.objects.filter(direction="out").order_by("pk")
    return [
        uftp.decode(uftp.seal.payload_of(uftp.decode_envelope(bytes(row.sealed or b"")).body)) for row in rows
    ]


# --- what is taken in -----------------------------------------------------------------------------------


def test_a_good_message_is_stored_before_it_is_acknowledged(
    everybody: Cast, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    monkeypatch.setattr(bell, "ring", lambda task: seen.append(Message.objects.count()))
    message = hello(everybody)
    body = sealed(everybody, uftp.encode(message))
    response = post(client, body)
    assert (response.status_code, response.content, seen) == (200, b"", [1])
    row = Message.objects.get()
    assert (row.message_id, row.state, row.direction) == (message.message_id, "received", "in")
    assert bytes(row.sealed or b"") == body


def test_application_xml_and_quoted_charsets_are_taken_too(
    everybody: Cast, client: Client, heard: list[str]
) -> None:
    """The Java library sends application/xml."""
    for content_type in (
        "application/xml",
        "text/xml",
        'text/xml; charset="UTF-8"',
        "application/xml;charset=UTF8",
    ):
        body = sealed(everybody, uftp.encode(hello(everybody)))
        assert post(client, body, content_type).status_code == 200, content_type


def test_a_bell_that_cannot_ring_costs_nothing(
    everybody: Cast, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mute(*args: Any, **options: Any) -> None:
        raise OSError("the broker is down")

    monkeypatch.setattr(bell, "_mute_until", 0.0)
    monkeypatch.setattr(bell.current_app, "send_task", mute)
    assert post(client, sealed(everybody, uftp.encode(hello(everybody)))).status_code == 200
    assert Message.objects.count() == 1


# --- what is refused, and how -----------------------------------------------------------------------------


def refused(response: HttpResponse, status: int, *words: str) -> None:
    text = response.content.decode()
    assert response.status_code == status, text
    assert all(word in text for word in words), text
    assert response["Content-Type"].startswith("text/plain")
    assert not Message.objects.exists()
    noted = Refusal.objects.order_by("-pk")[0]
    assert (noted.status, noted.text) == (status, text.strip()[:2000])


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete", "head", "options"])
def test_only_post_is_a_way_in(everybody: Cast, client: Client, method: str) -> None:
    assert getattr(client, method)(PATH).status_code == 405


def test_a_length_is_needed(everybody: Cast, client: Client) -> None:
    body = sealed(everybody, uftp.encode(hello(everybody)))
    refused(post(client, body, CONTENT_LENGTH=""), 411, "Content-Length")
    refused(post(client, body, headers={"Transfer-Encoding": "chunked"}), 411, "Content-Length")


@pytest.mark.parametrize("length", ["abc", "-1", "１２", "1e3", "0x10"])
def test_a_length_is_a_number(everybody: Cast, client: Client, length: str) -> None:
    refused(post(client, b"<x/>", CONTENT_LENGTH=length), 400, "Content-Length")


@pytest.mark.parametrize("length", [str(2 * 1024 * 1024 + 1), "9" * 40])
def test_too_much_is_refused_before_it_is_read(everybody: Cast, client: Client, length: str) -> None:
    refused(post(client, b"<x/>", CONTENT_LENGTH=length), 413, "2097152")


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/json", "text/xml; charset=iso-8859-1", "multipart/form-data; boundary=x"],
)
def test_the_type_must_be_xml_in_utf_8(everybody: Cast, client: Client, content_type: str) -> None:
    refused(post(client, b"<x/>", content_type), 400, "text/xml; charset=utf-8")


@pytest.mark.parametrize(
    "body",
    [
        b" ",
        b"hello",
        b"<SignedMessage",
        b"\xff\xfe<\x00x\x00/\x00>\x00",
        b'<?xml version="1.0" encoding="UTF-16"?><SignedMessage/>',
        b'<!DOCTYPE x [<!ENTITY a "b">]><SignedMessage/>',
        b"<?go?><SignedMessage/>",
        b"<a>" * 40 + b"</a>" * 40,
        b"\x00" * 100,
        b'<SignedMessage SenderDomain="dso.demo.example" SenderRole="DSO"/>',
        b'<SignedMessage SenderDomain="dso.demo.example" SenderRole="BRP" Body="AAAA"/>',
        b'<SignedMessage SenderDomain="DSO demo" SenderRole="DSO" Body="AAAA"/>',
        b'<SignedMessage SenderDomain="dso.demo.example" SenderRole="DSO" Body="*"/>',
    ],
)
def test_an_envelope_that_is_none_is_refused(everybody: Cast, client: Client, body: bytes) -> None:
    refused(post(client, body), 400, "envelope")


def test_what_is_missing_in_the_envelope_is_named(everybody: Cast, client: Client) -> None:
    body = b'<SignedMessage SenderDomain="dso.demo.example" SenderRole="DSO"/>'
    refused(post(client, body), 400, "SignedMessage", "Body")


def test_a_signature_of_somebody_else_is_refused_and_counted(everybody: Cast, client: Client) -> None:
    payload = uftp.encode(hello(everybody))
    body = uftp.seal.seal(payload, uftp.seal.generate())
    forged = uftp.SignedMessage(sender_domain=everybody.dso.domain, sender_role="DSO", body=body)
    refused(post(client, uftp.encode_envelope(forged)), 401, "dso.demo.example/DSO")
    everybody.dso.refresh_from_db()
    assert everybody.dso.bad_seals == 1
    assert Refusal.objects.get().sender == "dso.demo.example/DSO"


@pytest.mark.parametrize("size", [0, 1, 63, 64])
def test_sealed_bytes_that_are_too_short_are_refused(everybody: Cast, client: Client, size: int) -> None:
    body = base64.b64encode(b"x" * size).decode()
    envelope = f'<SignedMessage SenderDomain="dso.demo.example" SenderRole="DSO" Body="{body}"/>'
    assert post(client, envelope.encode()).status_code in (400, 401)
    assert not Message.objects.exists()


def test_a_sender_whose_key_is_unknown_may_come_back_later(everybody: Cast, client: Client) -> None:
    payload = uftp.encode(hello(everybody))
    refused(post(client, sealed(everybody, payload, sender_role="CRO")), 419, "dso.demo.example/CRO")
    stranger = sealed(everybody, payload, sender_domain="stranger.example")
    refused(post(client, stranger), 419, "stranger.example/DSO")
    everybody.dso.keys.update(valid_to=timezone.now() - timedelta(days=1))
    with pytest.raises(keys.NoKey):
        keys.signing_key(everybody.dso, timezone.now())


def test_a_sender_with_an_endless_name_is_refused_and_noted(everybody: Cast, client: Client) -> None:
    name = "a" * 200 + "." + "b" * 200 + ".example"
    payload = uftp.encode(hello(everybody))
    assert post(client, sealed(everybody, payload, sender_domain=name)).status_code == 419
    assert Refusal.objects.count() == 1


def test_what_breaks_the_schema_is_named_with_element_attribute_and_line(
    everybody: Cast, client: Client
) -> None:
    xml = uftp.encode(hello(everybody)).replace(b" MessageID=", b'\n Colour="red" MessageID=')
    refused(post(client, sealed(everybody, xml)), 400, "TestMessage", "Colour", "line")
    assert Refusal.objects.get().sender == "dso.demo.example/DSO"


@pytest.mark.parametrize(
    "payload",
    [b"", b"hello", b"<TestMessage/>", b"<FlexRumour/>", b"\xff", b"<!DOCTYPE a><a/>", b"<a>" * 5000],
)
def test_a_payload_that_is_no_message_is_refused(everybody: Cast, client: Client, payload: bytes) -> None:
    refused(post(client, sealed(everybody, payload)), 400)


def test_a_message_for_nobody_here_is_refused(everybody: Cast, client: Client) -> None:
    lost = hello(everybody, recipient_domain="agr.elsewhere.example")
    refused(
        post(client, sealed(everybody, uftp.encode(lost))), 400, "Unknown Recipient", "agr.elsewhere.example"
    )


def test_too_many_messages_from_one_address_must_wait(everybody: Cast, client: Client) -> None:
    before, settings.MESSAGES_PER_MINUTE = settings.MESSAGES_PER_MINUTE, 3
    try:
        codes = [post(client, b"<x/>") for _ in range(5)]
    finally:
        settings.MESSAGES_PER_MINUTE = before
    assert 429 in {one.status_code for one in codes}
    late = next(one for one in codes if one.status_code == 429)
    assert int(late["Retry-After"]) > 0


def test_a_database_that_is_away_is_our_fault_and_the_sender_tries_again(
    everybody: Cast, client: Client, monkeypatch: pytest.MonkeyPatch, heard: list[str]
) -> None:
    body = sealed(everybody, uftp.encode(hello(everybody)))

    def gone(*args: Any) -> None:
        raise OperationalError("disk full")

    with monkeypatch.context() as broken:
        broken.setattr(inbox, "_insert", gone)
        response = post(client, body)
    assert (response.status_code, heard, Message.objects.count()) == (503, [], 0)
    assert b"again" in response.content
    assert post(client, body).status_code == 200
    assert Message.objects.count() == 1


def test_a_refusal_that_cannot_be_noted_is_still_a_refusal(
    everybody: Cast, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*args: Any) -> None:
        raise OperationalError("disk full")

    monkeypatch.setattr(inbox, "note_refusal", gone)
    assert post(client, b"<x/>").status_code == 400


# --- what is taken in and then rejected -------------------------------------------------------------------


def test_a_type_that_the_role_may_not_send_is_rejected_by_message(
    everybody: Cast, client: Client, heard: list[str]
) -> None:
    """A DSO cannot revoke an offer: that is the aggregator's word."""
    head = {
        name: getattr(hello(everybody), name) for name in uftp.Metadata.__dataclass_fields__ if name != "type"
    }
    wrong = uftp.FlexOfferRevocation(
        **head, time_stamp=datetime.now(UTC), flex_offer_message_id=str(uuid.uuid4())
    )
    assert post(client, sealed(everybody, uftp.encode(wrong))).status_code == 200
    process()
    [answer] = answers()
    assert isinstance(answer, uftp.FlexOfferRevocationResponse)
    assert answer.result == "Rejected"
    assert (answer.rejection_reason or "").startswith("Invalid Sender")


def test_an_inner_sender_that_differs_is_rejected_to_the_sender_of_the_envelope(
    everybody: Cast, client: Client, heard: list[str]
) -> None:
    wrong = flex_request(everybody, sender_domain="dso.other.example")
    assert post(client, sealed(everybody, uftp.encode(wrong))).status_code == 200
    process()
    [answer] = answers()
    assert (answer.recipient_domain, answer.result) == (everybody.dso.domain, "Rejected")


def test_a_barred_sender_is_rejected(everybody: Cast, client: Client, heard: list[str]) -> None:
    type(everybody.dso).objects.filter(pk=everybody.dso.pk).update(barred=True)
    assert post(client, sealed(everybody, uftp.encode(flex_request(everybody)))).status_code == 200
    process()
    [answer] = answers()
    assert answer.rejection_reason.startswith("Barred Sender")


def test_another_version_is_answered_in_one_that_we_share(
    everybody: Cast, client: Client, heard: list[str]
) -> None:
    xml = uftp.encode(flex_request(everybody)).replace(b'Version="3.1.0"', b'Version="3.2.0"')
    assert post(client, sealed(everybody, xml)).status_code == 200
    process()
    [answer] = answers()
    assert (answer.version, answer.result) == ("3.1.0", "Rejected")
    assert "Unsupported Version 3.2.0; supported: 3.0.0, 3.1.0" in answer.rejection_reason


@pytest.mark.parametrize("version", ["3.1." + "0" * 60, "3." + "9" * 60 + ".0", "\u0663.1.0", "0.0.0"])
def test_a_version_without_end_is_no_error_of_ours(
    everybody: Cast, client: Client, heard: list[str], version: str
) -> None:
    xml = uftp.encode(flex_request(everybody)).replace(b'Version="3.1.0"', f'Version="{version}"'.encode())
    assert post(client, sealed(everybody, xml)).status_code in (200, 400)
    process()
    assert not Message.objects.filter(state__in=["received", "parked"]).exists()


def test_a_power_that_nothing_can_represent_is_rejected_or_refused_but_never_an_error_of_ours(
    everybody: Cast, client: Client, heard: list[str]
) -> None:
    xml = uftp.encode(flex_request(everybody)).replace(b'"-1000"', b'"-' + b"9" * 5000 + b'"')
    assert post(client, sealed(everybody, xml)).status_code in (200, 400)
    process()
    assert not Message.objects.filter(state="parked").exists()


# --- duplicates (D13) -------------------------------------------------------------------------------------


def test_a_copy_changes_nothing_and_is_acknowledged(
    everybody: Cast, client: Client, heard: list[str]
) -> None:
    body = sealed(everybody, uftp.encode(flex_request(everybody)))
    for _ in range(3):
        assert post(client, body).status_code == 200
        process()
    assert Message.objects.filter(direction="in").count() == 1
    assert FlexRequest.objects.count() == 1
    assert [one.result for one in answers()] == ["Accepted"]


def test_a_used_message_id_with_other_content_is_rejected(
    everybody: Cast, client: Client, heard: list[str]
) -> None:
    first = flex_request(everybody)
    other = flex_request(everybody, message_id=first.message_id.upper(), revision=2)
    for message in (first, other, other):
        assert post(client, sealed(everybody, uftp.encode(message))).status_code == 200
        process()
    assert [one.result for one in answers()] == ["Accepted", "Rejected"]
    assert (answers()[1].rejection_reason or "").startswith("Duplicate Identifier")
    assert FlexRequest.objects.count() == 1


def test_a_copy_of_a_rejected_message_is_judged_again(
    everybody: Cast, client: Client, heard: list[str]
) -> None:
    everybody.point.agrs.clear()
    body = sealed(everybody, uftp.encode(flex_request(everybody)))
    assert post(client, body).status_code == 200
    process()
    everybody.point.agrs.add(everybody.agr)
    assert post(client, body).status_code == 200
    process()
    assert [one.result for one in answers()] == ["Rejected", "Accepted"]


def test_the_door_opens_no_transaction_over_the_whole_request(everybody: Cast) -> None:
    """With ATOMIC_REQUESTS a 200 could be said for a row that is rolled back afterwards."""
    assert not connection.settings_dict.get("ATOMIC_REQUESTS")
