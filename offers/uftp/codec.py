"""Message to XML bytes and back, strict both ways: only what the schema allows is written or read."""

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC
from functools import partial
from typing import Any, NamedTuple, TypeVar

from lxml import etree

from .errors import Invalid, Metadata, NotXML, OutOfRange, UnsupportedVersion, clipped
from .faults import faults
from .fields import (
    VERSIONS,
    Field,
    Nested,
    PayloadMessage,
    Record,
    attributes,
    children,
    once,
    unsupported,
    wire_version,
)
from .forgetting import forget_now_and_then
from .guard import guard
from .isp import zone
from .messages import CATALOGUE, SignedMessage, TestMessage
from .schema import schema
from .simple import SimpleType, Surroundings

Write = Callable[[Any, Surroundings], str]
R = TypeVar("R", bound=Record)

HIGHEST = VERSIONS[-1]
ENVELOPE = SignedMessage.XML_NAME
DECLARATION = "<?xml version='1.0' encoding='UTF-8'?>\n"
MAX_REASONS = 20
CHUNK = 4096
MANY = 1000  # elements; the place of an error is found by counting its siblings, for each error anew


def encode(message: PayloadMessage) -> bytes:
    """The message as UTF-8 XML, valid under its version. Invalid, with all reasons, if it cannot be, also
    where the schema would take more than can be read again; UnsupportedVersion if there is no schema."""
    version = wire_version(message.version)
    if version is None:
        raise UnsupportedVersion([unsupported(message.version)], _metadata_of(message))
    return _encoded(message, message.XML_NAME, version)


def decode(xml: bytes) -> PayloadMessage:
    """The message in `xml`. NotXML, Invalid, OutOfRange or UnsupportedVersion if it cannot be read; the
    last two say in `metadata` whom to answer."""
    tree, kind = _valid(xml)
    around = Surroundings(zone(tree.get("TimeZone", "")) or UTC)
    return _Reader(around).read(tree, kind)


def identify(xml: bytes) -> Metadata:
    """Who sends the message in `xml` to whom, if its schema accepts it or knows its metadata, at less than
    half of what it costs to read it; else NotXML or Invalid. It finds all metadata that `decode` finds."""
    try:
        tree, _ = _valid(xml)
    except UnsupportedVersion as error:
        return error.metadata
    return _metadata(tree)


def _valid(xml: bytes) -> tuple[etree._Element, type[PayloadMessage]]:
    """A message that the schema of its version accepts, and what it is."""
    tree = _parse(xml)
    kind = CATALOGUE.get(tree.tag)
    if kind is None:
        known = ", ".join(CATALOGUE)
        raise Invalid([f"line {tree.sourceline}: element {clipped(tree.tag)} is no message; known: {known}"])
    _judge(xml, tree, _version(tree))
    return tree, kind


def encode_envelope(envelope: SignedMessage) -> bytes:
    """The envelope as UTF-8 XML; Invalid with all reasons if it cannot be."""
    return _encoded(envelope, ENVELOPE, HIGHEST)


def decode_envelope(xml: bytes) -> SignedMessage:
    """The envelope in `xml`; NotXML or Invalid if it cannot be read. Nothing is verified yet."""
    tree = _parse(xml)
    if tree.tag != ENVELOPE:
        raise Invalid([f"line {tree.sourceline}: element {clipped(tree.tag)} instead of {ENVELOPE}"])
    _judge(xml, tree, HIGHEST)
    try:
        return _Reader(Surroundings()).read(tree, SignedMessage)
    except OutOfRange as error:  # libxml2 lets foreign characters in base64 pass, the type does not
        raise Invalid(error.reasons) from error


# --- reading --------------------------------------------------------------------------------------


def _parser(**given: Any) -> etree.XMLParser:
    return etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        **given,
    )


def _parse(xml: bytes) -> etree._Element:
    """The tree of a document that is well-formed and not hostile; nothing more is known of it."""
    guard(xml)
    forget_now_and_then(len(xml))
    try:
        return etree.fromstring(xml, _parser())
    except etree.XMLSyntaxError as error:
        raise NotXML([f"line {error.lineno}: not well-formed XML: {error.msg}"]) from error


def _judge(xml: bytes, tree: etree._Element, version: str) -> None:
    """Raises Invalid unless the schema accepts the document `xml`, which was parsed into `tree`."""
    if xml.count(b"<") > MANY:
        _give_up_early(xml, str(tree.tag), version)
    _validate(tree, str(tree.tag), version)


def _validate(tree: etree._Element, name: str, version: str) -> None:
    validator = schema(version)
    if not validator.validate(tree):
        raise Invalid(faults(validator.error_log, name, version, MAX_REASONS))


def _give_up_early(xml: bytes, name: str, version: str) -> None:
    """Refuses a document with too many errors to name. To locate 40,000 errors in a tree takes seconds,
    to count the first few while the document streams by takes none, but only a tree knows the lines."""
    parser = _parser(schema=schema(version))
    end = None
    with suppress(etree.XMLSyntaxError):  # of a whole document it cannot be: it has been parsed before
        end = _end_of_patience(parser, xml)
    with suppress(etree.XMLSyntaxError):
        parser.close()  # one that is left open never gives back what it has read
    if end is not None:
        _validate(etree.fromstring(xml[:end], _parser(recover=True)), name, version)


def _end_of_patience(parser: etree.XMLParser, xml: bytes) -> int | None:
    """How much of a document has too many errors, if any."""
    for end in range(CHUNK, len(xml) + CHUNK, CHUNK):
        parser.feed(xml[end - CHUNK : end])
        if len(parser.feed_error_log) >= MAX_REASONS:
            return end
    return None


def _version(root: etree._Element) -> str:
    """The version by whose schema the message is judged."""
    given = root.get("Version", HIGHEST)
    version = wire_version(given)
    if version is not None:
        return version
    if not _well_formed_version(given):
        return HIGHEST  # whose schema will refuse it, naming the attribute
    raise _unsupported(root, given)


def _well_formed_version(text: str) -> bool:
    parts = text.split(".")
    return len(parts) == 3 and len(text) <= 40 and all(part.isdecimal() for part in parts)


def _unsupported(root: etree._Element, version: str) -> UnsupportedVersion:
    """Of another version only the metadata can be judged: by a TestMessage, which has nothing else."""
    probe = etree.Element(TestMessage.XML_NAME)
    for field in attributes(PayloadMessage):
        if field.spec.name in root.attrib:
            probe.set(field.spec.name, root.attrib[field.spec.name])
    _validate(probe, str(root.tag), HIGHEST)
    return UnsupportedVersion([unsupported(version)], _metadata(root))


def _metadata(root: etree._Element) -> Metadata:
    return Metadata(
        type=str(root.tag),
        version=root.get("Version", ""),
        sender_domain=root.get("SenderDomain", ""),
        recipient_domain=root.get("RecipientDomain", ""),
        message_id=root.get("MessageID", "").lower(),
        conversation_id=root.get("ConversationID", "").lower(),
    )


def _metadata_of(message: PayloadMessage) -> Metadata:
    return Metadata(
        type=message.XML_NAME,
        version=message.version,
        sender_domain=message.sender_domain,
        recipient_domain=message.recipient_domain,
        message_id=message.message_id,
        conversation_id=message.conversation_id,
    )


class _Reader:
    """Reads one valid document; what cannot be represented is collected, so that all of it is named."""

    def __init__(self, around: Surroundings) -> None:
        self.around = around
        self.reasons: list[str] = []

    def read(self, root: etree._Element, kind: type[R]) -> R:
        found = self.record(root, _plan(kind))
        if self.reasons:
            raise OutOfRange(self.reasons[:MAX_REASONS], _metadata(root))
        return kind(**found)

    def record(self, element: etree._Element, plan: "_Plan") -> dict[str, Any]:
        fields, lists = plan
        found: dict[str, Any] = {}
        for name, text in element.items():
            if name in fields:  # every schema allows some of XML Schema's own besides
                python_name, short, read_short, field = fields[name]
                found[python_name] = (
                    read_short(text) if len(text) <= short else self.value(element, field, str(text))
                )
        for nested in lists:
            found[nested.python_name] = self.items(element, nested)
        return found

    def items(self, element: etree._Element, nested: Nested) -> tuple[Record, ...]:
        plan, item = _plan(nested.item), nested.item
        read = [self.record(child, plan) for child in element.iterchildren(nested.spec.name)]
        return () if self.reasons else tuple([item(**found) for found in read])

    def value(self, element: etree._Element, field: Field, text: str) -> Any:
        limit = field.spec.type.max_text
        try:
            if len(text) > limit:
                raise ValueError(f"{len(text):,} characters, at most {limit:,} are supported")
            return field.spec.type.read(text, self.around)
        except ValueError as error:
            self.reasons.append(
                f"line {element.sourceline}, element {element.tag}, attribute {field.spec.name}: {error}"
            )
            return None


class _Plan(NamedTuple):
    """How a record is read. By attribute: the Python name, how a short text is read, and the rest."""

    fields: dict[str, tuple[str, int, Callable[[Any], Any], Field]]
    lists: tuple[Nested, ...]


@once
def _plan(kind: type[Record]) -> _Plan:
    fields = {
        field.spec.name: (field.python_name, field.spec.type.short, field.spec.type.read_short, field)
        for field in attributes(kind)
    }
    return _Plan(fields, children(kind))


# --- writing --------------------------------------------------------------------------------------

# What no document can hold, be it escaped or not.
IMPOSSIBLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
ESCAPES = str.maketrans(
    {
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        '"': "&quot;",
        "\t": "&#9;",
        "\n": "&#10;",
        "\r": "&#13;",
    }
)


def _encoded(record: Record, name: str, version: str) -> bytes:
    """Written as text, which is quicker than as a tree, and then judged as if it had come in."""
    writer = _Writer(version, Surroundings(currency=getattr(record, "currency", "")))
    text = DECLARATION + writer.element(name, record)
    if writer.reasons:
        raise Invalid(writer.reasons[:MAX_REASONS])
    xml = text.encode()
    _validate(etree.fromstring(xml, _parser()), name, version)
    return xml


class _Writer:
    """Writes one document under one version; what cannot be written is collected."""

    def __init__(self, version: str, around: Surroundings) -> None:
        self.version, self.around = version, around
        self.reasons: list[str] = []

    def element(self, name: str, record: Record) -> str:
        fields, foreign, lists = _form(type(record), self.version)
        parts = [name]
        for python_name, attribute, write, field in fields:
            value = getattr(record, python_name)
            if value is not None:
                try:
                    parts.append(f'{attribute}="{write(value, self.around)}"')
                except ValueError as error:
                    self.complain(name, field, str(error))
            elif field.required_in(self.version):
                self.complain(name, field, f"is required in {self.version}: {field.spec.type.right}")
        for field in foreign:
            if getattr(record, field.python_name) is not None:
                only = ", ".join(field.spec.versions)
                self.complain(name, field, f"does not exist in {self.version}, only in {only}")
        content = [
            self.element(one.spec.name, item) for one in lists for item in getattr(record, one.python_name)
        ]
        return f"<{' '.join(parts)}>{''.join(content)}</{name}>" if content else f"<{' '.join(parts)}/>"

    def complain(self, element: str, field: Field, problem: str) -> None:
        self.reasons.append(f"element {element}, attribute {field.spec.name}: {problem}")


class _Form(NamedTuple):
    """How a record is written under a version: the Python name, the attribute and how it is written, of
    all that the version has; what it does not have; and the lists."""

    fields: tuple[tuple[str, str, Write, Field], ...]
    foreign: tuple[Field, ...]
    lists: tuple[Nested, ...]


@once
def _form(kind: type[Record], version: str) -> _Form:
    fields = [field for field in attributes(kind) if field.exists_in(version)]
    foreign = [field for field in attributes(kind) if field not in fields and not field.spec.implied]
    ways = ((field.python_name, field.spec.name, _escaping(field.spec.type), field) for field in fields)
    return _Form(tuple(ways), tuple(foreign), children(kind))


def _escaping(kind: SimpleType) -> Write:
    """How a value of this type stands in a document: only text can need escapes, or be too long."""
    return partial(_text, kind) if kind.may_need_escapes else kind.write


def _text(kind: SimpleType, value: Any, around: Surroundings) -> str:
    text = kind.write(value, around)
    if len(text) > kind.max_text:
        raise ValueError(f"{len(text):,} characters, at most {kind.max_text:,} are supported")
    if found := IMPOSSIBLE.search(text):
        raise ValueError(f"U+{ord(found[0]):04X} has no place in XML")
    return text.translate(ESCAPES)
