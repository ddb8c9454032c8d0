"""A signing key and a master key are changed while messages go out; what the counterparties make of it.

The clock is compressed: a step is as long as is said, and nobody sleeps. Messages are sealed, claimed and
settled by the real services; only the socket is replaced by a counterparty that reads what it is given.
"""

import base64
import json
import random
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

from offers import domain, models, uftp
from offers.services import keys, outbox, trading

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LIBRARY = ROOT / ".venv-interop/bin/python"
TTL = timedelta(minutes=10)  # of the DNS record, as every resolver keeps it
CACHE = timedelta(hours=1)  # of a counterparty that keeps what it has read
Read = Callable[[bytes, datetime], str]  # "taken", or why it is refused


@dataclass
class Record:
    """Our TXT record as a resolver gives it: for the TTL as it was when it was first asked for."""

    published: str = ""
    known: str = ""
    asked_at: datetime | None = None

    def at(self, now: datetime) -> str:
        if self.asked_at is None or now - self.asked_at >= TTL:
            self.known, self.asked_at = self.published, now
        return self.known


@dataclass
class TwoKeys:
    """A counterparty as the specification wants it: up to two keys of the record, kept for an hour."""

    record: Record
    keys: list[bytes] = field(default_factory=list)
    read_at: datetime | None = None

    def __call__(self, envelope: bytes, now: datetime) -> str:
        if self.read_at is None or now - self.read_at >= CACHE:
            self.keys = [uftp.seal.parse_public(text) for text in self.record.at(now).split()[:2]]
            self.read_at = now
        signed = uftp.decode_envelope(envelope)
        return "taken" if any(_opens(signed.body, key) for key in self.keys) else "refused"


def _opens(body: bytes, key: bytes) -> bool:
    try:
        uftp.seal.unseal(body, key)
    except uftp.BadSeal:
        return False
    return True


@contextmanager
def library(record: Record) -> Iterator[Read]:
    """The official library: one key, kept for an hour."""
    command = [str(LIBRARY), str(HERE / "library_reader.py")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, text=True, **pipes) as reader:
        assert reader.stdin is not None and reader.stdout is not None

        def read(envelope: bytes, now: datetime) -> str:
            body = base64.b64encode(envelope).decode()
            order = {"at": now.timestamp(), "txt": record.at(now), "envelope": body}
            reader.stdin.write(json.dumps(order) + "\n")  # type: ignore[union-attr]
            reader.stdin.flush()  # type: ignore[union-attr]
            return str(json.loads(reader.stdout.readline()))  # type: ignore[union-attr]

        try:
            yield read
        finally:
            reader.stdin.close()


# --- the traffic ----------------------------------------------------------------------------------------


@dataclass
class Traffic:
    """A message every `step`, from one of ours to one counterparty, and how each was received."""

    sender: models.Participant
    recipient: models.Participant
    read: Read
    step: timedelta
    now: datetime
    answers: Counter[str] = field(default_factory=Counter)
    sent: int = 0
    jitter: random.Random = field(default_factory=lambda: random.Random(38))

    def go_on(self, length: timedelta) -> None:
        end = self.now + length
        while self.now < end:
            trading.send_test(self.sender, self.recipient, self.now)
            self.sent += 1
            self.deliver()
            self.now += self.step

    def deliver(self) -> None:
        with mock.patch("offers.transport.post", self._post):
            outbox.deliver_due(lambda: self.now, self.jitter)

    def _post(self, endpoint: str, envelope: bytes, **options: Any) -> domain.Outcome:
        answer = self.read(envelope, self.now)
        self.answers[answer] += 1
        taken = answer == "taken"
        status = 200 if taken else 401
        verdict = domain.Verdict.DELIVERED if taken else domain.Verdict.PERMANENT
        return domain.Outcome(verdict, answer, status)

    @property
    def refused(self) -> int:
        return self.answers.total() - self.answers["taken"]

    @property
    def waiting(self) -> int:
        return models.Message.objects.queued().filter(counterparty=self.recipient).count()


def cs1(key: models.Key) -> str:
    return uftp.seal.to_cs1(uftp.seal.parse_public(key.public))


# --- the two procedures, as docs/operations.md tells them -----------------------------------------------


def announced(traffic: Traffic, record: Record, announce: bool = True) -> None:
    """For counterparties that read two keys: both are published before the new one signs."""
    old = traffic.sender.keys.valid_at(traffic.now).newest_first()[0]
    record.published = cs1(old)
    traffic.go_on(2 * CACHE + CACHE / 2)  # in the middle of what the counterparty keeps
    wait = TTL + CACHE if announce else timedelta(0)
    new = keys.change_over(traffic.sender, traffic.now, timedelta(days=1), traffic.now + wait)
    record.published = f"{cs1(new)} {cs1(old)}"
    traffic.go_on(wait + 2 * CACHE)
    record.published = cs1(new)
    traffic.go_on(2 * CACHE)


def held(traffic: Traffic, record: Record, hold: bool = True) -> None:
    """For a counterparty that reads one key: nothing is sent to it while it may know the old one only."""
    old = traffic.sender.keys.valid_at(traffic.now).newest_first()[0]
    record.published = cs1(old)
    traffic.go_on(2 * CACHE + CACHE / 2)
    whom = [traffic.recipient] if hold else []
    new = keys.change_over_held(traffic.sender, whom, traffic.now, timedelta(days=1), TTL + CACHE)
    record.published = cs1(new)
    traffic.go_on(TTL + 3 * CACHE)


# --- the master key -------------------------------------------------------------------------------------


def master_key(
    old: str, send: Callable[[], None], use: Callable[[list[str]], None], each: int, encrypt_anew: bool = True
) -> int:
    """From `old` to a new master key, step by step; how many messages could not be sealed on the way.

    In a rolling restart some processes have the settings of before and some those of after: both send.
    """
    new = base64.b64encode(random.randbytes(32)).decode()
    failed = 0
    for before, after in (([old], [new, old]), ([new, old], [new])):
        if encrypt_anew and before == [new, old]:
            use(before)
            keys.reencrypt()
        for number in range(each):
            use(before if number % 2 else after)
            failed += _fails(send)
    return failed


def _fails(send: Callable[[], None]) -> bool:
    try:
        send()
    except keys.MasterKeyWrong:
        return True
    return False
