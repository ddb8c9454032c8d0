"""Who may send what to whom, and what a response may answer."""

import pytest

from offers import uftp
from offers.uftp.rules import v8_already_submitted, v51_version

from . import samples
from .samples import one, texts


def check(message, **given):
    known = {
        "envelope_sender_domain": message.sender_domain,
        "envelope_sender_role": message.SENDER_ROLE or "CRO",
        "recipient_known": True,
        "barred": False,
        "duplicate": False,
    }
    return uftp.check_identity(message, **{**known, **given})


def test_the_right_sender_gets_no_reason():
    for message in (
        samples.offer(),
        samples.order(),
        samples.request(),
        samples.prognosis(),
        samples.response(),
    ):
        assert check(message) == []


def test_v3_another_domain_than_that_of_the_envelope_is_refused():
    one(
        check(samples.offer(), envelope_sender_domain="rival.example"),
        "SenderDomain",
        "Invalid Sender: SenderDomain agr.demo.example is not that of the envelope, rival.example",
    )


@pytest.mark.parametrize("kind", uftp.MESSAGES, ids=lambda kind: kind.XML_NAME)
@pytest.mark.parametrize("role", ["AGR", "DSO", "CRO"])
def test_v4_each_type_is_sent_by_its_role_only(kind, role):
    given = {name: None for name in ("time_stamp", "message_id", "conversation_id")}
    message = object.__new__(kind)
    for name, value in {**given, "sender_domain": "a.example", "version": "3.1.0"}.items():
        object.__setattr__(message, name, value)
    found = check(message, envelope_sender_role=role, recipient_known=True)
    if kind.SENDER_ROLE in (None, role):
        assert found == []
    else:
        one(
            found,
            "",
            f"Invalid Sender: a {kind.XML_NAME} is sent by the {kind.SENDER_ROLE}, not by the {role}",
        )


def test_v5_a_recipient_that_is_not_served_here_is_refused():
    one(
        check(samples.offer(), recipient_known=False),
        "RecipientDomain",
        "Unknown Recipient: dso.demo.example is not served here as DSO",
    )


def test_v6_a_barred_sender_is_refused():
    found = check(samples.offer(), barred=True)
    one(found, "SenderDomain", "Barred Sender: agr.demo.example may not trade here")


def test_v7_a_message_id_used_for_other_content_is_refused():
    one(
        check(samples.offer(), duplicate=True),
        "MessageID",
        f"Duplicate Identifier: {samples.OFFER_ID} was used before for a message with other content",
    )


@pytest.mark.parametrize(
    ("text", "submitted"),
    [
        ("Already Submitted", True),
        (" already submitted: yes", True),
        ("Duplicate Identifier", False),
        (None, False),
    ],
)
def test_v8_already_submitted_counts_as_submitted(text, submitted):
    assert v8_already_submitted(text) is submitted


def test_v51_d1_another_version_is_refused_with_those_that_are_supported():
    assert texts(v51_version("3.2.0")) == ["Unsupported Version 3.2.0; supported: 3.0.0, 3.1.0"]
    assert texts(v51_version("3.1.7")) == []
    assert texts(check(samples.offer(version="4.0.0"))) == [
        "Unsupported Version 4.0.0; supported: 3.0.0, 3.1.0"
    ]


def test_all_reasons_come_at_once():
    found = check(
        samples.offer(),
        envelope_sender_domain="x.example",
        envelope_sender_role="DSO",
        recipient_known=False,
        barred=True,
        duplicate=True,
    )
    assert len(found) == 5


def test_v13_a_response_answers_a_message_of_its_own_type():
    assert uftp.check_response(samples.response(), uftp.FlexOffer, True) == []
    text = f"Unknown reference FlexOfferMessageID: {samples.OFFER_ID} is no message that this answers"
    for other in (None, uftp.FlexOrder, uftp.FlexOfferResponse):
        one(uftp.check_response(samples.response(), other, True), "FlexOfferMessageID", text)


def test_v54_a_response_comes_from_whom_the_message_was_sent_to():
    one(
        uftp.check_response(samples.response(), uftp.FlexOffer, False),
        "SenderDomain",
        "Invalid Sender: the message answered was not sent to this participant",
    )


def test_a_test_message_response_refers_to_nothing():
    answer = uftp.TestMessageResponse(**samples._metadata("agr", "dso", samples.ORDER_ID))
    assert uftp.check_response(answer, None, True) == []
    assert check(answer, envelope_sender_role="CRO") == []
