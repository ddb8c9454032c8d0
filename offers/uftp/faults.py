"""What the schema validator found, as sentences: line, element, attribute and what would be right."""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import cast

from lxml import etree

from .errors import clipped
from .fields import Record, attributes, children
from .messages import CATALOGUE, SignedMessage

SUBJECT = re.compile(
    r"Element '(?P<element>[^']{1,200})'(?:, attribute '(?P<attribute>[^']{1,200})')?: (?P<what>.*)", re.S
)
NAMED = re.compile(r"The attribute '(?P<name>[^']{1,200})' is (?:not allowed|required)")
VALUE = re.compile(r"^(?:\[.*?\] The value )?'(.*?)' (?:is|has|does)", re.S)


def faults(log: etree._ErrorLog, root: str, version: str, most: int) -> list[str]:
    """One sentence per place, of the first `most` entries: the validator may report a place twice."""
    entries = islice(cast(Iterable[etree._LogEntry], log), most)
    found = dict.fromkeys(_sentence(entry, root, version) for entry in entries)
    return list(found) or [f"not valid under the schema of {version}"]


def _sentence(entry: etree._LogEntry, root: str, version: str) -> str:
    subject = SUBJECT.match(entry.message)
    if subject is None:
        return f"line {entry.line}: {clipped(entry.message)}"
    element, attribute, what = subject["element"], subject["attribute"] or "", subject["what"]
    allowed = _allowed(root, element, version)
    if named := NAMED.match(what):
        attribute = named["name"]
        what = _wrong_presence(attribute, allowed, version)
    elif attribute:
        what = _wrong_value(what, allowed.get(attribute, ""))
    place = f"line {entry.line}, element {clipped(_path(entry, element))}"
    return f"{place}, attribute {clipped(attribute)}: {what}" if attribute else f"{place}: {what}"


def _path(entry: etree._LogEntry, element: str) -> str:
    """Below the root: OfferOption[2]/ISP[3]."""
    path = str(entry.path or "").removeprefix("/")
    below = path.partition("/")[2]
    return below or element


def _wrong_presence(attribute: str, allowed: dict[str, str], version: str) -> str:
    if attribute in allowed:
        return f"is required but missing. Right would be {allowed[attribute]}."
    return f"is not allowed in {version}. Right would be one of {', '.join(allowed)}."


def _wrong_value(what: str, right: str) -> str:
    value = VALUE.search(what)
    return f"“{clipped(value[1])}” is not {right}." if value and right else clipped(what)


def _allowed(root: str, element: str, version: str) -> dict[str, str]:
    """Per attribute that an element of a message may have, what a right value is."""
    return {
        field.spec.name: field.spec.type.right
        for record in _records(root, element)
        for field in attributes(record)
        if field.exists_in(version)
    }


def _records(root: str, element: str) -> Iterator[type[Record]]:
    start = SignedMessage if root == SignedMessage.XML_NAME else CATALOGUE[root]
    todo: list[tuple[str, type[Record]]] = [(root, start)]
    while todo:
        name, record = todo.pop()
        if name == element:
            yield record
        todo += [(nested.spec.name, nested.item) for nested in children(record)]
