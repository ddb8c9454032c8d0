"""The official Python library as a counterparty, in a process and an environment of its own.

Imports nothing of ours. Is told what to do by JSON lines on its standard input, and says what it received and
how its sending went by JSON lines on its standard output. The first line is who it is.
"""

import json
import os
import sys
import threading
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from shapeshifter_uftp import ShapeshifterAgrService, ShapeshifterDsoService, uftp
from shapeshifter_uftp.exceptions import ClientTransportException
from shapeshifter_uftp.service.base_service import snake_case
from xsdata.models.datatype import XmlDate, XmlDuration

# uvicorn writes to the standard output, too: the channel keeps its own, everything else goes to the log.
CHANNEL = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)
SAYING = threading.Lock()

READERS = {
    "isp_duration": XmlDuration,
    "period": XmlDate.from_string,
    "price": Decimal,
    "min_activation_factor": Decimal,
    "activation_factor": Decimal,
}
PARTS = {
    ("FlexRequest", "isps"): uftp.FlexRequestISP,
    ("FlexOffer", "offer_options"): uftp.FlexOfferOption,
    ("FlexOfferOption", "isps"): uftp.FlexOfferOptionISP,
    ("FlexOrder", "isps"): uftp.FlexOrderISP,
}


def say(**what: Any) -> None:
    with SAYING:
        CHANNEL.write(json.dumps(what, default=str) + "\n")


def plain(message: Any) -> dict[str, Any]:
    """What a message says, with days and durations as text."""
    fields = asdict(message)
    return {
        name: str(value) if isinstance(value, (XmlDate, XmlDuration)) else value
        for name, value in fields.items()
    }


def build(kind: type, fields: dict[str, Any]) -> Any:
    """A message of the library from plain values."""
    return kind(**{name: _value(kind, name, value) for name, value in fields.items()})


def _value(kind: type, name: str, value: Any) -> Any:
    part = PARTS.get((kind.__name__, name))
    if part is not None:
        return [build(part, item) for item in value]
    return READERS[name](value) if name in READERS else value


class Peer:
    """Says what came, and answers it: Accepted, unless `refusing` has a reason for the type."""

    refusing: dict[str, str]
    counterparty: str

    def answer(self, message: Any) -> None:
        name = type(message).__name__
        say(received=name, fields=plain(message))
        kind = uftp.request_response_map.get(type(message))
        if kind is None:
            return
        reason = self.refusing.get(name)
        fields = {
            f"{snake_case(name)}_message_id": message.message_id,
            "conversation_id": message.conversation_id,
            "result": uftp.REJECTED if reason else uftp.ACCEPTED,
            "rejection_reason": reason,
        }
        self.send(kind(**fields))

    def send(self, message: Any) -> None:
        client = self._get_client(self.counterparty, self.other_role, self.version)
        try:
            client._send_message(message)
        except ClientTransportException as error:
            say(refused=type(message).__name__, status=error.response.status_code, text=error.response.text)
        else:
            say(sent=type(message).__name__, fields=plain(message))

    def process_test_message(self, message: Any, sender_role: Any) -> None:
        say(received="TestMessage", fields=plain(message))
        try:
            super().process_test_message(message, sender_role)
        except ClientTransportException as error:
            say(refused="TestMessageResponse", status=error.response.status_code, text=error.response.text)


def peer_class(base: type, other_role: str) -> type:
    """The service of the library with every abstract method answered the same way."""
    methods = {name: lambda self, message: self.answer(message) for name in base.__abstractmethods__}
    methods["process_test_message_response"] = lambda self, message: self.answer(message)
    return type("OfficialPeer", (Peer, base), {**methods, "other_role": other_role})


CLASSES = {
    "AGR": peer_class(ShapeshifterAgrService, "DSO"),
    "DSO": peer_class(ShapeshifterDsoService, "AGR"),
}


def start(who: dict[str, Any]) -> Any:
    service = CLASSES[who["role"]](
        sender_domain=who["domain"],
        signing_key=who["signing_key"],
        key_lookup_function=lambda domain, role: who["counterparty_key"],
        endpoint_lookup_function=lambda domain, role: who["counterparty_endpoint"],
        host="127.0.0.1",
        port=who["port"],
        version=who["version"],
    )
    service.refusing, service.counterparty = {}, who["counterparty"]
    service.run_in_thread()
    return service


def obey(service: Any, order: dict[str, Any]) -> None:
    if "refuse" in order:
        service.refusing[order["refuse"]] = order["reason"]
        return
    try:
        message = build(getattr(uftp, order["send"]), order["fields"])
    except (TypeError, ValueError) as error:
        say(cannot=order["send"], text=str(error))
        return
    service.send(message)


def main() -> None:
    service = start(json.loads(sys.stdin.readline()))
    say(ready=True)
    try:
        for line in sys.stdin:
            obey(service, json.loads(line))
    finally:
        service.stop()


if __name__ == "__main__":
    main()
