"""What the workers do when the bell rings: three sweeps that look into the database for what is due."""

import random
from collections.abc import Callable
from datetime import datetime

from offers.crashpoints import crashpoint

from . import heartbeat, inbox, knocking, outbox, recovery, trading

Clock = Callable[[], datetime]


def deliver(clock: Clock, jitter: random.Random) -> None:
    """Send what is due, tell the trades whose message was given up, and look who can be reached again."""
    heartbeat.beat("deliver", clock())
    if outbox.deliver_due(clock, jitter):
        crashpoint("gateway.given_up")
        trading.fail_undelivered(clock())
    knocking.knock(clock)


def process(clock: Clock) -> None:
    """Process what came in."""
    heartbeat.beat("process", clock())
    inbox.process_due(clock)


def expire(clock: Clock) -> None:
    """Let pass what time has ended, send what was planned, and pick up what a crash left behind."""
    if heartbeat.beat("expire", clock()):
        recovery.clock_was_set_back(clock())
    trading.send_planned(clock())
    trading.expire_due(clock())
    trading.fail_undelivered(clock())
