"""What the schema validator found, as sentences: line, element, attribute and what would be right."""

import re
from collections.abc import Iterable, Iterator
from typing import cast

from lxml import etree

from .errors import clipped
from .fields import Record, attributes, children
from .messages import CATALOGUE, SignedMessage

SUBJECT = re.compile(
    r"Element '(?P<element>[^']{1,200})'(?:, attribute '(?P<attribute>[^']{1,200})')?: (?P<what>.*)", re.S
)
NAMED = re.compile(r"The attribute '(?P<name>[^']{1,200})' (?P<what>.*)", re.S)


def faults(log: etree._ErrorLog, root: etree._Element, version: str, most: int) -> list[str]:
    """One sentence per place, `most` of them; the validator may report the same place twice."""
    found: dict[tuple[int, str, str], str] = {}
    for entry in cast(Iterable[etree._LogEntry], log):
        place, what = _understood(entry, str(root.tag), version)
        if place not in found:
            found[place] = _sentence(place, what)
        if len(found) >= most:
            break
    return list(found.values()) or ["not valid under the schema"]


def _sentence(place: tuple[int, str, str], what: str) -> str:
    line, element, attribute = place
    named = f", attribute {attribute}" if attribute else ""
    return f"line {line}, element {element}{named}: {what}"


def _understood(entry: etree._LogEntry, root: str, version: str) -> tuple[tuple[int, str, str], str]:
    subject = SUBJECT.match(entry.message)
    if subject is None:
        return (entry.line, root, ""), clipped(entry.message)
    element, attribute, what = subject["element"], subject["attribute"] or "", subject["what"]
    if attribute:
        rightly = _right(root, element, attribute, version)
        what = _wrong_attribute(what, rightly)
    elif named := NAMED.match(what):
        attribute = named["name"]
        rightly = _right(root, element, attribute, version)
        what = f"{named['what']}" + (f" Right would be {rightly}." if rightly else "")
    return (entry.line, clipped(element), clipped(attribute)), what


def _wrong_attribute(what: str, rightly: str) -> str:
    value = re.search(r"[Tt]he value '(.*?)'(?: |$)", what, re.S) or re.search(
        r"'(.*)' is not a valid value", what, re.S
    )
    if value is None or not rightly:
        return clipped(what)
    return f"“{clipped(value[1])}” is not {rightly}."


def _right(root: str, element: str, attribute: str, version: str) -> str:
    """What the catalogue says of an attribute of an element somewhere in a message."""
    for record in _records(root, element):
        for field in attributes(record):
            if field.spec.name == attribute and field.exists_in(version):
                return field.spec.type.right
    return ""


def _records(root: str, element: str) -> Iterator[type[Record]]:
    start = SignedMessage if root == SignedMessage.XML_NAME else CATALOGUE[root]
    todo: list[tuple[str, type[Record]]] = [(root, start)]
    while todo:
        name, record = todo.pop()
        if name == element:
            yield record
        todo += [(nested.spec.name, nested.item) for nested in children(record)]
