"""Passwords of programs: made once, kept as a hash, for one membership, until their end."""

import secrets
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db.models import Q

from offers import models, uftp

from .atomic import atomic
from .trading import Refused

MARK = "fxp_"  # so that a scanner for leaked secrets can find them
SHOWN = 12
NAME_LIMIT = 100
USED_NOTED_EVERY = timedelta(minutes=5)  # a write for every read would stop SQLite's other writers


@atomic
def create(
    membership: models.Membership,
    name: str,
    by: User,
    now: datetime,
    expires_at: datetime | None = None,
) -> tuple[models.ApiToken, str]:
    """A new token for a program of `by`, and its secret, shown this once. Refused has all reasons."""
    reasons = _reasons(membership, name.strip(), by, now, expires_at)
    if reasons:
        raise Refused(reasons)
    secret = MARK + secrets.token_urlsafe(32)
    row = models.ApiToken.objects.create(
        membership=membership,
        name=name.strip(),
        prefix=secret[:SHOWN],
        digest=models.ApiToken.digest_of(secret),
        created_at=now,
        expires_at=expires_at,
    )
    return row, secret


def _reasons(
    membership: models.Membership, name: str, by: User, now: datetime, expires_at: datetime | None
) -> list[uftp.Reason]:
    found = []
    if membership.user_id != by.pk:
        found.append(uftp.Reason("membership", "A token can only be made for a membership of one's own."))
    if not name:
        found.append(uftp.Reason("name", "A token needs a name that says which program uses it."))
    if len(name) > NAME_LIMIT:
        found.append(uftp.Reason("name", f"The name has {len(name)} characters: at most {NAME_LIMIT}."))
    if expires_at is not None and expires_at <= now:
        found.append(uftp.Reason("expires_at", "The end of a token must lie in the future."))
    return found


def revoke(row: models.ApiToken, now: datetime) -> models.ApiToken:
    """End a token now. Revoking it once more changes nothing, not even when it ended."""
    models.ApiToken.objects.filter(pk=row.pk, revoked_at=None).update(revoked_at=now)
    row.refresh_from_db()
    return row


def authenticate(secret: str, now: datetime) -> models.ApiToken | None:
    """The valid token with this secret, whose user still acts for its participant; else None."""
    found = (
        models.ApiToken.objects.valid_at(now)
        .select_related("membership__participant", "membership__user")
        .filter(
            digest=models.ApiToken.digest_of(secret),
            membership__participant__hosted=True,
            membership__user__is_active=True,
        )
        .first()
    )
    if found is not None:
        _note_use(found, now)
    return found


def _note_use(row: models.ApiToken, now: datetime) -> None:
    if row.last_used_at is not None and row.last_used_at > now - USED_NOTED_EVERY:
        return
    long_ago = Q(last_used_at=None) | Q(last_used_at__lte=now - USED_NOTED_EVERY)
    models.ApiToken.objects.filter(long_ago, pk=row.pk).update(last_used_at=now)
    row.last_used_at = now
