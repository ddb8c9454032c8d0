"""Envelopes: opened with the sender's key, and led to the hosted participant that they are for."""

import base64
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F

from offers import models, uftp
from offers.models import Direction

from . import directory
from .directory import Sender


class NotTaken(Exception):
    """The endpoint does not take this request: an HTTP status and a sentence (protocol.md §3.2, D21)."""

    def __init__(self, status: int, text: str, sender: str = "") -> None:
        super().__init__(text)
        self.status, self.text, self.sender = status, text, sender


@dataclass(frozen=True)
class Opened:
    """An envelope whose seal was verified, with what is inside."""

    sender: Sender
    key: str
    payload: bytes
    metadata: uftp.Metadata


def open_envelope(body: bytes, now: datetime) -> Opened:
    try:
        signed = uftp.decode_envelope(body)
    except uftp.BadMessage as error:
        raise NotTaken(400, f"The envelope is not valid: {'; '.join(error.reasons)}") from error
    sender = directory.sender(signed.sender_domain, signed.sender_role, now)
    if sender is None:
        name = f"{signed.sender_domain}/{signed.sender_role}"
        raise NotTaken(419, f"No key is known here for {name}.", name)
    payload, key = _unseal(signed.body, sender)
    try:
        metadata = uftp.identify(payload)  # what can be answered is taken in, even if only rejected
    except uftp.BadMessage as error:
        raise NotTaken(400, f"The message is not valid: {'; '.join(error.reasons)}", str(sender)) from error
    return Opened(sender, key, payload, metadata)


def _unseal(sealed: bytes, sender: Sender) -> tuple[bytes, str]:
    for key in sender.keys:
        try:
            return uftp.seal.unseal(sealed, base64.b64decode(key)), key
        except uftp.BadSeal:
            continue
    count_bad_seal(sender)
    raise NotTaken(401, f"The signature does not fit any key that is valid for {sender}.", str(sender))


def count_bad_seal(sender: Sender) -> None:
    models.Participant.objects.filter(pk=sender.pk).update(bad_seals=F("bad_seals") + 1)


def owner_of(opened: Opened) -> int:
    """The row of the hosted participant that the message is for: in the role that its type addresses, else
    in any.

    Without one nobody here has a key to sign an answer with, so the refusal is an HTTP status.
    """
    domain = opened.metadata.recipient_domain
    hosted = directory.hosted(domain)
    if not hosted:
        raise NotTaken(400, f"Unknown Recipient: {domain} is not served here.", str(opened.sender))
    kind = uftp.CATALOGUE[opened.metadata.type]
    role = kind.RECIPIENT_ROLE or (_role_that_asked(opened, hosted) if kind.is_response else None)
    return hosted[role] if role in hosted else next(iter(hosted.values()))


def _role_that_asked(opened: Opened, hosted: dict[str, int]) -> str | None:
    """A response that fits any role goes to the one of ours that began its conversation."""
    return (
        models.Message.objects.filter(
            owner__in=hosted.values(),
            direction=Direction.OUT,
            counterparty=opened.sender.pk,
            conversation_id=opened.metadata.conversation_id,
        )
        .order_by("pk")
        .values_list("owner__role", flat=True)
        .first()
    )
