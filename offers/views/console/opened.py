"""A stored message opened for the eye: whatever the bytes are, there is something to show."""

import base64
from dataclasses import dataclass, field
from functools import cached_property

from offers import uftp
from offers.models import Key, Message
from offers.uftp import display

GONE = "The bytes are past their retention time. The hash still proves what was said."


@dataclass
class Opened:
    """The envelope, the payload and the message of a row, as far as they can be read."""

    row: Message
    problems: list[str] = field(default_factory=list)

    @cached_property
    def envelope(self) -> bytes | None:
        return None if self.row.sealed is None else bytes(self.row.sealed)

    @cached_property
    def signed(self) -> uftp.SignedMessage | None:
        if self.envelope is None:
            self.problems.append(GONE)
            return None
        try:
            return uftp.decode_envelope(self.envelope)
        except ValueError as error:
            self.problems.append(f"The envelope cannot be read: {error}")
            return None

    @cached_property
    def payload(self) -> bytes | None:
        return None if self.signed is None else uftp.seal.payload_of(self.signed.body)

    @cached_property
    def message(self) -> uftp.PayloadMessage | None:
        if self.payload is None:
            return None
        try:
            return uftp.decode(self.payload)
        except ValueError as error:
            self.problems.append(f"It cannot be read as a message: {error}")
            return None

    @property
    def decoded_text(self) -> str:
        """The payload as XML for people, or as it came when it is none."""
        if self.payload is None:
            return ""
        try:
            return display.pretty_xml(self.payload)
        except ValueError:
            return self.payload.decode("utf-8", "replace")

    @property
    def sealed_text(self) -> str:
        return "" if self.envelope is None else self.envelope.decode("utf-8", "replace")

    @cached_property
    def seal_fits(self) -> bool | None:
        """Whether the seal fits the key that is on record; None when that cannot be told."""
        if self.signed is None or not self.row.key_used:
            return None
        try:
            uftp.seal.unseal(self.signed.body, base64.b64decode(self.row.key_used))
        except ValueError:
            return False
        return True

    @cached_property
    def key(self) -> Key | None:
        """The key that sealed it, as it stands in the address book now."""
        sealer = self.row.counterparty_id if self.row.is_in else self.row.owner_id
        return Key.objects.filter(participant_id=sealer, public=self.row.key_used).first()

    @property
    def key_text(self) -> str:
        """cs1.dQm4…7Ro=: enough of the key to compare it by eye."""
        key = self.row.key_used
        return f"cs1.{key[:8]}…{key[-5:]}" if key else ""

    @property
    def hash_text(self) -> str:
        """The SHA-256 of the payload in groups of eight."""
        digest = self.row.sha256
        return " ".join(digest[n : n + 8] for n in range(0, len(digest), 8))
