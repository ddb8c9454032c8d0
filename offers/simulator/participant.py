"""What both simulated counterparties do alike: answer, sign, post, and try again."""

import logging
import random
import uuid
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Generic, TypedDict, TypeVar, Unpack

from offers import transport, uftp
from offers.domain import Outcome, Verdict

from .agenda import Agenda
from .habits import Habits
from .notebook import Note
from .world import Party, Peer, World

log = logging.getLogger(__name__)
REMEMBERED = 5000

Post = Callable[[str, bytes, bool], Outcome]
V = TypeVar("V")


def post(endpoint: str, envelope: bytes, unknown_before: bool) -> Outcome:
    """Through the portal's only socket to the outside; local addresses are what a simulation is about."""
    return transport.post(endpoint, envelope, unknown_before=unknown_before, allow_local=True)


class Memory(OrderedDict[str, V], Generic[V]):
    """Remembers the latest few thousand things and forgets the others."""

    def __setitem__(self, key: str, value: V) -> None:
        super().__setitem__(key, value)
        if len(self) > REMEMBERED:
            self.popitem(last=False)


class Parts(TypedDict):
    """What a participant is made of."""

    domain: str
    secret: bytes
    world: Callable[[], World]
    agenda: Agenda
    habits: Habits
    seed: int
    post: Post


class Participant:
    """One simulated participant. Not thread-safe: everything happens in the simulation's one loop."""

    role = ""

    def __init__(self, **parts: Unpack[Parts]) -> None:
        self.domain, self.secret, self.world = parts["domain"], parts["secret"], parts["world"]
        self.agenda, self.habits, self.post = parts["agenda"], parts["habits"], parts["post"]
        self.seed = parts["seed"]
        self.dice = random.Random(f"{self.seed} {self.domain}")  # noqa: S311 - behaviour, no secret
        self.answers: Memory[uftp.PayloadMessage | None] = Memory()

    @property
    def party(self) -> Party:
        return self.domain, self.role

    def begin(self, now: datetime) -> None:
        """Called once, at the start."""

    def notes(self, now: datetime) -> list[Note]:
        """What must not be forgotten in a restart."""
        return []

    def recall(self, one: Note, peer: Peer, now: datetime) -> None:
        """Know again what was noted before a restart."""

    # --- in -------------------------------------------------------------------------------------

    def take(self, message: uftp.PayloadMessage, peer: Peer, now: datetime) -> None:
        """Handle a message whose seal was verified. A copy gets the earlier answer again (D13)."""
        seen = f"{peer.domain} {peer.role} {message.message_id}"
        if seen in self.answers:
            earlier = self.answers[seen]
            if earlier is not None:
                self.send(peer, earlier, now)
            return
        self.answers[seen] = None
        if message.is_response:
            self.noted(message, peer, now)
            return
        reasons = uftp.check_identity(
            message,
            peer.domain,
            peer.role,
            recipient_known=message.RECIPIENT_ROLE in (None, self.role),
            barred=False,
            duplicate=False,
        ) or self.judged(message, peer, now)
        answer = self.answers[seen] = self.answer_to(message, peer, reasons, now)
        self.later(self.habits.answer_after, now, lambda then: self.send(peer, answer, then))

    def judged(self, message: uftp.PayloadMessage, peer: Peer, now: datetime) -> list[uftp.Reason]:
        """What to say to a message, and what to plan because of it; no reasons mean Accepted."""
        return []

    def noted(self, message: uftp.PayloadMessage, peer: Peer, now: datetime) -> None:
        """An answer to something of ours."""

    def answer_to(
        self, message: uftp.PayloadMessage, peer: Peer, reasons: list[uftp.Reason], now: datetime
    ) -> uftp.PayloadMessage:
        """The response to a message, in the version in which it was asked."""
        kind = message.response_type
        if kind is None:
            raise ValueError(f"{message.XML_NAME} has no response")
        head = self.head(peer, now, message.version, message.conversation_id)
        if kind.REFERENCE is None:
            return kind(**head)
        result = "Rejected" if reasons else "Accepted"
        reason = uftp.joined(reasons) or None
        head |= {kind.REFERENCE: message.message_id, "result": result, "rejection_reason": reason}
        return kind(**head)

    # --- out ------------------------------------------------------------------------------------

    def head(self, peer: Peer, now: datetime, version: str = "", conversation_id: str = "") -> dict[str, Any]:
        return {
            "version": uftp.wire_version(version or peer.version) or uftp.VERSIONS[-1],
            "sender_domain": self.domain,
            "recipient_domain": peer.domain,
            "time_stamp": now,
            "message_id": str(uuid.uuid4()),
            "conversation_id": conversation_id or str(uuid.uuid4()),
        }

    def later(self, span: tuple[float, float], now: datetime, action: Callable[[datetime], None]) -> None:
        self.agenda.plan(now + self.habits.wait(span, self.dice), action)

    def send(self, peer: Peer, message: uftp.PayloadMessage, now: datetime) -> None:
        sealed = uftp.seal.seal(uftp.encode(message), self.secret)
        signed = uftp.SignedMessage(sender_domain=self.domain, sender_role=self.role, body=sealed)
        self._post(peer, message, uftp.encode_envelope(signed), 0, False, now)

    def _post(
        self,
        peer: Peer,
        message: uftp.PayloadMessage,
        envelope: bytes,
        tries: int,
        unknown: bool,
        now: datetime,
    ) -> None:
        outcome = self.post(peer.endpoint, envelope, unknown)
        log.info("%s/%s: %s to %s: %s", self.domain, self.role, message.XML_NAME, peer.domain, outcome.text)
        if outcome.verdict == Verdict.TEMPORARY and tries < self.habits.retries:
            wait = self.habits.seconds(self.habits.retry_after * 2**tries)
            again = unknown or outcome.unknown
            self.agenda.plan(
                now + wait, lambda then: self._post(peer, message, envelope, tries + 1, again, then)
            )


def at_most(expiry: datetime, wait: timedelta, now: datetime, share: float = 0.6) -> timedelta:
    """A wait that leaves some time before `expiry`."""
    return max(timedelta(0), min(wait, (expiry - now) * share))
