"""What can be wrong with bytes or with a message that is to become bytes."""

from collections.abc import Sequence
from dataclasses import dataclass

MOST = 60


def clipped(text: object) -> str:
    """At most MOST characters of what somebody else wrote, so that a reason stays a sentence."""
    shown = str(text)
    return shown if len(shown) <= MOST else shown[:MOST] + "…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What identifies a message even if nothing else of it can be read."""

    type: str
    version: str
    sender_domain: str
    recipient_domain: str
    message_id: str
    conversation_id: str


class BadMessage(ValueError):
    """The base of all refusals; `reasons` are sentences that name element, attribute, line and what
    would be right. `metadata` is known if the message was readable enough to be answered."""

    def __init__(self, reasons: Sequence[str], metadata: Metadata | None = None) -> None:
        self.reasons = list(reasons)
        self.metadata = metadata
        super().__init__("; ".join(self.reasons))


class NotXML(BadMessage):
    """Not well-formed XML in UTF-8, or XML that is refused before it is parsed (D21)."""


class TooLarge(NotXML):
    """More bytes than are taken (D21)."""


class Invalid(BadMessage):
    """Not valid under the schema of its version."""


class OutOfRange(BadMessage):
    """Valid under the schema, but nothing that can be represented: Power of 24 digits, the year 10000."""


class UnsupportedVersion(BadMessage):
    """V51: a message of another version (D1). `metadata` says to whom to answer."""

    metadata: Metadata


class BadSeal(ValueError):
    """The signature is not that of the given key, or the sealed bytes are too short to have one."""
