"""G28: no change of a valid message makes us say 5xx, or keeps a message from being judged.

The long form sends 100,000 over HTTP: python -m tests.servers python -m bench.fuzz.g28
"""

import random
from collections import Counter
from itertools import islice

import pytest
from django.test import Client
from django.utils import timezone

from offers.models import Message
from offers.services import bell, inbox, keys
from offers.transport import MESSAGE_PATH
from offers.uftp import codec
from tests.attack.mutations import Head, mutated, sealing
from tests.cast import POINT, Cast

MESSAGES = 1000
SEED = 28


@pytest.fixture
def stream(everybody: Cast, monkeypatch: pytest.MonkeyPatch, settings):
    monkeypatch.setattr(bell, "ring", lambda task: None)
    settings.MESSAGES_PER_MINUTE = 10**6
    secret = keys.signing_key(everybody.dso, timezone.now())[1]
    head = Head(everybody.dso.domain, everybody.agr.domain, POINT)
    return mutated(random.Random(SEED), head, sealing(secret, everybody.dso.domain, "DSO"))


def statuses(stream, count: int) -> Counter[int]:
    client = Client(raise_request_exception=False)
    return Counter(
        client.post(MESSAGE_PATH, one.body, content_type="text/xml; charset=utf-8").status_code
        for one in islice(stream, count)
    )


def test_g28_no_mutation_of_a_valid_message_is_an_error_of_ours(stream) -> None:
    found = statuses(stream, MESSAGES)
    inbox.process_due(timezone.now)
    rows = Counter(Message.objects.filter(direction="in").values_list("state", flat=True))
    print(f"seed {SEED}: answered {dict(found)}; rows {dict(rows)}")
    assert set(found) <= {200, 400, 401, 411, 413, 419}
    assert found[200] > MESSAGES / 10 and found[400] > MESSAGES / 10
    assert not rows["parked"] and not rows["received"]


def test_g28_control_without_the_schema_some_are(stream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "_judge", lambda xml, tree, version: None)
    assert statuses(stream, 200)[500]
