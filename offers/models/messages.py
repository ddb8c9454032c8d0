"""Every message that came in or goes out: inbox, outbox and archive in one table."""

from datetime import datetime, timedelta

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from .participants import Participant, type_user


class Direction(models.TextChoices):
    IN = "in", "in"
    OUT = "out", "out"


class MessageState(models.TextChoices):
    """Where a message stands. In: the first six. Out: the others."""

    RECEIVED = "received", "received"  # stored and acknowledged, not yet processed
    WAITING = "waiting", "waiting"  # refers to a message that has not arrived yet
    PENDING = "pending", "pending"  # taken in; a person has to answer it
    ACCEPTED = "accepted", "accepted"
    REJECTED = "rejected", "rejected"
    PARKED = "parked", "parked"  # could not be processed five times; an operator must look
    QUEUED = "queued", "queued"
    DELIVERED = "delivered", "delivered"
    FAILED = "failed", "failed"
    EXPIRED = "expired", "expired"  # not sent any more, because it would arrive too late
    CANCELLED = "cancelled", "cancelled"


UNPROCESSED = (MessageState.RECEIVED, MessageState.WAITING)


class Answer(models.TextChoices):
    NONE = "", "none yet"
    ACCEPTED = "accepted", "accepted"
    REJECTED = "rejected", "rejected"


class MessageQuerySet(models.QuerySet["Message"]):
    def visible_to(self, user: type_user) -> "MessageQuerySet":
        return self.filter(owner__in=Participant.objects.visible_to(user).values("pk"))

    def of(self, participant: Participant) -> "MessageQuerySet":
        return self.filter(owner=participant)

    def unprocessed(self) -> "MessageQuerySet":
        return self.filter(direction=Direction.IN, state__in=UNPROCESSED)

    def due_to_process(self, now: datetime) -> "MessageQuerySet":
        return self.unprocessed().filter(next_attempt_at__lte=now).order_by("next_attempt_at", "pk")

    def queued(self) -> "MessageQuerySet":
        return self.filter(direction=Direction.OUT, state=MessageState.QUEUED)

    def unanswered(self) -> "MessageQuerySet":
        """Delivered requests of ours for which no answer has come."""
        return self.filter(
            direction=Direction.OUT, state=MessageState.DELIVERED, answer=Answer.NONE, wants_answer=True
        )


class Message(models.Model):
    """One message of a hosted participant, as it went over the wire; its content is never edited."""

    # No index of their own where another one begins with them: each costs something at every change of a row.
    owner = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="messages", db_index=False)
    direction = models.CharField(max_length=3, choices=Direction.choices)
    counterparty = models.ForeignKey(
        Participant, on_delete=models.PROTECT, related_name="messages_as_counterparty"
    )
    type = models.CharField(max_length=40)
    version = models.CharField(max_length=20)
    message_id = models.CharField(max_length=36)
    # '' for the message that owns its MessageID, else the hash of a later one that re-used it (D13).
    variant = models.CharField(max_length=64, blank=True, default="")
    conversation_id = models.CharField(max_length=36)
    sealed = models.BinaryField(
        null=True, editable=False
    )  # the whole envelope; null after the retention time
    sha256 = models.CharField(max_length=64)  # of the sealed payload, so that a replay is known for ever
    key_used = models.CharField(max_length=44, blank=True)
    peer_address = models.CharField(max_length=45, blank=True)
    about = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    received_at = models.DateTimeField(null=True, blank=True)  # the moment that decides (D3)
    state = models.CharField(max_length=9, choices=MessageState.choices)
    state_at = models.DateTimeField()
    error = models.TextField(blank=True)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    lease_token = models.CharField(max_length=32, blank=True, default="")
    lease_until = models.DateTimeField(null=True, blank=True)
    unknown_outcome = models.BooleanField(default=False)
    wants_answer = models.BooleanField(default=False)
    answer = models.CharField(max_length=8, choices=Answer.choices, blank=True, default=Answer.NONE)
    answer_reason = models.TextField(blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    answers = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="answered_by", db_index=False
    )
    refers_to = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="referred_by", db_index=False
    )

    objects = MessageQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "direction", "counterparty", "message_id", "variant"], name="message_once"
            ),
            models.CheckConstraint(condition=Q(direction__in=["in", "out"]), name="message_direction"),
            models.CheckConstraint(condition=Q(state__in=MessageState.values), name="message_state"),
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at", "id"], condition=Q(state="queued"), name="message_to_deliver"
            ),
            # However long the queue is: what is next, for whom, and what is under way.
            models.Index(
                fields=["counterparty", "next_attempt_at", "id"],
                condition=Q(state="queued"),
                name="message_next_for",
            ),
            models.Index(fields=["lease_until"], condition=Q(state="queued"), name="message_under_way"),
            models.Index(
                fields=["owner", "counterparty", "conversation_id", "id"],
                condition=Q(state="queued"),
                name="message_queue_order",
            ),
            # Not a partial one: SQLite does not use those for a list of states.
            models.Index(fields=["state", "next_attempt_at"], name="message_to_process"),
            models.Index(fields=["owner", "-id"], name="message_console"),
            models.Index(fields=["owner", "message_id"], name="message_reference"),
            models.Index(fields=["conversation_id"], name="message_conversation"),
            models.Index(fields=["answers"], condition=Q(answers__isnull=False), name="message_answering"),
            models.Index(
                fields=["refers_to"], condition=Q(refers_to__isnull=False), name="message_referring"
            ),
            models.Index(fields=["owner", "created_at"], name="message_by_time"),
            # The console's tabs and filters: rare rows must be found and counted among millions.
            models.Index(fields=["owner", "state", "id"], name="message_by_state"),
            models.Index(fields=["owner", "type", "id"], name="message_by_type"),
            models.Index(fields=["owner", "counterparty", "type", "id"], name="message_by_counterparty"),
            models.Index(
                fields=["owner", "id"],
                condition=Q(direction="out", state="delivered", answer="", wants_answer=True),
                name="message_unanswered",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.message_id}"

    @property
    def is_in(self) -> bool:
        return self.direction == Direction.IN

    def no_answer_for(self, now: datetime) -> timedelta | None:
        """How long a delivered message has been waiting for its answer; None when it is not."""
        silent = self.wants_answer and not self.answer and self.state == MessageState.DELIVERED
        return now - self.state_at if silent else None


class AttemptQuerySet(models.QuerySet["Attempt"]):
    def visible_to(self, user: type_user) -> "AttemptQuerySet":
        return self.filter(message__in=Message.objects.visible_to(user).values("pk"))


class Attempt(models.Model):
    """One try to deliver a message; kept as evidence."""

    message = models.ForeignKey(
        Message, on_delete=models.PROTECT, related_name="attempt_rows", db_index=False
    )
    number = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)  # null: we died before the end
    status = models.PositiveIntegerField(null=True, blank=True)
    verdict = models.CharField(max_length=9, blank=True)
    text = models.TextField(blank=True)
    next_attempt_at = models.DateTimeField(null=True, blank=True)

    objects = AttemptQuerySet.as_manager()

    class Meta:
        ordering = ["message", "number"]
        constraints = [models.UniqueConstraint(fields=["message", "number"], name="attempt_number")]

    def __str__(self) -> str:
        return f"attempt {self.number} of {self.message}"

    @property
    def took(self) -> timedelta | None:
        return None if self.ended_at is None else self.ended_at - self.started_at


class Refusal(models.Model):
    """A request to the message endpoint that was refused before it became a message."""

    at = models.DateTimeField(db_default=Now())
    status = models.PositiveSmallIntegerField()
    sender = models.CharField(max_length=260, blank=True)
    peer_address = models.CharField(max_length=45, blank=True)
    text = models.TextField()

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [models.Index(F("at").desc(), name="refusal_at")]

    def __str__(self) -> str:
        return f"{self.status} {self.sender}"
