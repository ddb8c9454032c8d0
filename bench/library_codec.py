"""The official library's side of bench.codec; runs in its own environment and imports nothing of ours.

Takes lines of JSON on its standard input, answers each with the seconds that one operation took.
"""

import json
import logging
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from shapeshifter_uftp import transport
from shapeshifter_uftp.uftp import SignedMessage

logging.disable(logging.CRITICAL)


def read(envelope: bytes, public: str) -> Any:
    return transport.unseal_message(transport.from_xml(envelope).body, public)


def write(message: Any, secret: str) -> str:
    sealed = transport.seal_message(message, secret)
    return transport.to_xml(
        SignedMessage(sender_domain=message.sender_domain, sender_role="AGR", body=sealed)
    )


def timed(work: Callable[[], Any], seconds: float) -> float:
    work()
    calls, started = 0, time.perf_counter()
    while (taken := time.perf_counter() - started) < seconds:
        work()
        calls += 1
    return taken / calls


def main() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        envelope, public, secret = order["envelope"].encode(), order["public"], order["secret"]
        if order["do"] == "read":
            work = partial(read, envelope, public)
        else:
            work = partial(write, read(envelope, public), secret)
        print(timed(work, order["seconds"]), flush=True)


if __name__ == "__main__":
    main()
