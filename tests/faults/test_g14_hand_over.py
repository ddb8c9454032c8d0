"""G14, the control: who is not rung for waits for beat. What is rung for goes out at once: see the test of
G14 in test_g05_to_g11_counterparty.py, beside others with the same portal, and bench/faults/g14.py."""

import pytest

from bench.faults import g14

MESSAGES, PAUSE = 10, 0.5  # over the five seconds between two rounds of beat


@pytest.mark.control
def test_g14_control_without_the_bell_a_message_waits_for_beat(kind: str) -> None:
    found = g14.of_single_ones(MESSAGES, PAUSE, kind, weak="mute")
    assert found["messages"] == MESSAGES
    assert not g14.at_once(found, g14.LENIENT), found
