"""G14: a message starts its way at once. How soon is measured by bench/faults/g14.py, never by a test."""

import pytest

from bench.faults import g14

MESSAGES, PAUSE = 10, 0.5  # over the five seconds between two rounds of beat


@pytest.mark.control
def test_g14_control_without_the_bell_a_message_waits_for_beat(kind: str) -> None:
    found = g14.of_single_ones(MESSAGES, PAUSE, kind, weak="mute")
    assert found["messages"] == MESSAGES
    assert not g14.at_once(found), found
