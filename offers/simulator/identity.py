"""The keys of the simulated counterparties, in a folder of theirs, and how they introduce themselves."""

import base64
import os
from pathlib import Path

from offers import uftp

from .world import Party


def secret_of(folder: Path, party: Party) -> bytes:
    """The signing key of one participant; made on first use, readable by us only."""
    path = folder / f"{party[0]}.{party[1]}.key"
    try:
        return base64.b64decode(path.read_text())
    except FileNotFoundError:
        folder.mkdir(parents=True, exist_ok=True)
    secret = uftp.seal.generate()
    with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w") as file:
        file.write(base64.b64encode(secret).decode())
    return secret


def introduction(secrets: dict[Party, bytes], endpoint: str) -> str:
    """What a market file must say, so that the portal knows these participants by key and endpoint."""
    entries = [
        f"  - {{domain: {domain}, role: {role}, hosted: false,"
        f" public_keys: [{uftp.seal.to_cs1(uftp.seal.public_of(secret))}], endpoint: {endpoint!r}}}"
        for (domain, role), secret in secrets.items()
    ]
    return "\n".join(["participants:", *entries, ""])
