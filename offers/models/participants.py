"""Who trades: participants, their keys, the people who act for them and the tokens of their programs."""

import hashlib
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.db import models
from django.db.models import Q

type_user = User | AnonymousUser


class Role(models.TextChoices):
    AGR = "AGR", "Aggregator (AGR)"
    DSO = "DSO", "Distribution system operator (DSO)"
    CRO = "CRO", "Common reference operator (CRO)"


class Right(models.TextChoices):
    """Each right includes the ones before it."""

    VIEW = "view", "view"
    TRADE = "trade", "trade"
    MANAGE = "manage", "manage"

    def includes(self, needed: "Right") -> bool:
        order = list(Right)
        return order.index(self) >= order.index(needed)


class Profile(models.TextChoices):
    """How a counterparty wants a partly activated order written (protocol.md D5)."""

    AS_OFFERED = "as_offered", "as offered, with the ActivationFactor"
    SCALED = "scaled", "power and price scaled by the ActivationFactor"


class ParticipantQuerySet(models.QuerySet["Participant"]):
    def visible_to(self, user: type_user) -> "ParticipantQuerySet":
        """The hosted participants that `user` acts for."""
        return self.filter(hosted=True, memberships__user_id=user.pk or 0)

    def hosted(self) -> "ParticipantQuerySet":
        return self.filter(hosted=True)


class Participant(models.Model):
    """A party of the market, known by domain and role; a hosted one is a tenant of this installation."""

    domain = models.CharField(max_length=253)
    role = models.CharField(max_length=3, choices=Role.choices)
    name = models.CharField(max_length=100)
    hosted = models.BooleanField(
        default=False, help_text="Served by this installation, with a signing key here."
    )
    endpoint = models.CharField(max_length=500, blank=True, help_text="Where its messages are posted to.")
    version = models.CharField(max_length=20, default="3.1.0", help_text="The version that we write to it.")
    profile = models.CharField(max_length=20, choices=Profile.choices, default=Profile.AS_OFFERED)
    barred = models.BooleanField(default=False, help_text="Its messages are rejected: Barred Sender.")
    held_until = models.DateTimeField(
        null=True,
        blank=True,
        help_text="Nothing is sent to it before; for the hour in which it may know only our key of before.",
    )
    failing_since = models.DateTimeField(null=True, blank=True, editable=False)
    knocked_at = models.DateTimeField(null=True, blank=True, editable=False)
    bad_seals = models.PositiveIntegerField(
        default=0, editable=False, help_text="Messages refused for their signature."
    )

    objects = ParticipantQuerySet.as_manager()

    class Meta:
        ordering = ["name", "role"]
        constraints = [
            models.UniqueConstraint(fields=["domain", "role"], name="participant_domain_role"),
            models.CheckConstraint(condition=Q(role__in=["AGR", "DSO", "CRO"]), name="participant_role"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.role})"

    @property
    def slug(self) -> str:
        return f"{self.domain}/{self.role}"

    @property
    def path(self) -> str:
        """The first two parts of the address of its pages."""
        return f"/{self.role.lower()}/{self.domain}"


class KeyQuerySet(models.QuerySet["Key"]):
    def valid_at(self, now: datetime) -> "KeyQuerySet":
        return self.filter(valid_from__lte=now).filter(Q(valid_to=None) | Q(valid_to__gt=now))

    def newest_first(self) -> "KeyQuerySet":
        return self.order_by("-valid_from", "-pk")


class Key(models.Model):
    """An Ed25519 key of a participant; at most two are valid at once, so that keys can be changed over."""

    participant = models.ForeignKey(Participant, on_delete=models.CASCADE, related_name="keys")
    public = models.CharField(max_length=44, help_text="Base64 of the 32 bytes that verify its signatures.")
    private = models.BinaryField(
        null=True, editable=False
    )  # encrypted under the master key, hosted ones only
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField(null=True, blank=True)

    objects = KeyQuerySet.as_manager()

    class Meta:
        ordering = ["-valid_from", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["participant", "public"], name="key_once_per_participant")
        ]

    def __str__(self) -> str:
        return f"{self.public[:8]}… of {self.participant}"


class Membership(models.Model):
    """A user acts for a hosted participant with a right."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    participant = models.ForeignKey(Participant, on_delete=models.CASCADE, related_name="memberships")
    right = models.CharField(max_length=6, choices=Right.choices, default=Right.VIEW)

    class Meta:
        ordering = ["participant__name", "user__username"]
        constraints = [
            models.UniqueConstraint(fields=["user", "participant"], name="membership_once"),
            models.CheckConstraint(
                condition=Q(right__in=["view", "trade", "manage"]), name="membership_right"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} may {self.right} for {self.participant}"

    def may(self, needed: Right) -> bool:
        return Right(self.right).includes(needed)


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def visible_to(self, user: type_user) -> "ApiTokenQuerySet":
        return self.filter(membership__user_id=user.pk or 0)

    def valid_at(self, now: datetime) -> "ApiTokenQuerySet":
        return self.filter(revoked_at=None).filter(Q(expires_at=None) | Q(expires_at__gt=now))


class ApiToken(models.Model):
    """A program's password for one membership; only its hash is kept."""

    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        verbose_name = "API token"

    def __str__(self) -> str:
        return f"{self.prefix}… {self.name}"

    @staticmethod
    def digest_of(secret: str) -> str:
        """Tokens are 256 random bits, so that a plain hash is enough and a slow one would only cost."""
        return hashlib.sha256(secret.encode()).hexdigest()


def membership_of(user: type_user, role: str, domain: str) -> Membership | None:
    """The membership by which `user` sees the pages of a hosted participant; None for a stranger."""
    wanted: dict[str, Any] = {"participant__domain": domain, "participant__role": role.upper()}
    return (
        Membership.objects.select_related("participant", "user")
        .filter(user_id=user.pk or 0, participant__hosted=True, **wanted)
        .first()
    )
