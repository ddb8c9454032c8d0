"""G32: only the very bytes that a key sealed are taken, only from the domain and role that the key is for."""

import base64
import random
import uuid
from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone

from offers import uftp
from offers.models import Message, Participant, Role
from offers.services import envelopes, inbox, keys
from tests.cast import Cast
from tests.wire import flex_request, hello, sealed

FLIPS = 10_000
SEED = 32
ORDER = 2**252 + 27742317777372353535851937790883648493  # of the group that Ed25519 works in
PRIME = 2**255 - 19

# Every encoding of a point of small order: with such a key anything is signed by anybody.
SMALL_ORDER = [
    *(number.to_bytes(32, "little") for number in (0, 1, PRIME - 1, PRIME, PRIME + 1)),
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85"),
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"),
    *((number | 1 << 255).to_bytes(32, "little") for number in (0, 1, PRIME - 1, PRIME, PRIME + 1)),
]


def status(body: bytes) -> int:
    """What the door would say."""
    try:
        inbox.receive(body, "192.0.2.1", timezone.now())
    except inbox.NotTaken as error:
        return error.status
    return 200


def flipped(body: bytes, bit: int) -> bytes:
    changed = bytearray(body)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_g32_of_ten_thousand_flipped_bits_none_makes_another_message(
    everybody: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every bit of a small envelope once, then random ones of a larger. The one thing that a flip may do is
    change nothing: a capital letter in `UTF-8` of the declaration. That is a copy of the message again."""
    monkeypatch.setattr(inbox.bell, "ring", lambda task: None)
    monkeypatch.setattr(envelopes, "count_bad_seal", lambda sender: None)  # 5,000 times
    found, rng = Counter[int](), random.Random(SEED)
    small = sealed(everybody, uftp.encode(hello(everybody)))
    large = sealed(everybody, uftp.encode(flex_request(everybody)))
    bits = [(small, bit) for bit in range(8 * len(small))]
    bits += [(large, rng.randrange(8 * len(large))) for _ in range(FLIPS - len(bits))]
    assert (status(small), status(large)) == (200, 200)
    for body, bit in bits:
        found[status(flipped(body, bit))] += 1
    print(f"seed {SEED}: {len(bits)} flips, answered {dict(found)}")
    assert set(found) == {200, 400, 401, 419}
    assert found[200] <= 2 * len("UTF-8")
    assert Message.objects.filter(direction="in").count() == 2


def test_g32_control_without_the_check_of_the_seal_flips_are_taken(
    everybody: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox.bell, "ring", lambda task: None)
    monkeypatch.setattr(uftp.seal, "unseal", lambda sealed, public: sealed[64:])
    body, rng = sealed(everybody, uftp.encode(hello(everybody))), random.Random(SEED)
    taken = sum(status(flipped(body, rng.randrange(8 * len(body)))) == 200 for _ in range(300))
    assert taken > 20
    assert Message.objects.filter(direction="in").count() > 5


@pytest.mark.parametrize("public", SMALL_ORDER, ids=lambda public: public.hex()[:8] + public.hex()[-2:])
def test_g32_with_a_key_of_small_order_nobody_signs(everybody: Cast, public: bytes) -> None:
    everybody.dso.keys.update(public=base64.b64encode(public).decode())
    payload = uftp.encode(hello(everybody))
    for first in (public, bytes(32), (1).to_bytes(32, "little")):
        body = envelope(everybody, first + bytes(32) + payload)
        assert status(body) in (401, 419)


def envelope(everybody: Cast, body: bytes, role: str = "DSO", domain: str = "") -> bytes:
    domain = domain or everybody.dso.domain
    return uftp.encode_envelope(uftp.SignedMessage(sender_domain=domain, sender_role=role, body=body))


@pytest.mark.parametrize("times", [1, 2, 7])
def test_g32_a_signature_has_one_form_only(everybody: Cast, times: int) -> None:
    """S + L verifies in the mathematics; to take it would give one message two sets of bytes."""
    good = uftp.decode_envelope(sealed(everybody, uftp.encode(hello(everybody)))).body
    s = int.from_bytes(good[32:64], "little") + times * ORDER
    assert status(envelope(everybody, good[:32] + s.to_bytes(32, "little") + good[64:])) == 401
    assert status(envelope(everybody, good)) == 200


@pytest.mark.parametrize(
    ("junk", "codes"),
    [
        ("!", {400}),
        ("=", {400}),
        ("A", {400}),
        ("AAAA", {401}),
        ("\u00a0", {400}),
        ("\u200b", {400}),
        ("-_", {400}),
        ("&#0;", {400}),
        ("%41", {400}),
    ],
)
def test_g32_junk_in_the_base64_is_refused(everybody: Cast, junk: str, codes: set[int]) -> None:
    body = sealed(everybody, uftp.encode(hello(everybody))).decode()
    at = body.index('Body="') + 100
    assert status((body[:at] + junk + body[at:]).encode()) in codes


def test_g32_white_space_in_the_base64_is_legal_and_the_same_message(everybody: Cast) -> None:
    """The schema's base64 may be wrapped; the copy is known by what was sealed, not by how it is wrapped."""
    body = sealed(everybody, uftp.encode(hello(everybody))).decode()
    at = body.index('Body="') + 106
    for space in ("\n", " ", "&#10;", "\t"):
        assert status((body[:at] + space + body[at:]).encode()) == 200
    assert Message.objects.filter(direction="in").count() == 1


def test_g32_an_aggregators_key_cannot_act_as_dso_not_even_of_its_own_domain(everybody: Cast) -> None:
    now = timezone.now()
    both = Participant.objects.create(
        domain=everybody.dso.domain, role=Role.AGR, name="The DSO's own aggregator", hosted=True
    )
    keys.add_signing_key(both, now - timedelta(days=1))
    payload = uftp.encode(flex_request(everybody))
    for owner in (both, everybody.agr, everybody.rival):
        sealed_by = uftp.seal.seal(payload, keys.signing_key(owner, now)[1])
        assert status(envelope(everybody, sealed_by)) == 401
    assert not Message.objects.exists()


def test_g32_what_one_role_sealed_cannot_be_carried_in_the_envelope_of_another(everybody: Cast) -> None:
    """The envelope only names the key: whatever it says, the sealed bytes must fit that very key."""
    good = uftp.decode_envelope(sealed(everybody, uftp.encode(hello(everybody)))).body
    for domain, role, code in (
        (everybody.agr.domain, "AGR", 401),
        (everybody.rival.domain, "AGR", 401),
        (everybody.dso.domain, "AGR", 419),
        (everybody.dso.domain, "CRO", 419),
        ("nobody.example", "DSO", 419),
    ):
        assert status(envelope(everybody, good, role, domain)) == code


def test_g32_an_inner_sender_or_role_that_is_not_the_envelopes_is_rejected(everybody: Cast) -> None:
    """Sealed by the DSO's own key: a message in another's name, and one that only an aggregator may send."""
    foreign = flex_request(everybody, sender_domain=everybody.rival.domain)
    revoking = {name: getattr(hello(everybody), name) for name in ("version", "sender_domain", "time_stamp")}
    wrong = uftp.FlexOfferRevocation(
        **revoking,
        recipient_domain=everybody.agr.domain,
        message_id=str(uuid.uuid4()),
        conversation_id=str(uuid.uuid4()),
        flex_offer_message_id=str(uuid.uuid4()),
    )
    for message in (foreign, wrong):
        assert status(sealed(everybody, uftp.encode(message))) == 200
    inbox.process_due(timezone.now)
    taken = Message.objects.filter(direction="in")
    assert {row.state for row in taken} == {"rejected"}
    answers = Message.objects.filter(direction="out")
    assert {row.counterparty_id for row in answers} == {everybody.dso.pk}
