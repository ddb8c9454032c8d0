"""Envelopes: opened with the sender's key, and led to the hosted participant that they are for."""

import base64
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F

from offers import models, uftp
from offers.models import Direction

from . import keys


class NotTaken(Exception):
    """The endpoint does not take this request: an HTTP status and a sentence (protocol.md §3.2, D21)."""

    def __init__(self, status: int, text: str, sender: str = "") -> None:
        super().__init__(text)
        self.status, self.text, self.sender = status, text, sender


@dataclass(frozen=True)
class Opened:
    """An envelope whose seal was verified, with what is inside."""

    sender: models.Participant
    key: str
    payload: bytes
    metadata: uftp.Metadata


def open_envelope(body: bytes, now: datetime) -> Opened:
    try:
        signed = uftp.decode_envelope(body)
    except uftp.BadMessage as error:
        raise NotTaken(400, f"The envelope is not valid: {'; '.join(error.reasons)}") from error
    name = f"{signed.sender_domain}/{signed.sender_role}"
    known = keys.keys_of_sender(signed.sender_domain, signed.sender_role, now)
    if not known:
        raise NotTaken(419, f"No key is known here for {name}.", name)
    payload, key = _unseal(signed.body, known, name)
    try:
        metadata = uftp.identify(payload)  # what can be answered is taken in, even if only rejected
    except uftp.BadMessage as error:
        raise NotTaken(400, f"The message is not valid: {'; '.join(error.reasons)}", name) from error
    return Opened(key.participant, key.public, payload, metadata)


def _unseal(sealed: bytes, known: list[models.Key], name: str) -> tuple[bytes, models.Key]:
    for key in known:
        try:
            return uftp.seal.unseal(sealed, base64.b64decode(key.public)), key
        except uftp.BadSeal:
            continue
    count_bad_seal(known[0].participant)
    raise NotTaken(401, f"The signature does not fit any key that is valid for {name}.", name)


def count_bad_seal(sender: models.Participant) -> None:
    models.Participant.objects.filter(pk=sender.pk).update(bad_seals=F("bad_seals") + 1)


def owner_of(opened: Opened) -> models.Participant:
    """The hosted participant that the message is for: in the role that its type addresses, else in any.

    Without one nobody here has a key to sign an answer with, so the refusal is an HTTP status.
    """
    domain = opened.metadata.recipient_domain
    hosted = list(models.Participant.objects.hosted().filter(domain=domain))
    if not hosted:
        sender = f"{opened.sender.domain}/{opened.sender.role}"
        raise NotTaken(400, f"Unknown Recipient: {domain} is not served here.", sender)
    kind = uftp.CATALOGUE[opened.metadata.type]
    role = kind.RECIPIENT_ROLE or (_role_that_asked(opened, hosted) if kind.is_response else None)
    return next((one for one in hosted if one.role == role), hosted[0])


def _role_that_asked(opened: Opened, hosted: list[models.Participant]) -> str | None:
    """A response that fits any role goes to the one of ours that began its conversation."""
    return (
        models.Message.objects.filter(
            owner__in=hosted,
            direction=Direction.OUT,
            counterparty=opened.sender,
            conversation_id=opened.metadata.conversation_id,
        )
        .order_by("pk")
        .values_list("owner__role", flat=True)
        .first()
    )
