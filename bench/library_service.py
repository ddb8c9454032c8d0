"""The official library's own service, as a grid operator that does nothing with what it takes.

Runs in its own environment and imports nothing of ours: `library_service.py PORT PUBLIC_KEY SECRET_KEY`. Its
logging is off; it stores nothing, so that an offer is gone with the process.
"""

import logging
import sys
from typing import Any

from shapeshifter_uftp import ShapeshifterDsoService

logging.disable(logging.CRITICAL)


def ignore(self: Any, message: Any) -> None:
    """What a program that uses the library would fill with its own work."""


Service = type(
    "Service",
    (ShapeshifterDsoService,),
    {name: ignore for name in ShapeshifterDsoService.__abstractmethods__},
)


def main(port: str, public: str, secret: str) -> None:
    service = Service(
        sender_domain="dso.bench.example",
        signing_key=secret,
        key_lookup_function=lambda domain, role: public,
        endpoint_lookup_function=lambda domain, role: "",
        host="127.0.0.1",
        port=int(port),
    )
    service.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
