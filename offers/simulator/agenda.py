"""What is to be done when: the only memory of time that a simulated counterparty has."""

import heapq
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count

Action = Callable[[datetime], None]


class Agenda:
    """Actions by their time; those of the same time in the order in which they were planned."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, int, Action]] = []
        self._numbers = count()

    def plan(self, at: datetime, action: Action) -> None:
        heapq.heappush(self._heap, (at, next(self._numbers), action))

    def run_due(self, now: datetime) -> int:
        """Do what is due; what that plans for the same moment waits for the next call."""
        due: list[Action] = []
        while self._heap and self._heap[0][0] <= now:
            due.append(heapq.heappop(self._heap)[2])
        for action in due:
            action(now)
        return len(due)

    def next_in(self, now: datetime, most: timedelta) -> timedelta:
        """How long there is nothing to do."""
        if not self._heap:
            return most
        return max(timedelta(0), min(most, self._heap[0][0] - now))
