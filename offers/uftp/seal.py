"""Sealed payloads and keys: Ed25519 as in libsodium's crypto_sign (protocol.md §3.3).

A sealed payload is 64 bytes of signature followed by the payload itself, unchanged.
"""

import base64

from nacl.bindings import crypto_sign, crypto_sign_BYTES, crypto_sign_keypair, crypto_sign_open
from nacl.exceptions import CryptoError

from .errors import BadSeal
from .simple import strict_base64

SIGNATURE, SECRET, PUBLIC = crypto_sign_BYTES, 64, 32
PREFIX = "cs1."


def generate() -> bytes:
    """A new secret key of 64 bytes; its last 32 are the public key."""
    _, secret = crypto_sign_keypair()
    return bytes(secret)


def public_of(secret: bytes) -> bytes:
    """The public key (32 bytes) of a secret key (64 bytes); ValueError if it does not have 64."""
    return _secret(secret)[SECRET - PUBLIC :]


def seal(payload: bytes, secret: bytes) -> bytes:
    """The signature and the payload; ValueError if the secret key does not have 64 bytes."""
    return bytes(crypto_sign(payload, _secret(secret)))


def unseal(sealed: bytes, public: bytes) -> bytes:
    """The payload, if it was sealed with the secret key of `public` (32 bytes); else BadSeal."""
    if len(public) != PUBLIC:
        raise ValueError(f"a public key has {PUBLIC} bytes, not {len(public)}")
    try:
        return bytes(crypto_sign_open(sealed, public))
    except CryptoError as error:
        raise BadSeal("the signature does not fit the sender's key") from error
    except ValueError as error:
        raise BadSeal("the sealed bytes are too short for a signature") from error


def payload_of(sealed: bytes) -> bytes:
    """The payload without any check of the signature: for showing what is stored, never for trusting it."""
    return sealed[SIGNATURE:]


def parse_public(text: str) -> bytes:
    """The signing key (32 bytes) from `cs1.` and base64 of 32 or 64 bytes (sign key, box key), or from
    bare base64 of 32; ValueError says what is wrong."""
    text = text.strip()
    encoded = text.removeprefix(PREFIX)
    sizes = (PUBLIC, 2 * PUBLIC) if text.startswith(PREFIX) else (PUBLIC,)
    try:
        key = strict_base64(encoded)
    except ValueError as error:
        raise ValueError("a public key is cs1. and base64, or base64 of 32 bytes") from error
    if len(key) not in sizes:
        raise ValueError(f"a public key has {' or '.join(map(str, sizes))} bytes, not {len(key)}")
    return key[:PUBLIC]


def to_cs1(public: bytes) -> str:
    """The exchange form of a signing key of 32 bytes: `cs1.` and base64, without a box key."""
    if len(public) != PUBLIC:
        raise ValueError(f"a public key has {PUBLIC} bytes, not {len(public)}")
    return PREFIX + base64.b64encode(public).decode()


def _secret(secret: bytes) -> bytes:
    if len(secret) != SECRET:
        raise ValueError(f"a secret key has {SECRET} bytes, not {len(secret)}")
    return secret
