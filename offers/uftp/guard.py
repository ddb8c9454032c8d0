"""D21: refuses hostile XML in one cheap pass, before anything builds a tree of it."""

import re
from xml.parsers import expat

from .errors import NotXML, TooLarge

MAX_BYTES = 2 * 1024 * 1024
MAX_DEPTH = 32
# Neither limit can meet a valid message: the shortest valid element has 26 bytes, the longest
# has 22 attributes.
MAX_ELEMENTS = 100_000
MAX_ATTRIBUTES = 64
# Of this many elements or attributes nothing can cost much; a message of ten options has half of them.
SMALL = 4000
SHORTEST = len(' a=""')
# How nearly every document begins: with its root, or with a declaration that says nothing new.
PLAIN_START = re.compile(
    rb"""(?:<\?xml version=["']1\.0["'](?: encoding=["']UTF-8["'])?\?>\s{0,9})?<[A-Za-z]"""
)


def guard(xml: bytes) -> None:
    """Raises NotXML unless `xml` is XML 1.0 in UTF-8 without DOCTYPE, entities of its own or processing
    instructions before the root, within the limits of size and shape. What it passes can be parsed at a
    cost that does not depend on who wrote it; whether it is well-formed is seen then."""
    if len(xml) > MAX_BYTES:
        raise TooLarge([f"{len(xml):,} bytes; at most {MAX_BYTES:,} are taken"])
    try:
        xml.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotXML([f"not UTF-8: byte {error.start} is 0x{xml[error.start]:02x}"]) from error
    if b"\0" in xml:  # by which both parsers recognise UTF-16, whatever they were told
        raise NotXML([f"not UTF-8 text: byte {xml.index(0)} is 0x00"])
    if not is_small(xml) or _may_be_wide(xml) or not PLAIN_START.match(xml):
        _Scan().run(xml)


def is_small(xml: bytes) -> bool:
    """Whether this can neither cost much nor be deep: judged by counting, without reading it."""
    return xml.count(b"=") < SMALL and xml.count(b"<") < SMALL and xml.count(b"</") <= MAX_DEPTH


def _may_be_wide(xml: bytes) -> bool:
    """Whether an element may have too many attributes; a tag has no other < than its first."""
    return any(
        part.count(b"=") > MAX_ATTRIBUTES for part in xml.split(b"<") if len(part) > SHORTEST * MAX_ATTRIBUTES
    )


class _Scan:
    """One streaming pass that stops at the first thing refused."""

    def __init__(self) -> None:
        self.depth = self.elements = 0
        # The encoding is given, so that no label in the document can change it.
        parser = self.parser = expat.ParserCreate("UTF-8")
        parser.ordered_attributes = True  # as a list, which is smaller
        parser.StartElementHandler = self.start
        parser.EndElementHandler = self.end
        parser.XmlDeclHandler = self.declaration
        parser.StartDoctypeDeclHandler = self.doctype
        parser.ProcessingInstructionHandler = self.instruction

    def run(self, xml: bytes) -> None:
        try:
            self.parser.Parse(xml, True)
        except expat.ExpatError as error:
            raise NotXML(
                [f"line {error.lineno}: not well-formed XML: {expat.ErrorString(error.code)}"]
            ) from error
        finally:
            del self.parser  # it holds us, and all that it has read, until the garbage is collected

    def refuse(self, what: str) -> None:
        raise NotXML([f"line {self.parser.CurrentLineNumber}: {what}"])

    def start(self, name: str, attributes: list[str]) -> None:
        self.depth += 1
        self.elements += 1
        if self.depth > MAX_DEPTH:
            self.refuse(f"elements nested deeper than {MAX_DEPTH}")
        if self.elements > MAX_ELEMENTS:
            self.refuse(f"more than {MAX_ELEMENTS:,} elements")
        if len(attributes) > 2 * MAX_ATTRIBUTES:
            self.refuse(f"element {name[:60]} has more than {MAX_ATTRIBUTES} attributes")

    def end(self, name: str) -> None:
        self.depth -= 1

    def declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        if version != "1.0":
            self.refuse(f"XML {version[:20]} is not supported, only 1.0")
        if encoding is not None and encoding.upper() != "UTF-8":
            self.refuse(f"encoding {encoding[:40]} is not supported, only UTF-8")

    def doctype(self, *given: object) -> None:
        self.refuse("a document type declaration (DOCTYPE) is not allowed")

    def instruction(self, target: str, data: str) -> None:
        if not self.elements:
            self.refuse(f"a processing instruction ({target[:40]}) before the root element is not allowed")
