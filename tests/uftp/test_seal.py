"""Sealed bytes and keys: only what was sealed with the right key opens, and keys have one spelling."""

import base64
import random

import pytest
from nacl.bindings import crypto_sign_seed_keypair

from offers import uftp
from offers.uftp import seal

from . import samples

SECRET = crypto_sign_seed_keypair(bytes(range(32)))[1]  # the same in each parallel test process
PUBLIC = seal.public_of(SECRET)
PAYLOAD = uftp.encode(samples.offer())


def test_what_is_sealed_opens_with_the_public_key_and_is_unchanged():
    sealed = seal.seal(PAYLOAD, SECRET)
    assert len(sealed) == 64 + len(PAYLOAD)
    assert seal.unseal(sealed, PUBLIC) == PAYLOAD
    assert seal.payload_of(sealed) == PAYLOAD


def test_every_key_is_another():
    assert seal.generate() != seal.generate()
    assert (len(SECRET), len(PUBLIC)) == (64, 32)


def test_another_key_does_not_open_it():
    with pytest.raises(uftp.BadSeal):
        seal.unseal(seal.seal(PAYLOAD, SECRET), seal.public_of(seal.generate()))


def test_no_single_flipped_bit_is_accepted():
    sealed, rng = seal.seal(PAYLOAD, SECRET), random.Random(1)
    for position in [*range(64), *rng.sample(range(64, len(sealed)), 300)]:
        changed = bytearray(sealed)
        changed[position] ^= 1 << rng.randrange(8)
        with pytest.raises(uftp.BadSeal):
            seal.unseal(bytes(changed), PUBLIC)


@pytest.mark.parametrize("sealed", [b"", b"x", b"x" * 63, b"x" * 64, b"x" * 65])
def test_bytes_without_a_signature_are_refused(sealed):
    with pytest.raises(uftp.BadSeal):
        seal.unseal(sealed, PUBLIC)


def test_a_signature_that_is_not_canonical_is_refused():
    order = 2**252 + 27742317777372353535851937790883648493
    sealed = seal.seal(PAYLOAD, SECRET)
    s = int.from_bytes(sealed[32:64], "little") + order
    with pytest.raises(uftp.BadSeal):
        seal.unseal(sealed[:32] + s.to_bytes(32, "little") + sealed[64:], PUBLIC)


@pytest.mark.parametrize("public", [bytes(32), b"\x01" + bytes(31)])
def test_a_key_of_small_order_opens_nothing(public):
    with pytest.raises(uftp.BadSeal):
        seal.unseal(public + bytes(32) + PAYLOAD, public)


def test_keys_of_the_wrong_length_are_a_mistake_of_ours():
    for call in (
        lambda: seal.seal(b"", b"x"),
        lambda: seal.unseal(b"", b"x"),
        lambda: seal.public_of(PUBLIC),
    ):
        with pytest.raises(ValueError, match="key has (32|64) bytes"):
            call()
    with pytest.raises(ValueError, match="32 bytes, not 64"):
        seal.to_cs1(SECRET)


# --- spellings of a key ---------------------------------------------------------------------------


def encoded(key: bytes) -> str:
    return base64.b64encode(key).decode()


@pytest.mark.parametrize(
    "text",
    [
        encoded(PUBLIC),
        f"cs1.{encoded(PUBLIC)}",
        f"cs1.{encoded(PUBLIC + bytes(32))}",
        f"  {encoded(PUBLIC)}\n",
        seal.to_cs1(PUBLIC),
    ],
)
def test_a_public_key_is_read_in_each_of_its_forms(text):
    assert seal.parse_public(text) == PUBLIC


@pytest.mark.parametrize(
    "text",
    [
        "",
        "cs1.",
        "cs2." + encoded(PUBLIC),
        encoded(PUBLIC)[:-1],
        encoded(PUBLIC) + "=",
        encoded(PUBLIC[:-1]),
        encoded(SECRET),
        "cs1." + encoded(PUBLIC + b"x"),
        "cs1. " + encoded(PUBLIC),
        encoded(PUBLIC)[:10] + "\n" + encoded(PUBLIC)[10:],
        encoded(PUBLIC)[:10] + "!" + encoded(PUBLIC)[10:],
        base64.urlsafe_b64encode(b"\xff" * 32).decode(),
        "A" * 42 + "B=",
        "ключ",
    ],
)
def test_what_is_no_public_key_is_refused(text):
    with pytest.raises(ValueError, match="a public key"):
        seal.parse_public(text)


# --- the Body of an envelope ----------------------------------------------------------------------


def envelope(body: str) -> bytes:
    return f'<SignedMessage SenderDomain="a.example" SenderRole="AGR" Body="{body}"/>'.encode()


@pytest.mark.parametrize(("body", "read"), [("QUJD", b"ABC"), ("", b""), ("QUI=", b"AB"), ("QQ==", b"A")])
def test_a_body_is_read(body, read):
    assert uftp.decode_envelope(envelope(body)).body == read


@pytest.mark.parametrize("body", ["QUJD QUJD", "QUJD\nQUJD", " QUJDQUJD ", "QUJD&#10;QUJD"])
def test_a_body_may_be_wrapped_because_the_schema_says_so(body):
    assert uftp.decode_envelope(envelope(body)).body == b"ABCABC"


@pytest.mark.parametrize(
    "body",
    ["QUJ", "QUJD=", "QQ=", "Q===", "-_-_", "QUJD!", "QUJD\u00a0QUJD", "QQ==QQ==", "QR==", "QUJ=", "Ü"],
)
def test_a_body_in_another_alphabet_or_padding_is_refused(body):
    with pytest.raises(uftp.Invalid, match="element SignedMessage, attribute Body"):
        uftp.decode_envelope(envelope(body))
