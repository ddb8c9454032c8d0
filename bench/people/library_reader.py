"""The official library as the reader of our messages: its own decoding, key look-up, cache and seal check.

Runs in the environment that has the library and imports nothing of ours. Each line in is an envelope, the
time, and what the DNS says then; each line out is "taken", or the name of the error with which it refuses.
"""

import datetime as real
import json
import sys
from base64 import b64decode
from types import SimpleNamespace
from typing import Any

import dns.resolver
from shapeshifter_uftp import transport
from shapeshifter_uftp.exceptions import TransportException

NOW = {"at": 0.0, "txt": ""}


class Clock:
    """In place of datetime in the library, whose cache asks it for the time."""

    @staticmethod
    def now() -> real.datetime:
        return real.datetime.fromtimestamp(NOW["at"], real.UTC)


def resolve(name: str, kind: str) -> Any:
    """What the resolver of the counterparty answers; the name does not matter, there is one sender."""
    text = SimpleNamespace(strings=[NOW["txt"].encode()])
    return SimpleNamespace(response=SimpleNamespace(answer=[[text]]))


def read(envelope: bytes) -> str:
    signed = transport.from_xml(envelope)
    try:
        key = transport.get_key(signed.sender_domain, signed.sender_role)
        transport.unseal_message(signed.body, key)
    except TransportException as error:
        return type(error).__name__
    return "taken"


def main() -> None:
    transport.datetime, dns.resolver.resolve = Clock, resolve
    for line in sys.stdin:
        order = json.loads(line)
        NOW.update(at=order["at"], txt=order["txt"])
        print(json.dumps(read(b64decode(order["envelope"]))), flush=True)


if __name__ == "__main__":
    main()
