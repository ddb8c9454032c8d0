"""G28: messages that were valid until something changed: in the tree or the bytes, within the seal or not."""

import random
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from lxml import etree

from offers import uftp
from tests.uftp import mutants, samples

Seal = Callable[[bytes], bytes]  # a payload into an envelope


@dataclass(frozen=True)
class Mutant:
    """A body to be posted, and what was sealed in it."""

    body: bytes
    payload: bytes


@dataclass(frozen=True)
class Head:
    """Who speaks to whom, so that a mutant gets further than to the door."""

    sender: str
    recipient: str
    point: str


def mutated(rng: random.Random, head: Head, seal: Seal) -> Iterator[Mutant]:
    """Without end. Now and then the same one twice, since whoever is not answered sends again."""
    last: Mutant | None = None
    while True:
        if last is None or rng.random() > 0.02:
            payload = _payload(rng, head)
            if rng.random() < 0.7:
                payload = _changed(rng, payload)
            body = seal(payload)
            if rng.random() < 0.25:
                body = _changed(rng, body)
            last = Mutant(body, payload)
        yield last


def _payload(rng: random.Random, head: Head) -> bytes:
    """A golden message, addressed and dated so that it could be valid here and today."""
    root = etree.fromstring(rng.choice(samples.GOLDEN).read_bytes())
    today = datetime.now(UTC)
    new = {
        "SenderDomain": head.sender,
        "RecipientDomain": head.recipient,
        "MessageID": str(uuid.UUID(int=rng.getrandbits(128))),
        "ConversationID": str(uuid.UUID(int=rng.getrandbits(128))),
        "CongestionPoint": head.point,
        "Period": str(today.date() + timedelta(days=1)),
        "ExpirationDateTime": (today + timedelta(hours=1)).isoformat(timespec="seconds"),
    }
    for name, value in new.items():
        if name in root.attrib:
            root.set(name, value)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def _changed(rng: random.Random, xml: bytes) -> bytes:
    changed = xml
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        changed = rng.choice((_tree, _bytes))(rng, changed)
    return changed


def _tree(rng: random.Random, xml: bytes) -> bytes:
    try:
        root = etree.fromstring(xml)
        rng.choice(mutants.MUTATIONS)(rng, root)
        return etree.tostring(root, encoding="UTF-8")
    except (etree.XMLSyntaxError, ValueError, KeyError):
        return _bytes(rng, xml)


PIECES = (
    b"<",
    b">",
    b'"',
    b"'",
    b"&",
    b"\0",
    b"\xff",
    b"&#x202e;",
    b"&lt;",
    b"-",
    b"9" * 30,
    b"]]>",
    b"\r\n",
    b"=",
)


def _bytes(rng: random.Random, xml: bytes) -> bytes:
    if not xml:
        return b"<"
    at, length = rng.randrange(len(xml)), rng.choice((0, 1, 1, 2, 8, 200))
    kind = rng.randrange(5)
    if kind == 0:
        return xml[:at] + bytes([xml[at] ^ 1 << rng.randrange(8)]) + xml[at + 1 :]
    if kind == 1:
        return xml[:at] + xml[at + length :]
    if kind == 2:
        return xml[: at + length] + xml[at:]
    if kind == 3:
        return xml[:at] + rng.choice(PIECES) + xml[at + length :]
    return xml[:at] + rng.randbytes(length) + xml[at + length :]


def sealing(secret: bytes, domain: str, role: str) -> Seal:
    def seal(payload: bytes) -> bytes:
        body = uftp.seal.seal(payload, secret)
        return uftp.encode_envelope(uftp.SignedMessage(sender_domain=domain, sender_role=role, body=body))

    return seal
