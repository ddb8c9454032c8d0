"""G28: no change of a valid message makes us say 5xx, or keeps a message from being judged.

The long form sends 100,000 over HTTP: python -m tests.servers python -m bench.fuzz.g28
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from offers import uftp
from offers.models import Message
from offers.services import bell, inbox, keys
from offers.transport import MESSAGE_PATH
from offers.uftp import codec
from tests import snapshots
from tests.attack.market import Desks, Fits, seed
from tests.attack.mutations import Mutant, Stand, mutated, sealing
from tests.cast import NOON, Cast

TIMES = 4  # that each thing which can be referred to once stands open
MANY = settings(
    max_examples=400,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
ANSWERED = {200, 400, 401, 411, 413, 419}
Reached = Counter[str]


@pytest.fixture
def stream(everybody: Cast, monkeypatch: pytest.MonkeyPatch, settings) -> Iterator[st.SearchStrategy[Mutant]]:
    monkeypatch.setattr(bell, "ring", lambda task: None)
    settings.MESSAGES_PER_MINUTE = 10**6
    both = (everybody.agr, everybody.dso)
    with time_machine.travel(NOON, tick=False):
        fits = snapshots.copied("open for many", lambda: seeded(everybody), upon="everybody")
        seals = {p.role: sealing(keys.signing_key(p, NOON)[1], p.domain, p.role) for p in both}
        yield mutated(Stand(fits, seals))


def seeded(everybody: Cast) -> Fits:
    return seed(Desks(everybody.agr, everybody.dso, everybody.point, everybody.admin, NOON), TIMES)


@pytest.fixture
def reached(monkeypatch: pytest.MonkeyPatch) -> Reached:
    """How often each taker and noter was called."""
    found: Reached = Counter()

    def counted(type_name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any) -> Any:
            found[type_name] += 1
            return real(*given)

        return call

    for table in (inbox.TAKERS, inbox.NOTERS):
        for type_name, real in table.items():
            monkeypatch.setitem(table, type_name, counted(type_name, real))
    return found


def sent(stream: st.SearchStrategy[Mutant], how: settings) -> Counter[int]:
    client, said = Client(raise_request_exception=False), Counter[int]()

    @how
    @given(stream)
    def post(mutant: Mutant) -> None:
        for _ in range(mutant.times):
            answer = client.post(MESSAGE_PATH, mutant.body, content_type="text/xml; charset=utf-8")
            said[answer.status_code] += 1
            assert answer.status_code in ANSWERED, answer.status_code

    post()
    return said


def test_g28_no_mutation_of_a_valid_message_is_an_error_of_ours(stream, reached: Reached) -> None:
    before = Message.objects.latest("pk").pk
    said = sent(stream, MANY)
    inbox.process_due(lambda: NOON)
    inbox.process_due(lambda: NOON + inbox.WAIT_STEP + inbox.trading.offers_in.WAIT_FOR_REFERENCE)
    rows = Message.objects.filter(direction="in", pk__gt=before)
    states = Counter(rows.values_list("state", flat=True))
    accepted = Counter(rows.filter(state="accepted").values_list("type", flat=True))
    print(f"answered {dict(said)}; rows {dict(states)}")
    print(f"reached {dict(reached)}; accepted {dict(accepted)}")
    assert said[200] > MANY.max_examples / 10 and said[400] > MANY.max_examples / 10
    assert not states["parked"] and not states["received"] and not states["waiting"]
    assert not rows.filter(attempts__gt=0).exists()  # none broke, be it that the next attempt went well
    assert set(reached) == {*inbox.TAKERS, *inbox.NOTERS}
    assert set(accepted) == set(uftp.CATALOGUE)


def test_g28_control_without_the_schema_some_are(stream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "_judge", lambda xml, tree, version: None)
    with pytest.raises(AssertionError, match="500"):
        sent(stream, settings(MANY, max_examples=4000, phases=[Phase.generate]))
