"""Named places at which a process can be told to die, to see that what it left half done is done in the end.

`CRASH_AT=name:k` in the environment ends the process, as kill -9 would, when it comes to that place for
the k-th time. It is read once at the start, and production does not start with it.
"""

import os
from collections.abc import Iterator

EXIT_CODE = 137  # as after kill -9

POINTS = frozenset(
    {
        # a message's way in
        "endpoint.arrived",
        "inbox.opened",
        "inbox.before_insert",
        "inbox.after_insert",
        "inbox.stored",
        "endpoint.before_200",
        "inbox.copy_judged_again",
        "inbox.copy_answered_again",
        # its processing
        "process.taken",
        "process.judged",
        "process.answered",
        "process.response_linked",
        "process.response_noted",
        "process.before_commit",
        "process.committed",
        "process.failure_noted",
        # a message's way out
        "outbox.enqueued",
        "bell.before_ring",
        "bell.after_ring",
        "outbox.claiming",
        "outbox.before_claim_commit",
        "outbox.claimed",
        "outbox.before_post",
        "outbox.after_post",
        "outbox.settling",
        "outbox.before_settle_commit",
        "outbox.settled",
        "outbox.answer_marked",
        "outbox.queued_again",
        "gateway.given_up",
        # trades
        "move.updated",
        "move.recorded",
        "moves.updated",
        "moves.recorded",
        "offer.enqueued",
        "offer.taken_in",
        "revocation.moved",
        "order.stored",
        "order.answer_half_noted",
        "sweep.offer_expired",
        "sweep.unreviewed_rejected",
        "sweep.request_expired",
        "sweep.failed",
        "planned.before_send",
        "planned.sent",
        # keys
        "keys.added",
        "keys.changed",
    }
)

_name = ""
_visits: Iterator[int] = iter(())


class NoSuchPoint(ValueError):
    """CRASH_AT names a place that does not exist, or no number of visits."""


def arm(where: str) -> None:
    """Let this process die at `name:k`; an empty text takes that back."""
    global _name, _visits
    name, _, visit = where.partition(":")
    if where and (name not in POINTS or not visit.isdecimal() or int(visit) < 1):
        raise NoSuchPoint(f"CRASH_AT is {where!r}: write one of {', '.join(sorted(POINTS))}, and :1 or more.")
    _name, _visits = name, iter(range(int(visit) - 1)) if where else iter(())


def crashpoint(name: str) -> None:
    """Die here if that was asked for."""
    if name == _name and next(_visits, None) is None:
        os._exit(EXIT_CODE)
