"""Who is known at the door: the sender of an envelope with its keys, and the hosted ones that it may be for.

Plain SQL, because every message asks these two questions before anything else: Django takes ten times as
long to write them as the database to answer. They ask each time, so that a key that was retired is at once
good for nothing.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from .keys import MOST_KEYS

KEYS = f"""
    SELECT offers_participant.id, offers_participant.failing_since IS NOT NULL, offers_key.public
    FROM offers_participant JOIN offers_key ON offers_key.participant_id = offers_participant.id
    WHERE offers_participant.domain = %s AND offers_participant.role = %s
        AND offers_key.valid_from <= %s AND (offers_key.valid_to IS NULL OR offers_key.valid_to > %s)
    ORDER BY offers_key.valid_from DESC, offers_key.id DESC LIMIT {MOST_KEYS}
"""  # noqa: S608 - the only thing that is put in is a number of ours
HOSTED = "SELECT id, role FROM offers_participant WHERE domain = %s AND hosted ORDER BY name, role"


@dataclass(frozen=True)
class Sender:
    """Who has sealed an envelope, with the keys (base64) that may have, the newest first."""

    pk: int
    domain: str
    role: str
    failing: bool
    """Whether messages to it fail at the moment."""
    keys: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.domain}/{self.role}"


def sender(domain: str, role: str, now: datetime) -> Sender | None:
    """None for one without a key that is valid now."""
    at = connection.ops.adapt_datetimefield_value(now)
    with connection.cursor() as cursor:
        cursor.execute(KEYS, [domain, role, at, at])
        rows = cursor.fetchall()
    if not rows:
        return None
    (pk, failing, _), *_ = rows
    return Sender(pk, domain, role, bool(failing), tuple(public for *_, public in rows))


def hosted(domain: str) -> dict[str, int]:
    """The hosted participants of a domain: their rows by role, in the order of their names."""
    with connection.cursor() as cursor:
        cursor.execute(HOSTED, [domain])
        return {role: pk for pk, role in cursor.fetchall()}
