"""Whether a counterparty that could not be reached is there again: by a connection, in which nothing is said.

Its messages wait for hours after a while; whoever knocks need not try them as often to hear of it.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings

from offers import models, transport

from . import outbox, queues, recovery

EVERY = timedelta(seconds=45)  # with a sweep every 5 s it is heard within a minute (G10)

Clock = Callable[[], datetime]


def knock(clock: Clock) -> bool:
    """Knock at the counterparty that has waited longest, if there is one; whether it opened.

    Then its oldest message tries, and when that has arrived, the others follow (recovery.py).
    """
    party = queues.to_knock_at(clock(), EVERY)
    if party is None:
        return False
    endpoint = outbox.endpoint_of(models.Participant.objects.get(pk=party))
    with outbox.SENDERS_TO_FAILING.one() as free:
        opened = free and transport.opens(endpoint, allow_local=settings.LOCAL_MARKET)
    return opened and recovery.may_hear(party, clock()) > 0
