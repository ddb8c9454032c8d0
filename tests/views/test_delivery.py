"""How far a message of ours got, as every list says it."""

from datetime import timedelta

import pytest

from offers.models import Message
from offers.views.trades.rows import Chip, delivery_of
from tests.cast import NOON

ZONE = "Europe/Amsterdam"
NEXT = NOON + timedelta(seconds=5)


@pytest.mark.parametrize(
    ("attempts", "lease", "said"),
    [
        (0, "", Chip("queued", "", NOON)),
        (1, "held", Chip("queued", "", NOON)),  # the first try is under way: nothing failed yet
        (1, "", Chip("queued", "Queued, try 2", "next 12:00:05")),
        (2, "held", Chip("queued", "Queued, try 2", "under way")),
    ],
)
def test_a_queued_message_says_which_try_is_next_or_under_way(attempts: int, lease: str, said: Chip) -> None:
    row = Message(state="queued", attempts=attempts, lease_token=lease, created_at=NOON, next_attempt_at=NEXT)
    assert delivery_of(row, ZONE) == said
