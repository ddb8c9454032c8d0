"""G26, the short form with real processes: without any beat, and with two, each message has one effect."""

import pytest

from bench.faults import g26

MESSAGES = 10


@pytest.mark.parametrize(("beats", "worker"), [(0, "brisk"), (2, "deaf")])
def test_g26_without_beat_and_with_two_of_them_each_message_has_one_effect(
    kind: str, beats: int, worker: str
) -> None:
    """The worker looks by itself, or the beats alone ring."""
    found = g26.run(beats, MESSAGES, kind, worker)
    assert g26.held(found), found


@pytest.mark.control
def test_g26_control_without_beat_a_worker_that_only_listens_does_nothing(kind: str) -> None:
    found = g26.run(0, MESSAGES, kind, "deaf", within=6.0)
    assert found["taken_in"] == MESSAGES and not found["delivered"], found
