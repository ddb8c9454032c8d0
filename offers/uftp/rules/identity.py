"""Who may send what to whom: V3 to V8, V51, and what a response may answer."""

from collections.abc import Iterator

from ..errors import clipped
from ..fields import PayloadMessage, attributes, unsupported, wire_version
from .reasons import Reason

ALREADY_SUBMITTED = "Already Submitted"
DUPLICATE_IDENTIFIER = "Duplicate Identifier"


def v3_sender_matches_envelope(message: PayloadMessage, envelope_domain: str) -> Iterator[Reason]:
    """V3. The 3.x text swaps two rows of its table; both libraries say "Invalid Sender"."""
    if message.sender_domain != envelope_domain:
        yield Reason(
            "SenderDomain",
            f"Invalid Sender: SenderDomain {clipped(message.sender_domain)} is not that of the envelope,"
            f" {clipped(envelope_domain)}",
        )


def v4_sender_role(message: PayloadMessage, envelope_role: str) -> Iterator[Reason]:
    """V4: by the role of the envelope, since the message itself names none."""
    role = message.SENDER_ROLE
    if role is not None and role != envelope_role:
        yield Reason(
            "", f"Invalid Sender: a {message.XML_NAME} is sent by the {role}, not by the {envelope_role}"
        )


def v5_recipient(message: PayloadMessage, recipient_known: bool) -> Iterator[Reason]:
    """V5: the only thing that stops a signed message from being replayed to another participant."""
    if not recipient_known:
        role = f" as {message.RECIPIENT_ROLE}" if message.RECIPIENT_ROLE else ""
        domain = clipped(message.recipient_domain)
        yield Reason("RecipientDomain", f"Unknown Recipient: {domain} is not served here{role}")


def v6_barred(message: PayloadMessage, barred: bool) -> Iterator[Reason]:
    """V6."""
    if barred:
        yield Reason("SenderDomain", f"Barred Sender: {clipped(message.sender_domain)} may not trade here")


def v7_duplicate(message: PayloadMessage, duplicate: bool) -> Iterator[Reason]:
    """V7, D13: `duplicate` means the same sender and MessageID, compared without case, other content."""
    if duplicate:
        yield Reason(
            "MessageID",
            f"{DUPLICATE_IDENTIFIER}: {message.message_id} was used before for a message with other content",
        )


def v8_already_submitted(rejection_reason: str | None) -> bool:
    """V8: whether a rejection that we got only says that the message had been accepted before."""
    return (rejection_reason or "").strip().lower().startswith(ALREADY_SUBMITTED.lower())


def v51_version(version: str) -> Iterator[Reason]:
    """V51, D1: the specification has no phrase for it."""
    if wire_version(version) is None:
        yield Reason("Version", unsupported(version))


def check_identity(
    message: PayloadMessage,
    envelope_sender_domain: str,
    envelope_sender_role: str,
    recipient_known: bool,
    barred: bool,
    duplicate: bool,
) -> list[Reason]:
    """V3 to V7 and V51, on whatever message: all reasons to refuse it because of who sent it to whom."""
    return [
        *v3_sender_matches_envelope(message, envelope_sender_domain),
        *v4_sender_role(message, envelope_sender_role),
        *v5_recipient(message, recipient_known),
        *v6_barred(message, barred),
        *v7_duplicate(message, duplicate),
        *v51_version(message.version),
    ]


def v13_answered(response: PayloadMessage, answered: type[PayloadMessage] | None) -> Iterator[Reason]:
    """V13, V54: a response names a message of ours, of the type that it answers. `answered` is the type
    of the message found, None if there is none."""
    if response.REFERENCE is None or (answered is not None and answered.response_type is type(response)):
        return
    name = next(
        field.spec.name for field in attributes(type(response)) if field.python_name == response.REFERENCE
    )
    yield Reason(name, f"Unknown reference {name}: {response.reference} is no message that this answers")


def v54_from_recipient(response: PayloadMessage, from_recipient: bool) -> Iterator[Reason]:
    """V54: nobody answers for somebody else."""
    if not from_recipient:
        yield Reason("SenderDomain", "Invalid Sender: the message answered was not sent to this participant")


def check_response(
    response: PayloadMessage, answered: type[PayloadMessage] | None, from_recipient: bool
) -> list[Reason]:
    """V13 and V54: why a response cannot be taken as an answer. A response is never answered."""
    return [*v13_answered(response, answered), *v54_from_recipient(response, from_recipient)]
