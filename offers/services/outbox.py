"""A message's way out: sealed once, claimed with a fenced lease, posted, retried or given up."""

import hashlib
import random
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Case, F, Value, When

from offers import domain, models, transport, uftp
from offers.crashpoints import crashpoint
from offers.models import Direction, MessageState

from . import bell, keys, queues, recovery, sql
from .atomic import atomic

PER_COUNTERPARTY = 4
PER_FAILING_COUNTERPARTY = 1

Clock = Callable[[], datetime]


class Slots:
    """So many threads of this process at once, and no more."""

    def __init__(self, most: int) -> None:
        self._free = threading.BoundedSemaphore(most)

    @contextmanager
    def one(self) -> Iterator[bool]:
        """Whether one was free; it is ours until the block ends."""
        ours = self._free.acquire(blocking=False)
        try:
            yield ours
        finally:
            if ours:
                self._free.release()


# Of the eight threads of a worker: however many counterparties hang, some go on processing what comes in,
# and some send to those that answer (G11).
SENDERS = Slots(6)
SENDERS_TO_FAILING = Slots(3)


class NotQueueable(ValueError):
    """This message cannot be sent (again); the text says why."""


def new_id() -> str:
    return str(uuid.uuid4())


def enqueue(
    owner: models.Participant,
    counterparty: models.Participant,
    message: uftp.PayloadMessage,
    now: datetime,
    *,
    about: str = "",
    expires_at: datetime | None = None,
    wants_answer: bool = True,
    answers: models.Message | None = None,
    refers_to: models.Message | None = None,
) -> models.Message:
    """Encode, seal and store a message; the same bytes go out at every attempt. Rings on commit."""
    public, payload, envelope = _seal(owner, message, now)
    row = models.Message(
        owner=owner,
        direction=Direction.OUT,
        counterparty=counterparty,
        type=message.XML_NAME,
        version=message.version,
        message_id=message.message_id,
        conversation_id=message.conversation_id,
        sealed=envelope,
        sha256=hashlib.sha256(payload).hexdigest(),
        key_used=public,
        about=about[:200],
        created_at=now,
        state=MessageState.QUEUED,
        state_at=now,
        next_attempt_at=now,
        expires_at=expires_at,
        wants_answer=wants_answer,
        answers=answers,
        refers_to=refers_to,
    )
    sql.insert(row)
    bell.ring_on_commit(bell.DELIVER)
    crashpoint("outbox.enqueued")
    return row


def _seal(owner: models.Participant, message: uftp.PayloadMessage, now: datetime) -> tuple[str, bytes, bytes]:
    """The key that was used, what it sealed, and the envelope."""
    keys.hold_change(owner)
    public, secret = keys.signing_key(owner, now)
    payload = uftp.encode(message)
    body = uftp.seal.seal(payload, secret)
    signed = uftp.SignedMessage(sender_domain=owner.domain, sender_role=owner.role, body=body)
    return public, payload, uftp.encode_envelope(signed)


def endpoint_of(participant: models.Participant) -> str:
    """Where its messages go; a hosted participant without an endpoint is reached at this installation."""
    if participant.endpoint or not participant.hosted:
        return participant.endpoint
    return settings.PUBLIC_URL.rstrip("/") + transport.MESSAGE_PATH


# --- sending ----------------------------------------------------------------------------------------


def deliver_due(clock: Clock, jitter: random.Random) -> int:
    """Send what is due until nothing is; how many messages were given up, for the caller to act on.

    Does nothing where enough threads of this process send: they look again after each message.
    """
    with SENDERS.one() as free:
        return _deliver_all(clock, jitter) if free else 0


def _deliver_all(clock: Clock, jitter: random.Random) -> int:
    given_up, helped = 0, False
    while True:
        with ExitStack() as held:
            failing_too = held.enter_context(SENDERS_TO_FAILING.one())
            row = claim(now := clock(), failing_too)
            if row is None:
                return given_up
            if row.counterparty.failing_since is None:
                held.close()
            if not helped and _wanting(now):
                bell.ring(bell.DELIVER)  # there is more than one: another worker may help
            helped = True
            given_up += _deliver(row, clock, jitter)
            _see_whether_it_is_back(row, clock())
            crashpoint("outbox.settled")


def _see_whether_it_is_back(row: models.Message, now: datetime) -> None:
    """After an outage only: one message that always fails must not be tried again after each other one."""
    since = row.counterparty.failing_since
    if since is not None and since <= now - recovery.PROBE_EVERY:
        row.counterparty.refresh_from_db(fields=["failing_since"])
        if row.counterparty.failing_since is None:
            recovery.is_back(row.counterparty, now)


def _wanting(now: datetime, failing_too: bool = True) -> list[int]:
    return queues.wanting(now, PER_COUNTERPARTY, PER_FAILING_COUNTERPARTY if failing_too else 0)


def _most(failing_since: datetime | None) -> int:
    return PER_COUNTERPARTY if failing_since is None else PER_FAILING_COUNTERPARTY


def claim(now: datetime, failing_too: bool = True) -> models.Message | None:
    """Take one due message, the oldest first, under a lease of our own; None when there is none."""
    for counterparty in _wanting(now, failing_too):
        if (row := _take_one_for(counterparty, now)) is not None:
            crashpoint("outbox.claimed")
            return row
    return None


@atomic
def _take_one_for(counterparty_id: int, now: datetime) -> models.Message | None:
    """Its oldest due message. Whoever takes one holds the counterparty: two that look at the same time
    would each see the last place free, and the same message."""
    counterparty = sql.find(models.Participant, locked=True, pk=counterparty_id)
    in_flight, pk = queues.lanes(counterparty_id, now)
    if counterparty is None or pk is None or in_flight >= _most(counterparty.failing_since):
        return None
    row = sql.find(models.Message, "owner", pk=pk)
    assert row is not None  # noqa: S101 - for the type checker: messages stay
    # A lease that ran out belonged to a worker that died or froze: its attempt may have arrived.
    row.unknown_outcome = row.unknown_outcome or row.lease_until is not None
    row.lease_token, row.attempts = uuid.uuid4().hex, row.attempts + 1
    if not queues.lease(pk, row.attempts, row.lease_token, row.unknown_outcome, now):
        return None
    crashpoint("outbox.claiming")
    sql.insert(models.Attempt(message=row, number=row.attempts, started_at=now))
    crashpoint("outbox.before_claim_commit")
    row.counterparty = counterparty
    return row


def _deliver(row: models.Message, clock: Clock, jitter: random.Random) -> bool:
    """One attempt at a claimed message; True when it was the last and the message is given up."""
    now, end = clock(), domain.give_up_at(row.state_at, row.expires_at)  # state_at: when it was queued
    if now >= end:
        last = models.Attempt.objects.filter(message=row).exclude(number=row.attempts).last()
        return _settle(row, _too_late(row, last), now, now)
    crashpoint("outbox.before_post")
    outcome = transport.post(
        endpoint_of(row.counterparty),
        bytes(row.sealed or b""),
        unknown_before=row.unknown_outcome,
        allow_local=settings.LOCAL_MARKET,
    )
    crashpoint("outbox.after_post")
    ended = clock()
    return _settle(row, outcome, ended, min(ended + _wait(row, outcome, jitter), end))


def _wait(row: models.Message, outcome: domain.Outcome, jitter: random.Random) -> timedelta:
    """Until the next attempt, if there has to be one; who sends a message again begins with short waits."""
    if outcome.verdict != domain.Verdict.TEMPORARY:
        return timedelta(0)
    failures = models.Attempt.objects.filter(message=row, started_at__gte=row.state_at).count()
    return max(domain.retry_delay(max(failures, 1), jitter), outcome.retry_after or timedelta(0))


def _too_late(row: models.Message, last: models.Attempt | None) -> domain.Outcome:
    why = "expired before it could be delivered" if row.expires_at else "not delivered within a day"
    tail = f"; last attempt: {last.text}" if last is not None else ""
    return domain.Outcome(domain.Verdict.PERMANENT, f"{why}{tail}")


@atomic
def _settle(row: models.Message, outcome: domain.Outcome, now: datetime, next_at: datetime) -> bool:
    """Write down how an attempt ended, unless the lease was lost in the meantime (then only the evidence)."""
    delivered = outcome.verdict == domain.Verdict.DELIVERED
    retried = outcome.verdict == domain.Verdict.TEMPORARY
    ended = {"ended_at": now, "status": outcome.status, "verdict": outcome.verdict, "text": outcome.text}
    attempt = {"message": row, "number": row.attempts}
    sql.change(models.Attempt, attempt, {**ended, "next_attempt_at": next_at if retried else None})
    crashpoint("outbox.settling")
    state = MessageState.QUEUED if retried else MessageState.DELIVERED if delivered else _lost(row, now)
    changed = sql.change(
        models.Message,
        {"pk": row.pk, "lease_token": row.lease_token, "state": MessageState.QUEUED},
        {
            "state": state,
            **({} if retried else {"state_at": now}),
            "error": "" if delivered else outcome.text,
            "next_attempt_at": next_at,
            "lease_token": "",
            "lease_until": None,
            "unknown_outcome": row.unknown_outcome or outcome.unknown,
        },
    )
    _remember_health(row.counterparty, outcome, now)
    crashpoint("outbox.before_settle_commit")
    return bool(changed) and state in LOST


LOST = (MessageState.FAILED, MessageState.EXPIRED)


def _lost(row: models.Message, now: datetime) -> MessageState:
    too_late = row.expires_at is not None and now >= row.expires_at
    return MessageState.EXPIRED if too_late else MessageState.FAILED


def _remember_health(counterparty: models.Participant, outcome: domain.Outcome, now: datetime) -> None:
    """Since when it fails; what was given up without a contact says nothing about it."""
    known = models.Participant.objects.filter(pk=counterparty.pk)
    if outcome.verdict == domain.Verdict.TEMPORARY:
        known.filter(failing_since=None).update(failing_since=now)
    elif outcome.status is not None and counterparty.failing_since is not None:
        known.update(failing_since=None)  # what began to fail beside us is tried again, and ends that itself


# --- sending again ------------------------------------------------------------------------------------

UNDELIVERED = (MessageState.QUEUED, MessageState.FAILED, MessageState.EXPIRED)
RESENDABLE = (MessageState.FAILED, MessageState.EXPIRED, MessageState.DELIVERED)


def send_again(row: models.Message, now: datetime) -> models.Message:
    """Queue the same bytes once more, as staff asks in the console."""
    if row.direction != Direction.OUT or row.state not in RESENDABLE:
        raise NotQueueable(
            f"{row} is {row.state}: only a message of ours that was sent or failed can be sent again."
        )
    if row.answer == models.Answer.REJECTED:
        raise NotQueueable(f"{row} was rejected, and its first answer counts: send a new one instead.")
    if row.sealed is None:
        raise NotQueueable(f"The bytes of {row} are past their retention time and gone.")
    if row.expires_at is not None and now >= row.expires_at:
        raise NotQueueable(f"{row} expired at {row.expires_at:%Y-%m-%d %H:%M} UTC: send a new one instead.")
    queue_again(row, now)
    row.refresh_from_db()
    return row


def queue_again(row: models.Message, now: datetime) -> bool:
    """Make a message that is not under way due now; False when it already is.

    One that was delivered has arrived: whatever becomes of its copy, it was not lost.
    """
    arrived = Case(When(state=MessageState.DELIVERED, then=Value(True)), default=F("unknown_outcome"))
    changed = models.Message.objects.filter(pk=row.pk, state__in=RESENDABLE).update(
        unknown_outcome=arrived, state=MessageState.QUEUED, state_at=now, next_attempt_at=now, error=""
    )
    if changed:
        bell.ring_on_commit(bell.DELIVER)
        crashpoint("outbox.queued_again")
    return bool(changed)


def mark_answered(row: models.Message, answer: models.Answer, reason: str, now: datetime) -> bool:
    """Note the answer to a message of ours; the first one counts. An answer proves delivery."""
    said = {"answer": answer, "answer_reason": reason, "answered_at": now}
    first = sql.change(models.Message, {"pk": row.pk, "answer": models.Answer.NONE}, said)
    crashpoint("outbox.answer_marked")
    if row.state != MessageState.DELIVERED:
        models.Message.objects.filter(pk=row.pk, state__in=UNDELIVERED).update(
            state=MessageState.DELIVERED, state_at=now, error="", lease_token="", lease_until=None
        )
    return bool(first)
