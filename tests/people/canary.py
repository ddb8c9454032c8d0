"""A private key that can be recognized, in all the ways in which it could be spelled."""

import base64
import binascii
from collections.abc import Iterator
from pathlib import Path

from nacl.bindings import crypto_sign_seed_keypair

SEED = bytes((0xC0 + 7 * n) % 256 for n in range(32))
SECRET = bytes(crypto_sign_seed_keypair(SEED)[1])
TEXT = base64.b64encode(SECRET).decode()
SHORTEST = 16  # characters of a spelling that cannot be there by chance


def spellings(secret: bytes = SECRET) -> dict[str, bytes]:
    """The seed (the other half is public): raw, hex, as Python prints it, and base64 wherever it begins."""
    seed = secret[:32]
    found = {
        "raw": seed,
        "hex": binascii.hexlify(seed),
        "HEX": binascii.hexlify(seed).upper(),
        "repr": repr(seed)[2:-1].encode(),
        "list": ", ".join(map(str, seed)).encode(),
        "escaped": "".join(f"\\x{byte:02x}" for byte in seed).encode(),
    }
    for start in range(3):  # base64 of something longer has the seed at one of three offsets
        inner = base64.b64encode(bytes(start) + seed).strip(b"=")
        part = inner[4 if start else 0 : -2]
        found[f"base64+{start}"] = part
        found[f"urlsafe+{start}"] = part.translate(bytes.maketrans(b"+/", b"-_"))
    return {name: text[: 2 * SHORTEST] if name != "raw" else text[:SHORTEST] for name, text in found.items()}


def found_in(content: bytes) -> list[str]:
    return [name for name, text in spellings().items() if text in content]


def found_under(folder: Path) -> Iterator[tuple[Path, list[str]]]:
    for path in folder.rglob("*"):
        if path.is_file() and (names := found_in(path.read_bytes())):
            yield path, names
