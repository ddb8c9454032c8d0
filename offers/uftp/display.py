"""XML for people: one attribute-rich element a line, wrapped so that it fits a narrow card."""

import re

from lxml import etree

from .codec import encode
from .errors import NotXML
from .fields import PayloadMessage
from .guard import guard

WIDTH = 76
# What would break the line, be invisible, or turn the letters behind it around: shown as what it is.
UNSEEN = re.compile("[\t\n\r\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


def pretty(message: PayloadMessage) -> str:
    """The message as it would be written, indented; raises what `encode` raises."""
    return pretty_xml(encode(message))


def pretty_xml(xml: bytes) -> str:
    """Any well-formed document, indented; for showing only. NotXML where it is none."""
    guard(xml)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(xml, parser)
    except etree.XMLSyntaxError as error:
        raise NotXML([str(error)]) from error
    return "\n".join(_lines(root, 0))


def _lines(element: etree._Element, depth: int) -> list[str]:
    indent = "  " * depth
    children = [child for child in element if isinstance(child.tag, str)]
    lines = _wrapped(element, indent, closed=not children)
    for child in children:
        lines += _lines(child, depth + 1)
    if children:
        lines.append(f"{indent}</{element.tag}>")
    return lines


def _wrapped(element: etree._Element, indent: str, closed: bool) -> list[str]:
    lines, line = [], f"{indent}<{element.tag}"
    for name, value in element.items():
        written = f'{name!s}="{_escaped(str(value))}"'
        if len(line) + 1 + len(written) > WIDTH and line.strip():
            lines.append(line)
            line = f"{indent}    {written}"
        else:
            line = f"{line} {written}"
    return [*lines, line + ("/>" if closed else ">")]


def _escaped(value: str) -> str:
    text = value.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return UNSEEN.sub(lambda found: f"&#x{ord(found[0]):X};", text)
