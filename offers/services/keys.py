"""Secrets under the master key: signing keys and second factors, decrypted in this one place only."""

import base64
from datetime import datetime, timedelta

import nacl.exceptions
import nacl.secret
import nacl.utils
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import connection

from offers import models, uftp
from offers.crashpoints import crashpoint

from .atomic import atomic, locked

MOST_KEYS = 2  # that are valid at once (protocol.md §3.4)
CONCEALED = {"secret", "seed"}  # what is secret of a second factor


SIGNING = """
    SELECT public, private FROM offers_key
    WHERE participant_id = %(participant)s AND private IS NOT NULL
        AND valid_from <= %(now)s AND (valid_to IS NULL OR valid_to > %(now)s)
    ORDER BY valid_from DESC, id DESC LIMIT 1
"""
PARTICIPANT = "SELECT id FROM offers_participant WHERE id = %s"


class Secret(bytes):
    """Bytes that no traceback, log or error page spells out."""

    def __repr__(self) -> str:
        return "a secret"

    __str__ = __repr__


class NoKey(Exception):
    """A hosted participant has no signing key that is valid now."""


class MasterKeyWrong(Exception):
    """No master key of this installation opens a private key."""


class BadKey(ValueError):
    """What was given is no key; the text says what would be."""


def _boxes() -> list[nacl.secret.SecretBox]:
    return [nacl.secret.SecretBox(base64.b64decode(key)) for key in settings.MASTER_KEYS]


def _encrypt(secret: bytes) -> bytes:
    return bytes(_boxes()[0].encrypt(secret))


def _decrypt(blob: bytes) -> Secret:
    for box in _boxes():
        try:
            return Secret(box.decrypt(blob))
        except nacl.exceptions.CryptoError:
            continue
    raise MasterKeyWrong(
        "No master key opens this private key: give the one it was made under as the second one."
    )


def conceal(text: str) -> str:
    """A secret of a person, to be kept as the private keys are."""
    return base64.b64encode(_encrypt(text.encode())).decode()


def reveal(concealed: str) -> str:
    return _decrypt(base64.b64decode(concealed)).decode()


def _text(public: bytes) -> str:
    return base64.b64encode(public).decode()


@atomic
def add_signing_key(
    participant: models.Participant,
    now: datetime,
    secret: bytes | None = None,
    signs_from: datetime | None = None,
) -> models.Key:
    """Give a hosted participant a new signing key, or the given one of 64 bytes; older ones stay valid.

    It signs at once, or from `signs_from`, so that everybody can learn its public half before.
    """
    if not participant.hosted:
        raise BadKey(f"{participant} is not hosted here: it signs with its own key, give us its public one.")
    secret = Secret(secret if secret is not None else uftp.seal.generate())
    begins = signs_from or now
    if len(secret) != 64:
        raise BadKey(f"A signing key has 64 bytes, this one has {len(secret)}.")
    public = _text(uftp.seal.public_of(secret))
    key, made = models.Key.objects.get_or_create(
        participant=participant, public=public, defaults={"private": _encrypt(secret), "valid_from": begins}
    )
    if not made and key.valid_to is not None:  # it was retired and is given again: it signs from now on
        key.private, key.valid_from, key.valid_to = _encrypt(secret), begins, None
        key.save(update_fields=["private", "valid_from", "valid_to"])
    return key


@atomic
def change_over(
    participant: models.Participant,
    now: datetime,
    old_valid_for: timedelta,
    signs_from: datetime | None = None,
) -> models.Key:
    """A new signing key; the older ones verify for a while after it signs, for what is still under way."""
    _begin_change(participant)
    key = add_signing_key(participant, now, signs_from=signs_from)
    crashpoint("keys.added")
    end = (signs_from or now) + old_valid_for
    for old in participant.keys.valid_at(now).exclude(pk=key.pk).order_by("pk"):
        retire(old, end if old.valid_to is None else min(old.valid_to, end))
    crashpoint("keys.changed")
    return key


@atomic
def change_over_held(
    participant: models.Participant,
    counterparties: list[models.Participant],
    now: datetime,
    old_valid_for: timedelta,
    held_for: timedelta,
) -> models.Key:
    """A new signing key, and nothing for `counterparties` while they may still know the old one only."""
    _begin_change(participant)
    for counterparty in counterparties:
        if models.Message.objects.queued().filter(counterparty=counterparty).exists():
            raise BadKey(f"Messages sealed by the old key are still on their way to {counterparty}: wait.")
        counterparty.held_until = now + held_for
        counterparty.save(update_fields=["held_until"])
    return change_over(participant, now, old_valid_for)


@atomic
def add_public_key(participant: models.Participant, text: str, now: datetime) -> models.Key:
    """Trust another public key of a counterparty from now on (`cs1.…` or base64 of 32 bytes)."""
    try:
        public = _text(uftp.seal.parse_public(text))
    except ValueError as error:
        raise BadKey(str(error)) from error
    key, made = models.Key.objects.get_or_create(
        participant=participant, public=public, defaults={"valid_from": now}
    )
    if not made and key.valid_to is not None:
        key.valid_to = None
        key.save(update_fields=["valid_to"])
    return key


def retire(key: models.Key, at: datetime) -> None:
    """Let a key be valid until `at` only."""
    key.valid_to = at
    key.save(update_fields=["valid_to"])


def signing_key(participant: models.Participant, now: datetime) -> tuple[str, Secret]:
    """The public text and the 64 secret bytes that `participant` signs with now.

    Plain SQL, as in directory.py: each message that goes out asks.
    """
    with connection.cursor() as cursor:
        given = {"participant": participant.pk, "now": connection.ops.adapt_datetimefield_value(now)}
        cursor.execute(SIGNING, given)
        found = cursor.fetchone()
    if found is None:
        raise NoKey(f"{participant} has no signing key: make one in the admin or by manage.py keygen.")
    public, private = found
    return public, _decrypt(bytes(private))


def hold_change(participant: models.Participant) -> None:
    """Until the transaction ends, its keys are not changed over: what is sealed now is queued before that.

    A statement of its own, so that the next one sees what a change has left.
    """
    if connection.in_atomic_block and connection.features.has_select_for_update:
        with connection.cursor() as cursor:
            cursor.execute(f"{PARTICIPANT} FOR KEY SHARE", [participant.pk])


def _begin_change(participant: models.Participant) -> None:
    """Wait for all who seal at the moment; whoever begins to seal waits for us."""
    models.Participant.objects.select_for_update().get(pk=participant.pk)


def public_keys(participant: models.Participant, now: datetime) -> list[bytes]:
    """The keys that verify its messages, newest first."""
    return [base64.b64decode(key.public) for key in participant.keys.valid_at(now).newest_first()[:MOST_KEYS]]


@atomic
def reencrypt() -> int:
    """Encrypt every secret under the first master key, as after a change of it; how many were done."""
    held = locked(models.Key.objects.exclude(private=None).order_by("pk"))
    for key in held:
        key.private = _encrypt(_decrypt(bytes(key.private or b"")))
        key.save(update_fields=["private"])
    factors = locked(Authenticator.objects.order_by("pk"))
    for factor in factors:
        factor.data |= {name: conceal(reveal(factor.data[name])) for name in CONCEALED & set(factor.data)}
        factor.save(update_fields=["data"])
    return len(held) + len(factors)
