"""What must hold after every story that the services are told: nothing of ours stays open (G13)."""

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import Max

from offers import transport
from offers.domain import Outcome, Verdict
from offers.models import Message
from offers.services import gateway, overdue

MUCH_LATER = timedelta(days=3)


@pytest.fixture(autouse=True)
def nothing_stays_open(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Days later, with nobody to be reached, one round of the sweeps closes whatever a test left behind."""
    has_rows = request.node.get_closest_marker("django_db") is not None
    if has_rows:
        request.getfixturevalue("db")  # so that the rows are still there when the test is over
    yield
    if has_rows and (latest := Message.objects.aggregate(at=Max("state_at"))["at"]) is not None:
        monkeypatch.undo()
        monkeypatch.setattr(transport, "post", nobody)
        monkeypatch.setattr(transport, "opens", lambda *args, **options: False)
        now = latest + MUCH_LATER
        gateway.process(lambda: now)
        gateway.deliver(lambda: now, random.Random(1))
        gateway.expire(lambda: now)
        late = [one for one in overdue.overdue(now) if one.ours]
        assert [one for one in late if one.kind != "parked"] == []  # which a person has to look at


def nobody(*args: Any, **options: Any) -> Outcome:
    return Outcome(Verdict.TEMPORARY, "nobody is there")
