"""How fast and how often a simulated counterparty does things; all times in seconds."""

import random
from dataclasses import dataclass
from datetime import timedelta

Span = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """`pace` makes every wait shorter by that factor. What stands in messages stays in real time."""

    pace: float = 1.0
    request_every: float = 240
    first_requests: int = 4
    request_valid: Span = (600, 2400)
    answer_after: Span = (1, 3)
    order_after: Span = (30, 120)
    order_chance: float = 0.85
    partial_chance: float = 0.4
    offer_after: Span = (8, 30)
    offer_valid: Span = (1500, 3600)
    revoke_after: Span = (180, 480)
    revoke_chance: float = 0.12
    retry_after: float = 5
    retries: int = 8

    def wait(self, span: Span, dice: random.Random) -> timedelta:
        return timedelta(seconds=dice.uniform(*span) / self.pace)

    def seconds(self, seconds: float) -> timedelta:
        return timedelta(seconds=seconds / self.pace)
