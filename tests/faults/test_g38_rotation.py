"""G38: keys change while two installations trade, and no message is refused."""

import pytest

from bench.faults import g38

CONVERSATIONS = 12


def test_g38_keys_change_while_two_installations_trade(kind: str) -> None:
    found = g38.run(CONVERSATIONS, kind)
    assert g38.held(found), found


@pytest.mark.control
def test_g38_control_a_signing_key_nobody_was_told_of_is_refused(kind: str) -> None:
    found = g38.run(CONVERSATIONS, kind, prepared=False)
    assert found["refused"] and not g38.held(found), found
