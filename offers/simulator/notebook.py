"""What a simulated counterparty still knows after a restart: what is open, as the messages themselves."""

import json
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import NotRequired, TypedDict, TypeVar

from offers import uftp

from .world import Party

log = logging.getLogger(__name__)
M = TypeVar("M", bound=uftp.PayloadMessage)


class Note(TypedDict):
    """A message that still matters, with whom it was exchanged, and what became of it."""

    message: str
    peer: list[str]
    state: str
    orders: NotRequired[list[str]]


def note(message: uftp.PayloadMessage, party: Party, state: str = "", orders: Iterable[str] = ()) -> Note:
    return Note(message=uftp.encode(message).decode(), peer=list(party), state=state, orders=list(orders))


def message_of(one: Note, kind: type[M]) -> M | None:
    """The message of a note if it is of this kind, and one that can still be read."""
    try:
        message = uftp.decode(one["message"].encode())
    except uftp.BadMessage:
        return None
    return message if isinstance(message, kind) else None


class Notebook:
    """One file, replaced as a whole; without a path nothing outlives the process."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.written = ""

    def read(self) -> dict[str, list[Note]]:
        if self.path is None or not self.path.exists():
            return {}
        try:
            found: dict[str, list[Note]] = json.loads(self.path.read_text())
        except ValueError:
            log.warning("%s cannot be read: beginning anew", self.path)
            return {}
        return found

    def write(self, notes: dict[str, list[Note]]) -> None:
        text = json.dumps(notes)
        if self.path is None or text == self.written:
            return
        new = self.path.with_suffix(".new")
        new.write_text(text)
        new.replace(self.path)
        self.written = text
