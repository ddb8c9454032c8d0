"""Signing keys: encrypted at rest, changed over without a gap, and never seen outside of this place."""

import base64
import io
import logging
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client

from offers import models, uftp
from offers.services import inbox, keys, market, trading
from tests import cast
from tests.cast import NOON, Cast

pytestmark = pytest.mark.django_db


def secret_of(participant: models.Participant, now: datetime = NOON) -> bytes:
    return keys.signing_key(participant, now)[1]


def spellings(secret: bytes) -> list[str]:
    """How the private half could show up in a text: base64, hex, or the bytes as Python prints them."""
    seed = secret[:32]
    return [
        base64.b64encode(secret).decode()[:40],
        base64.b64encode(seed).decode()[:40],
        seed.hex(),
        repr(seed)[2:-1],
    ]


def signed_by(secret: bytes, sender: models.Participant, recipient: models.Participant) -> bytes:
    message = uftp.TestMessage(
        version="3.1.0",
        sender_domain=sender.domain,
        recipient_domain=recipient.domain,
        time_stamp=NOON,
        message_id="0f8fad5b-d9cb-469f-a165-70867728950e",
        conversation_id="7c9e6679-7425-40de-944b-e07fc1f90ae7",
    )
    body = uftp.seal.seal(uftp.encode(message), secret)
    return uftp.encode_envelope(
        uftp.SignedMessage(sender_domain=sender.domain, sender_role=sender.role, body=body)
    )


# --- at rest ------------------------------------------------------------------------------------


def test_a_private_key_is_stored_encrypted(everybody: Cast) -> None:
    secret = secret_of(everybody.agr)
    stored = bytes(everybody.agr.keys.get().private or b"")
    assert secret not in stored and secret[:32] not in stored
    assert len(stored) > 64


def test_a_wrong_master_key_gets_a_sentence(everybody: Cast, settings: Any) -> None:
    settings.MASTER_KEYS = [base64.b64encode(os.urandom(32)).decode()]
    with pytest.raises(keys.MasterKeyWrong, match="No master key opens this private key"):
        secret_of(everybody.agr)


def test_the_master_key_is_changed_without_losing_a_key(everybody: Cast, settings: Any) -> None:
    before = secret_of(everybody.agr)
    old, new = settings.MASTER_KEYS[0], base64.b64encode(os.urandom(32)).decode()
    settings.MASTER_KEYS = [new, old]
    assert secret_of(everybody.agr) == before
    call_command("rotate_master_key", stdout=(out := io.StringIO()))
    assert "Encrypted 3 secrets" in out.getvalue()
    settings.MASTER_KEYS = [new]
    assert secret_of(everybody.agr) == before


def test_a_rotation_under_the_wrong_keys_changes_nothing(everybody: Cast, settings: Any) -> None:
    before = [bytes(key.private or b"") for key in models.Key.objects.order_by("pk")]
    settings.MASTER_KEYS = [base64.b64encode(os.urandom(32)).decode()]
    with pytest.raises(CommandError, match="Nothing was changed"):
        call_command("rotate_master_key")
    assert [bytes(key.private or b"") for key in models.Key.objects.order_by("pk")] == before


# --- changing over ------------------------------------------------------------------------------


def test_the_newest_key_signs_and_the_one_before_still_verifies(everybody: Cast) -> None:
    old = secret_of(everybody.agr)
    keys.add_signing_key(everybody.agr, NOON)
    new = secret_of(everybody.agr)
    assert new != old
    assert keys.public_keys(everybody.agr, NOON) == [uftp.seal.public_of(new), uftp.seal.public_of(old)]


@pytest.mark.parametrize("which", [0, 1])
def test_two_public_keys_of_a_counterparty_are_valid_at_once(everybody: Cast, which: int) -> None:
    peer = models.Participant.objects.create(domain="peer.example", role="AGR", name="Peer")
    secrets = [uftp.seal.generate(), uftp.seal.generate()]
    for secret in secrets:
        keys.add_public_key(peer, uftp.seal.to_cs1(uftp.seal.public_of(secret)), NOON)
    assert inbox.receive(signed_by(secrets[which], peer, everybody.dso), "192.0.2.1", NOON).pk


def test_a_retired_key_opens_nothing_any_more(everybody: Cast) -> None:
    peer = models.Participant.objects.create(domain="peer.example", role="AGR", name="Peer")
    secret = uftp.seal.generate()
    key = keys.add_public_key(peer, uftp.seal.to_cs1(uftp.seal.public_of(secret)), NOON)
    keys.add_public_key(peer, uftp.seal.to_cs1(uftp.seal.public_of(uftp.seal.generate())), NOON)
    keys.retire(key, NOON)
    with pytest.raises(inbox.NotTaken) as caught:
        inbox.receive(signed_by(secret, peer, everybody.dso), "192.0.2.1", NOON)
    assert caught.value.status == 401


def test_a_changed_over_key_verifies_for_as_long_as_was_said(everybody: Cast) -> None:
    old = uftp.seal.public_of(secret_of(everybody.agr))
    keys.change_over(everybody.agr, NOON, timedelta(days=7))
    assert old in keys.public_keys(everybody.agr, NOON + timedelta(days=6))
    assert old not in keys.public_keys(everybody.agr, NOON + timedelta(days=7))


def test_a_counterparty_has_no_signing_key_here() -> None:
    peer = models.Participant.objects.create(domain="peer.example", role="AGR", name="Peer")
    with pytest.raises(keys.BadKey, match="not hosted here"):
        keys.add_signing_key(peer, NOON)
    with pytest.raises(keys.NoKey, match="manage.py keygen"):
        keys.signing_key(peer, NOON)


# --- keygen -------------------------------------------------------------------------------------


def test_keygen_prints_the_public_key_and_nothing_else(everybody: Cast) -> None:
    call_command("keygen", everybody.agr.slug, stdout=(out := io.StringIO()), stderr=io.StringIO())
    public, secret = keys.signing_key(everybody.agr, datetime.now(UTC))
    assert out.getvalue() == f"cs1.{public}\n"
    assert not any(text in out.getvalue() for text in spellings(secret))


def test_keygen_retires_the_older_keys_after_a_while(everybody: Cast) -> None:
    old = everybody.agr.keys.get()
    call_command(
        "keygen", everybody.agr.slug, "--retire-old-after", "P7D", stdout=io.StringIO(), stderr=io.StringIO()
    )
    old.refresh_from_db()
    assert old.valid_to is not None
    assert abs(old.valid_to - datetime.now(UTC) - timedelta(days=7)) < timedelta(minutes=1)


def test_keygen_announces_a_key_that_signs_later(everybody: Cast) -> None:
    before = keys.signing_key(everybody.agr, datetime.now(UTC))[0]
    call_command(
        "keygen", everybody.agr.slug, "--sign-after", "PT2H", stdout=io.StringIO(), stderr=io.StringIO()
    )
    assert keys.signing_key(everybody.agr, datetime.now(UTC))[0] == before
    assert keys.signing_key(everybody.agr, datetime.now(UTC) + timedelta(hours=2))[0] != before


def test_keygen_holds_who_reads_one_key_only_when_nothing_is_under_way(everybody: Cast) -> None:
    arguments = ["keygen", everybody.agr.slug, "--hold", everybody.dso.slug]
    row = trading.send_test(everybody.agr, everybody.dso, NOON)
    with pytest.raises(CommandError, match="still on their way"):
        call_command(*arguments)
    assert everybody.agr.keys.count() == 1
    models.Message.objects.filter(pk=row.pk).update(state="delivered")
    call_command(*arguments, stdout=io.StringIO(), stderr=(said := io.StringIO()))
    everybody.dso.refresh_from_db()
    assert everybody.dso.held_until is not None and "is held until" in said.getvalue()


@pytest.fixture
def stage(transactional_db: None) -> Cast:
    return cast.assemble()


def side_by_side(*verbs: Callable[[], None]) -> None:
    threads = [threading.Thread(target=verb) for verb in verbs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert not any(thread.is_alive() for thread in threads)


@pytest.mark.postgres
def test_keys_are_not_changed_over_while_somebody_seals(stage: Cast) -> None:
    """What was sealed by the old key stands in the queue before the change looks there."""
    sealed, changed, outcome = threading.Event(), threading.Event(), []

    def seal() -> None:
        with transaction.atomic():
            trading.send_test(stage.agr, stage.dso, NOON)
            sealed.set()
            changed.wait(0.5)  # which it must not be meanwhile
            outcome.append("not changed" if not changed.is_set() else "changed")
        connection.close()

    def change() -> None:
        sealed.wait(5)
        try:
            keys.change_over_held(stage.agr, [stage.dso], NOON, timedelta(days=1), timedelta(hours=1))
        except keys.BadKey as error:
            outcome.append(str(error)[:46])
        changed.set()
        connection.close()

    side_by_side(seal, change)
    assert outcome == ["not changed", "Messages sealed by the old key are still on th"]


@pytest.mark.postgres
def test_who_seals_after_a_change_has_the_new_key(stage: Cast) -> None:
    """Although it began before: it waits, and then looks."""
    changing, used = threading.Event(), []

    def change() -> None:
        with transaction.atomic():
            used.append(keys.change_over(stage.agr, NOON, timedelta(days=1)).public)
            changing.set()
            threading.Event().wait(0.5)
        connection.close()

    def seal() -> None:
        changing.wait(5)
        used.append(trading.send_test(stage.agr, stage.dso, NOON).key_used)
        connection.close()

    side_by_side(change, seal)
    assert len(used) == 2 and used[0] == used[1]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nobody.example/AGR"], "there are agr.demo.example/AGR"),
        (["agr.demo.example"], "no participant agr.demo.example"),
        (["agr.demo.example/AGR", "--retire-old-after=7d"], "P7D or PT12H"),
        (["agr.demo.example/AGR", "--hold=dso.demo.example/DSO", "--sign-after=PT2H"], "signs at once"),
        (["agr.demo.example/AGR", "--retire-old-after=-P1D"], "from PT0M"),
    ],
)
def test_keygen_says_what_would_be_right(everybody: Cast, arguments: list[str], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        call_command("keygen", *arguments)
    assert models.Key.objects.count() == 3


# --- never seen ---------------------------------------------------------------------------------


def test_a_private_key_is_in_no_page_of_the_admin(everybody: Cast, client: Client) -> None:
    client.force_login(everybody.admin)
    agr = everybody.agr
    pages = [
        "/admin/",
        "/admin/offers/participant/",
        f"/admin/offers/participant/{agr.pk}/change/",
        f"/admin/offers/participant/{agr.pk}/keys/",
        f"/admin/offers/participant/{agr.pk}/history/",
        f"/admin/offers/participant/{agr.pk}/delete/",
    ]
    for page in pages:
        response = client.get(page)
        assert response.status_code == 200, page
        assert not any(text in response.content.decode() for text in spellings(secret_of(agr))), page


def test_a_private_key_is_in_no_repr_no_dump_and_no_export(everybody: Cast) -> None:
    from django.core import serializers

    key = everybody.agr.keys.get()
    exported = serializers.serialize("json", models.Key.objects.all())
    texts = [repr(key), str(key), repr(everybody.agr), market.dump(NOON), exported]
    for text in texts:
        assert not any(spelling in text for spelling in spellings(secret_of(everybody.agr)))


def test_a_private_key_is_in_no_log(everybody: Cast, caplog: pytest.LogCaptureFixture, settings: Any) -> None:
    caplog.set_level(logging.DEBUG)
    keys.add_signing_key(everybody.agr, NOON)
    trading.send_test(everybody.agr, everybody.dso, NOON)
    secret = secret_of(everybody.agr)
    settings.MASTER_KEYS = [base64.b64encode(os.urandom(32)).decode()]
    with pytest.raises(keys.MasterKeyWrong) as caught:
        trading.send_test(everybody.agr, everybody.dso, NOON)
    assert not any(text in caplog.text + str(caught.value) for text in spellings(secret))


def test_a_retired_key_that_is_given_again_signs_again(everybody: Cast) -> None:
    old = secret_of(everybody.agr)
    keys.add_signing_key(everybody.agr, NOON)
    for retired in everybody.agr.keys.all():
        keys.retire(retired, NOON)
    keys.add_signing_key(everybody.agr, NOON + timedelta(days=1), old)
    assert secret_of(everybody.agr, NOON + timedelta(days=1)) == old
    assert everybody.agr.keys.valid_at(NOON + timedelta(days=1)).count() == 1
