"""A conversation as one file: every message as it went over the wire and decoded, and a list of them."""

import csv
import io
import zipfile
from collections.abc import Iterable
from datetime import datetime

from offers import formats
from offers.models import Message
from offers.views import lists

from .opened import Opened

MOST_BYTES = 16 * 1024 * 1024  # of sealed messages: it is built in memory
COLUMNS = ["file", "at", "direction", "type", "counterparty", "state", "answer", "attempts", "reason"]
COLUMNS += ["message_id", "sha256"]
TOO_LARGE = "left out: the file would grow too large; take the message alone"
GONE = "gone: past its retention time"


def zipped(messages: Iterable[Message]) -> bytes:
    """Oldest first. What would make the file too large, or is past its retention time, is listed only."""
    buffer, left = io.BytesIO(), MOST_BYTES
    listed: list[list[object]] = [list(COLUMNS)]
    with zipfile.ZipFile(buffer, "w") as file:
        for number, row in enumerate(messages, start=1):
            size = len(row.sealed or b"")
            name = f"{number:03} {row.direction} {row.type}"
            if size == 0 or size > left:
                listed.append(_line(TOO_LARGE if size else GONE, row))
                continue
            left -= size
            _put_message(file, name, row)
            listed.append(_line(name, row))
        _put(file, "messages.csv", _csv(listed), None)
    return buffer.getvalue()


def _put_message(file: zipfile.ZipFile, name: str, row: Message) -> None:
    _put(file, f"{name}.sealed.xml", bytes(row.sealed or b""), row)
    decoded = Opened(row).decoded_text
    if decoded:
        _put(file, f"{name}.decoded.xml", decoded, row)


def _put(file: zipfile.ZipFile, name: str, content: str | bytes, row: Message | None) -> None:
    """Under the time of the message, so that the same conversation makes the same file."""
    entry = zipfile.ZipInfo(name)
    if row is not None:
        entry.date_time = _at(row).timetuple()[:6]
    entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
    file.writestr(entry, content)


def _at(row: Message) -> datetime:
    return row.received_at or row.created_at


def _line(name: str, row: Message) -> list[object]:
    at = formats.iso(_at(row))
    said = [row.direction, row.type, row.counterparty.slug, row.state, row.answer, row.attempts]
    return [name, at, *said, row.error or row.answer_reason, row.message_id, row.sha256]


def _csv(rows: Iterable[Iterable[object]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerows([lists.harmless(value) for value in row] for row in rows)
    return buffer.getvalue()
