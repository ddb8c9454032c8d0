"""G38: keys are changed while messages go out, and none is refused; with the procedure left out, some are."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator

from bench.people import rotation
from offers.models import Participant
from offers.services import trading
from tests.cast import NOON, Cast
from tests.people import factor

pytestmark = pytest.mark.django_db

STEP = timedelta(minutes=5)
EACH = 30


def peer() -> Participant:
    made: Participant = Participant.objects.create(domain="dso.peer.example", role="DSO", name="Peer")
    return made


def traffic(everybody: Cast, read: rotation.Read) -> rotation.Traffic:
    return rotation.Traffic(everybody.agr, peer(), read, STEP, NOON)


# --- signing keys ---------------------------------------------------------------------------------------


def test_g38_who_reads_two_keys_refuses_nothing_when_the_new_one_was_announced(everybody: Cast) -> None:
    record = rotation.Record()
    going = traffic(everybody, rotation.TwoKeys(record))
    rotation.announced(going, record)
    assert (going.refused, going.waiting) == (0, 0), going.answers
    assert going.answers["taken"] == going.sent > 80


def test_g38_control_without_the_announcement_it_refuses(everybody: Cast) -> None:
    record = rotation.Record()
    going = traffic(everybody, rotation.TwoKeys(record))
    rotation.announced(going, record, announce=False)
    assert going.refused > 0


@pytest.mark.interop
def test_g38_the_official_library_refuses_nothing_when_it_is_held_for_its_hour(everybody: Cast) -> None:
    record = rotation.Record()
    with rotation.library(record) as read:
        going = traffic(everybody, read)
        rotation.held(going, record)
    assert (going.refused, going.waiting) == (0, 0), going.answers
    assert going.answers["taken"] == going.sent > 60


@pytest.mark.interop
@pytest.mark.parametrize("procedure", ["without a hold", "with two keys in the record"])
def test_g38_control_the_library_refuses_every_other_way(everybody: Cast, procedure: str) -> None:
    record = rotation.Record()
    with rotation.library(record) as read:
        going = traffic(everybody, read)
        if procedure == "without a hold":
            rotation.held(going, record, hold=False)
        else:
            rotation.announced(going, record)
    assert going.refused > 0


def test_g38_who_is_held_gets_nothing_and_nobody_else_waits(everybody: Cast) -> None:
    going = traffic(everybody, lambda envelope, now: "taken")
    going.recipient.held_until = NOON + timedelta(hours=1)
    going.recipient.save()
    other = trading.send_test(everybody.agr, everybody.dso, NOON)
    going.go_on(STEP)
    other.refresh_from_db()
    assert (other.state, going.waiting) == ("delivered", 1)
    going.now = NOON + timedelta(hours=1)
    going.deliver()
    assert going.waiting == 0


# --- the master key -------------------------------------------------------------------------------------


def sender(everybody: Cast) -> Callable[[], None]:
    return lambda: trading.send_test(everybody.agr, everybody.dso, NOON) and None


@pytest.fixture
def use(settings: Any) -> Callable[[list[str]], None]:
    return lambda master_keys: setattr(settings, "MASTER_KEYS", master_keys)


def test_g38_the_master_key_is_changed_and_every_message_is_sealed(
    everybody: Cast, settings: Any, use: Callable[[list[str]], None]
) -> None:
    secret, before = factor.enrol(everybody.trader), settings.MASTER_KEYS
    assert rotation.master_key(before[0], sender(everybody), use, EACH) == 0
    assert settings.MASTER_KEYS != before
    assert Authenticator.objects.get().wrap().validate_code(factor.code(secret))


def test_g38_control_with_nothing_encrypted_anew_messages_are_not_sealed(
    everybody: Cast, settings: Any, use: Callable[[list[str]], None]
) -> None:
    old = settings.MASTER_KEYS[0]
    assert rotation.master_key(old, sender(everybody), use, EACH, encrypt_anew=False) > 0
