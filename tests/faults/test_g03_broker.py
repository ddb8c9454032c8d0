"""G03, the short form: trade goes on while Redis is flushed, frozen, and gone for good."""

import pytest

from bench.faults import g03


@pytest.mark.postgres
@pytest.mark.redis
def test_g03_the_broker_is_disposable() -> None:
    found = g03.run(36, frozen=6.0)
    print(found["text"])
    assert found["finished"] and found["without_redis"] > 0, found
    assert not found["lost"] + found["doubled"] + found["unexpected"], found["text"]
