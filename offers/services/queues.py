"""What is next in the queues, and who may have it; whether a sweep has anything to do.

Plain SQL: these questions are asked for every message or every few seconds, each is answered by an index,
and Django takes ten times as long to write them. What a lease is stands here and nowhere else: who sends a
message holds it until `lease_until`; then it is free again. A lease that runs longer than any can was taken
before our clock was set back, and does not count.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.db import connection

from offers import domain
from offers.domain import Event, OfferState, RequestState
from offers.models import MessageState

# `now` is read before the lock is had: another worker may have taken its lease at what is later for us.
WAITED_AT_MOST = timedelta(seconds=60)

LEASED = "(message.lease_until > %(now)s AND message.lease_until <= %(longest)s)"
FREE = f"(message.lease_until IS NULL OR NOT {LEASED})"
QUEUED = "message.state = 'queued'"
DUE = f"{QUEUED} AND message.next_attempt_at <= %(now)s AND {FREE}"
# Within a conversation the other side has to see ours in the order in which they were written.
FIRST = """NOT EXISTS (
    SELECT 1 FROM offers_message AS older
    WHERE older.state = 'queued' AND older.id < message.id AND older.owner_id = message.owner_id
        AND older.counterparty_id = message.counterparty_id
        AND older.conversation_id = message.conversation_id)"""
OLDEST_FIRST = "ORDER BY message.next_attempt_at, message.id LIMIT 1"

# One look at an index for each participant: a queue may hold ten thousand messages for one that is down.
WANTING = f"""
    SELECT id FROM (
        SELECT party.id, party.failing_since,
            (SELECT message.next_attempt_at FROM offers_message AS message
             WHERE message.counterparty_id = party.id AND {DUE} {OLDEST_FIRST}) AS since,
            (SELECT count(*) FROM offers_message AS message
             WHERE message.counterparty_id = party.id AND {QUEUED} AND {LEASED}) AS in_flight
        FROM offers_participant AS party WHERE party.held_until IS NULL OR party.held_until <= %(now)s
    ) AS party
    WHERE since IS NOT NULL
        AND in_flight < CASE WHEN failing_since IS NULL THEN %(most)s ELSE %(most_failing)s END
    ORDER BY since, id
"""  # noqa: S608 - all of these are put together from texts of this module alone
LANES = f"""
    SELECT
        (SELECT count(*) FROM offers_message AS message
         WHERE message.counterparty_id = %(counterparty)s AND {QUEUED} AND {LEASED}),
        (SELECT message.id FROM offers_message AS message
         WHERE message.counterparty_id = %(counterparty)s AND {DUE} AND {FIRST} {OLDEST_FIRST})
"""  # noqa: S608
OLDEST = f"""
    SELECT message.id FROM offers_message AS message
    JOIN offers_participant AS party ON party.id = message.counterparty_id
    WHERE party.failing_since IS NULL AND {DUE} AND {FIRST} {OLDEST_FIRST}
"""  # noqa: S608
LEASE = f"""
    UPDATE offers_message AS message SET lease_token = %(token)s, lease_until = %(until)s,
        attempts = %(attempts)s, unknown_outcome = %(unknown)s
    WHERE message.id = %(message)s AND {QUEUED} AND message.attempts = %(attempts)s - 1 AND {FREE}
"""  # noqa: S608
TO_PROCESS = """
    SELECT message.id FROM offers_message AS message
    WHERE message.state = %(state)s AND message.next_attempt_at <= %(now)s
    ORDER BY message.next_attempt_at, message.id LIMIT 1
"""


def _listed(states: Iterable[StrEnum]) -> str:
    return ", ".join(f"'{state}'" for state in states)


# As offers.services.trading.sweeps asks, but whether there is anything at all: mostly there is not.
ANY_EXPIRED = f"""
    SELECT EXISTS (
        SELECT 1 FROM offers_flexoffer
        WHERE state IN ({_listed(domain.sources(OfferState, Event.EXPIRE))}) AND expires_at <= %(now)s
    ) OR EXISTS (
        SELECT 1 FROM offers_flexrequest
        WHERE state IN ({_listed(domain.sources(RequestState, Event.EXPIRE))}) AND expires_at <= %(now)s)
"""  # noqa: S608
ANY_PLANNED = "SELECT EXISTS (SELECT 1 FROM offers_flexoffer WHERE state = 'draft' AND send_at <= %(now)s)"
LOST = """
    JOIN offers_message AS message ON message.id = trade.message_id
    WHERE trade.state = 'sent' AND message.direction = 'out' AND message.state IN ('failed', 'expired')
"""
ANY_LOST = f"""
    SELECT EXISTS (SELECT 1 FROM offers_flexrequest AS trade {LOST})
        OR EXISTS (SELECT 1 FROM offers_flexoffer AS trade {LOST})
        OR EXISTS (SELECT 1 FROM offers_flexorder AS trade {LOST} AND NOT message.unknown_outcome)
"""  # noqa: S608
# Who fails although nothing of ours can have reached it, as while its server is down: a connection tells that
# it is up again. One that takes a connection and nothing more would be tried each time; its messages wait.
LONG_AGO = "(party.knocked_at IS NULL OR NOT (party.knocked_at > %(before)s AND party.knocked_at <= %(now)s))"
TO_KNOCK_AT = f"""
    SELECT party.id FROM offers_participant AS party
    WHERE party.failing_since <= %(before)s AND {LONG_AGO}
        AND (party.held_until IS NULL OR party.held_until <= %(now)s)
        AND EXISTS (
            SELECT 1 FROM offers_message AS message
            JOIN offers_attempt AS attempt
                ON attempt.message_id = message.id AND attempt.number = message.attempts
                AND attempt.status IS NULL AND attempt.started_at <= %(before)s
            WHERE message.counterparty_id = party.id AND {QUEUED} AND message.next_attempt_at > %(now)s
                AND NOT message.unknown_outcome)
    ORDER BY party.knocked_at IS NOT NULL, party.knocked_at, party.id LIMIT 1
"""  # noqa: S608
KNOCK = f"UPDATE offers_participant AS party SET knocked_at = %(now)s WHERE id = %(party)s AND {LONG_AGO}"  # noqa: S608
SKIP_LOCKED = "FOR NO KEY UPDATE SKIP LOCKED"  # SQLite's transactions exclude each other anyway


def wanting(now: datetime, most: int, most_failing: int) -> list[int]:
    """For which counterparties something is due and may go, who has waited longest first.

    One that has `most` messages in flight (`most_failing`, if it fails) may have no more: one dead
    counterparty slows nobody else.
    """
    return [pk for (pk,) in _rows(WANTING, now, most=most, most_failing=most_failing)]


def lanes(counterparty: int, now: datetime) -> tuple[int, int | None]:
    """How many messages are in flight to it, and which is the next that may go."""
    ((in_flight, message),) = _rows(LANES, now, counterparty=counterparty)
    return in_flight, message


def lease(message: int, attempts: int, token: str, unknown: bool, now: datetime) -> bool:
    """Take the message for its attempt of this number; whether we have it now.

    By compare-and-set: an answer that comes in meanwhile proves delivery, and then nothing is left to send.
    """
    until = _wire(now + timedelta(seconds=settings.LEASE_SECONDS))
    given = {"message": message, "attempts": attempts, "token": token, "unknown": unknown, "until": until}
    with connection.cursor() as cursor:
        cursor.execute(LEASE, {**_moments(now), **given})
        return bool(cursor.rowcount == 1)


def oldest(now: datetime) -> int | None:
    """The message that could be sent and has waited longest, for one that does not fail."""
    return next((pk for (pk,) in _rows(OLDEST, now)), None)


def to_knock_at(now: datetime, every: timedelta) -> int | None:
    """The counterparty to knock at that has waited longest; it is ours, and nobody else's for so long."""
    before = _wire(now - every)
    party = next((pk for (pk,) in _rows(TO_KNOCK_AT, now, before=before)), None)
    if party is None:
        return None
    with connection.cursor() as cursor:
        cursor.execute(KNOCK, {"now": _wire(now), "before": before, "party": party})
        return party if cursor.rowcount == 1 else None


def to_process(state: MessageState, now: datetime) -> int | None:
    """The message of this state that is due and that nobody holds, the oldest first; locked."""
    lock = SKIP_LOCKED if connection.features.has_select_for_update_skip_locked else ""
    return next((pk for (pk,) in _rows(f"{TO_PROCESS} {lock}", now, state=state.value)), None)


def any_expired(now: datetime) -> bool:
    """Whether an offer or a request is open past its ExpirationDateTime."""
    return any(found for (found,) in _rows(ANY_EXPIRED, now))


def any_planned(now: datetime) -> bool:
    """Whether the time of a draft that is to be sent by itself has come."""
    return any(found for (found,) in _rows(ANY_PLANNED, now))


def any_lost(now: datetime) -> bool:
    """Whether a message was given up whose trade does not know it yet."""
    return any(found for (found,) in _rows(ANY_LOST, now))


def _rows(statement: str, now: datetime, **given: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {**_moments(now), **given})
        return list(cursor.fetchall())


def _moments(now: datetime) -> dict[str, Any]:
    longest = now + timedelta(seconds=settings.LEASE_SECONDS) + WAITED_AT_MOST
    return {"now": _wire(now), "longest": _wire(longest)}


def _wire(moment: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(moment)
