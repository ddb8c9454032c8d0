"""A message's way in: checked, stored before it is acknowledged, processed by a worker, always answered."""

import hashlib
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, IntegrityError, InterfaceError, connection, transaction

from offers import models, uftp
from offers.crashpoints import crashpoint
from offers.models import Direction, MessageState
from offers.models.messages import UNPROCESSED

from . import bell, keys, outbox, queues, recovery, sql, trading
from .atomic import atomic, is_away, locked
from .envelopes import NotTaken as NotTaken
from .envelopes import Opened, open_envelope, owner_of
from .trading.answers import reason

log = logging.getLogger(__name__)

MAX_BYTES = 2 * 1024 * 1024
MAX_ATTEMPTS = 5
WAIT_STEP = timedelta(seconds=1)
PUT_OFF = timedelta(seconds=5)
ANSWER_AGAIN_AFTER = timedelta(minutes=5)
KEPT_REFUSALS = 10_000

Clock = Callable[[], datetime]


# --- taking in ----------------------------------------------------------------------------------------


def receive(body: bytes, peer_address: str, now: datetime) -> models.Message:
    """Check, store and commit a message; only then may the door say 200. Raises NotTaken."""
    opened = open_envelope(body, now)
    crashpoint("inbox.opened")
    owner = owner_of(opened)
    row = _store(opened, owner, body, peer_address, now)
    crashpoint("inbox.stored")
    bell.ring(bell.PROCESS)
    if opened.sender.failing:
        recovery.was_heard(opened.sender.pk, now)
    return row


def _store(opened: Opened, owner: int, body: bytes, peer_address: str, now: datetime) -> models.Message:
    """Insert the message, or find what it is a copy of. The unique key decides, however many come at once."""
    digest = hashlib.sha256(opened.payload).hexdigest()
    for variant in ("", digest):
        try:
            with _one_statement():
                crashpoint("inbox.before_insert")
                row = _insert(opened, owner, body, peer_address, digest, variant, now)
                crashpoint("inbox.after_insert")
                return row
        except IntegrityError:
            known = _known(opened, owner, variant)
        if known.sha256 == digest:
            return _again(known, now)
    raise NotTaken(503, "This message could not be stored; try again.")


def _one_statement() -> AbstractContextManager[object]:
    """A statement is a transaction by itself; inside of one, its failure must not end the whole."""
    return transaction.atomic() if connection.in_atomic_block else nullcontext()


def _insert(
    opened: Opened,
    owner: int,
    body: bytes,
    peer_address: str,
    digest: str,
    variant: str,
    now: datetime,
) -> models.Message:
    metadata = opened.metadata
    return sql.insert(
        models.Message(
            owner_id=owner,
            direction=Direction.IN,
            counterparty_id=opened.sender.pk,
            type=metadata.type,
            version=metadata.version[:20],  # a pattern of digits without end; what was sent is in the bytes
            message_id=metadata.message_id,
            variant=variant,
            conversation_id=metadata.conversation_id,
            sealed=body,
            sha256=digest,
            key_used=opened.key,
            peer_address=peer_address,
            created_at=now,
            received_at=now,
            state=MessageState.RECEIVED,
            state_at=now,
            next_attempt_at=now,
        )
    )


def _known(opened: Opened, owner: int, variant: str) -> models.Message:
    return models.Message.objects.get(
        owner=owner,
        direction=Direction.IN,
        counterparty=opened.sender.pk,
        message_id=opened.metadata.message_id,
        variant=variant,
    )


@atomic
def _again(known: models.Message, now: datetime) -> models.Message:
    """A copy of a message that we have (D13): its answer is sent again; a rejected one is judged again."""
    row = locked(models.Message.objects.filter(pk=known.pk)).get()
    if row.state == MessageState.REJECTED and _judged_by_rules(row):
        row.state, row.received_at, row.next_attempt_at, row.attempts = MessageState.RECEIVED, now, now, 0
        row.answer = models.Answer.NONE
        row.save(update_fields=["state", "received_at", "next_attempt_at", "attempts", "answer"])
        crashpoint("inbox.copy_judged_again")
        return row
    answer = row.answered_by.order_by("-pk").first()
    if answer is not None and now - answer.state_at >= ANSWER_AGAIN_AFTER:
        outbox.queue_again(answer, now)
        crashpoint("inbox.copy_answered_again")
    return row


def _judged_by_rules(row: models.Message) -> bool:
    """Only what the rules rejected is judged again: no re-used MessageID, nothing that staff refused."""
    by_staff = models.FlexOffer.objects.filter(message=row).exists()
    return not row.variant and not by_staff and not uftp.CATALOGUE[row.type].is_response


def note_refusal(error: NotTaken, peer_address: str, now: datetime) -> None:
    """Keep a line for the operator about a request that was not taken; old lines make room."""
    row = models.Refusal.objects.create(
        at=now,
        status=error.status,
        sender=error.sender[:260],
        peer_address=peer_address,
        text=error.text[:2000],
    )
    if row.pk % 100 == 0:
        models.Refusal.objects.filter(pk__lte=row.pk - KEPT_REFUSALS).delete()


# --- processing ---------------------------------------------------------------------------------------

Taker = Callable[[models.Message, Any, datetime], trading.Judgement]
Finder = Callable[[], int | None]  # looks for a message to process, and locks it
Noter = Callable[[models.Message, models.Message, Any, datetime], None]

TAKERS: dict[str, Taker] = {
    "FlexRequest": trading.take_request,
    "FlexOffer": trading.take_offer,
    "FlexOfferRevocation": trading.take_revocation,
    "FlexOrder": trading.take_order,
    "D-Prognosis": trading.take_prognosis,
    "TestMessage": trading.take_test,
}
NOTERS: dict[str, Noter] = {
    "FlexRequestResponse": trading.request_answered,
    "FlexOfferResponse": trading.offer_answered,
    "FlexOfferRevocationResponse": trading.revocation_answered,
    "FlexOrderResponse": trading.order_answered,
    "D-PrognosisResponse": trading.just_noted,
    "TestMessageResponse": trading.just_noted,
}


def process_due(clock: Clock) -> int:
    """Process every message that is due; how many. The states take turns, each the oldest first: neither
    holds the other up, and the first of one state is found in an index, however many there are."""
    done = 0
    while turn := sum(_process_first_in(state, clock()) for state in UNPROCESSED):
        if done == 0 and models.Message.objects.due_to_process(clock()).exists():
            bell.ring(bell.PROCESS)  # there is more than one: another worker may help
        done += turn
    return done


def _process_first_in(state: MessageState, now: datetime) -> bool:
    return _process_first(lambda: queues.to_process(state, now), now)


def process_one(pk: int, now: datetime) -> bool:
    """Process this message, if it is due and nobody else does; whether that was so."""
    due = models.Message.objects.due_to_process(now).filter(pk=pk)

    def find() -> int | None:
        row = locked(due, skip_locked=True).first()
        return row.pk if row is not None else None

    return _process_first(find, now)


class _Broken(Exception):
    """The processing of this message came to grief, which undid all of it; the cause says why."""

    def __init__(self, pk: int) -> None:
        super().__init__(pk)
        self.pk = pk


def _process_first(find: Finder, now: datetime) -> bool:
    """Process one message in one transaction: effects, events and the answer, or none of it."""
    taken: list[int] = []
    try:
        done = _take_and_process(find, taken, now)
    except _Broken as broken:
        _failed(broken.pk, broken.__cause__ or broken, now)
        return True
    except (DatabaseError, InterfaceError) as error:
        if not taken:
            raise
        _put_off(taken[-1], error, now)  # which fails as well where the database is away for everybody
        return True
    crashpoint("process.committed")
    return done


@atomic
def _take_and_process(find: Finder, taken: list[int], now: datetime) -> bool:
    pk = find()
    if pk is None:
        return False
    taken.append(pk)
    row = sql.find(models.Message, "owner", "counterparty", pk=pk)
    assert row is not None  # noqa: S101 - for the type checker: we hold its lock
    crashpoint("process.taken")
    try:
        _process(row, now)
    except Exception as error:  # whatever it is, the message must stay, be seen and be answered
        if isinstance(error, (DatabaseError, InterfaceError)) and is_away(error):
            raise  # that is not the message's fault
        raise _Broken(row.pk) from error
    crashpoint("process.before_commit")
    return True


def _put_off(pk: int, error: DatabaseError | InterfaceError, now: datetime) -> None:
    """The database was away or busy for it: that counts as no attempt, and the next one has its turn."""
    log.warning("Message %s waits for the database", pk, exc_info=error)
    models.Message.objects.filter(pk=pk, state__in=UNPROCESSED).update(next_attempt_at=now + PUT_OFF)


def _process(row: models.Message, now: datetime) -> None:
    try:
        message = uftp.decode(_payload(row))
    except uftp.BadMessage as error:  # another version, or values that nothing can represent
        _conclude(row, trading.Judgement.no([reason("Message", text) for text in error.reasons]), now)
        return
    identity = _identity(row, message)
    if message.is_response:
        _take_response(row, message, identity, now)
    elif identity:
        _conclude(row, trading.Judgement.no(identity), now)
    else:
        _conclude(row, TAKERS[row.type](row, message, now), now)


def _payload(row: models.Message) -> bytes:
    return uftp.seal.payload_of(uftp.decode_envelope(bytes(row.sealed or b"")).body)


def _identity(row: models.Message, message: uftp.PayloadMessage) -> list[uftp.Reason]:
    return uftp.check_identity(
        message,
        row.counterparty.domain,
        row.counterparty.role,
        recipient_known=message.RECIPIENT_ROLE in (None, row.owner.role),
        barred=row.counterparty.barred,
        duplicate=bool(row.variant),
    )


def _conclude(row: models.Message, judgement: trading.Judgement, now: datetime) -> None:
    crashpoint("process.judged")
    if judgement.waits:
        sql.save(row, state=MessageState.WAITING, next_attempt_at=now + WAIT_STEP, about=row.about)
    elif judgement.pending:
        sql.save(row, state=MessageState.PENDING, state_at=now, about=row.about)
    else:
        trading.answer(row, judgement.reasons, now)
        crashpoint("process.answered")


def _take_response(
    row: models.Message, message: uftp.PayloadMessage, identity: list[uftp.Reason], now: datetime
) -> None:
    """A response is never answered; it counts when it is the first to answer a message of ours."""
    asked = None if identity else _asked(row, message)
    state = MessageState.ACCEPTED
    if asked is None:
        state = MessageState.REJECTED
        row.error = uftp.joined(identity) or "It answers no message that we sent to this counterparty."
    else:
        row.answers, row.about = asked, asked.about
        crashpoint("process.response_linked")
        _note_answer(row, asked, message, now)
        crashpoint("process.response_noted")
    sql.save(row, state=state, state_at=now, error=row.error, answers=row.answers, about=row.about)


def _asked(row: models.Message, message: uftp.PayloadMessage) -> models.Message | None:
    sent: dict[str, Any] = {"owner": row.owner, "counterparty": row.counterparty, "direction": Direction.OUT}
    if isinstance(message, uftp.TestMessageResponse):  # has no reference, only its conversation
        tests = models.Message.objects.filter(**sent, type="TestMessage")
        return tests.filter(conversation_id=row.conversation_id).first()
    asked = sql.find(models.Message, **sent, message_id=message.reference)
    return asked if asked and uftp.CATALOGUE[asked.type].response_type is type(message) else None


def _note_answer(
    row: models.Message, asked: models.Message, message: uftp.PayloadMessage, now: datetime
) -> None:
    yes = not isinstance(message, uftp.ResponseMessage) or trading.accepted(message)
    answer = models.Answer.ACCEPTED if yes else models.Answer.REJECTED
    first = outbox.mark_answered(asked, answer, getattr(message, "rejection_reason", None) or "", now)
    if not first:  # the first one has moved the trade in its own transaction
        if asked.answer != answer:
            row.error = f"Contradicts the earlier answer, which was {asked.answer}; the first answer counts."
        return
    NOTERS[row.type](row, asked, message, now)


def _failed(pk: int, error: BaseException, now: datetime) -> None:
    """Processing broke: try again a few times, then park the message for the operator and answer it."""
    log.error("Message %s could not be processed", pk, exc_info=error)
    _note_failure(pk, error, now)


@atomic
def _note_failure(pk: int, error: BaseException, now: datetime) -> None:
    row = sql.find(models.Message, "owner", "counterparty", locked=True, pk=pk)
    if row is None or row.state not in UNPROCESSED:
        return  # another worker had more luck in the meantime
    row.attempts += 1
    row.error = f"{type(error).__name__}: {error}"[:2000]
    row.next_attempt_at = now + timedelta(seconds=2**row.attempts)
    row.save(update_fields=["attempts", "error", "next_attempt_at"])
    crashpoint("process.failure_noted")
    if row.attempts >= MAX_ATTEMPTS:
        _park(row, now)


NOT_PROCESSED = "Invalid Message: it could not be processed here"


def _park(row: models.Message, now: datetime) -> None:
    error = row.error
    if not uftp.CATALOGUE[row.type].is_response:
        try:
            with transaction.atomic():
                trading.answer(row, [reason("Message", NOT_PROCESSED)], now)
        except (keys.NoKey, keys.MasterKeyWrong, uftp.BadMessage):
            log.exception("Message %s is parked and could not be answered", row.pk)
            row.refresh_from_db()
    row.state, row.state_at, row.error = MessageState.PARKED, now, error
    row.save(update_fields=["state", "state_at", "error"])
