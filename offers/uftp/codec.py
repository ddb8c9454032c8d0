"""Message to XML bytes and back, strict both ways: only what the schema allows is written or read."""

from collections.abc import Callable
from datetime import UTC
from typing import Any, TypeVar

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
    unsupported,
    wire_version,
)
from .guard import guard
from .isp import zone
from .messages import CATALOGUE, SignedMessage
from .schema import schema
from .simple import Surroundings

R = TypeVar("R", bound=Record)

HIGHEST = VERSIONS[-1]
ENVELOPE = SignedMessage.XML_NAME
MAX_REASONS = 20


def encode(message: PayloadMessage) -> bytes:
    """The message as UTF-8 XML, valid under its version; Invalid or OutOfRange, with all reasons, if it
    cannot be, UnsupportedVersion if there is no schema for its version."""
    version = wire_version(message.version)
    if version is None:
        raise UnsupportedVersion([unsupported(message.version)], _metadata_of(message))
    return _encoded(message, message.XML_NAME, version)


def decode(xml: bytes) -> PayloadMessage:
    """The message in `xml`. NotXML, Invalid, OutOfRange or UnsupportedVersion if it cannot be read; the
    last two say in `metadata` whom to answer."""
    root = _parse(xml)
    kind = CATALOGUE.get(root.tag)
    if kind is None:
        known = ", ".join(CATALOGUE)
        raise Invalid([f"line {root.sourceline}: element {clipped(root.tag)} is no message; known: {known}"])
    version = _version(root)
    _validate(root, version)
    around = Surroundings(zone(root.get("TimeZone", "")) or UTC)
    return _Reader(root, around, version).read(kind, _metadata(root))


def encode_envelope(envelope: SignedMessage) -> bytes:
    """The envelope as UTF-8 XML; Invalid with all reasons if it cannot be."""
    return _encoded(envelope, ENVELOPE, HIGHEST)


def decode_envelope(xml: bytes) -> SignedMessage:
    """The envelope in `xml`; NotXML or Invalid if it cannot be read. Nothing is verified yet."""
    root = _parse(xml)
    if root.tag != ENVELOPE:
        raise Invalid([f"line {root.sourceline}: element {clipped(root.tag)} instead of {ENVELOPE}"])
    _validate(root, HIGHEST)
    return _Reader(root, Surroundings(), HIGHEST).read(SignedMessage, None)


# --- reading --------------------------------------------------------------------------------------


def _parse(xml: bytes) -> etree._Element:
    guard(xml)
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        return etree.fromstring(xml, parser)
    except etree.XMLSyntaxError as error:
        raise NotXML([f"line {error.lineno}: not well-formed XML: {error.msg}"]) from error


def _validate(root: etree._Element, version: str) -> None:
    """The schema comes before any Python looks at the attributes (reliability: 100,000 of them)."""
    validator = schema(version)
    if not validator.validate(root):
        raise Invalid(faults(validator.error_log, root, version, MAX_REASONS))


def _version(root: etree._Element) -> str:
    """The version by whose schema the message is judged."""
    given = root.get("Version")
    version = wire_version(given) if given is not None else HIGHEST
    if version is None and not _well_formed_version(str(given)):
        return HIGHEST  # whose schema will refuse it, naming the attribute
    if version is None:
        raise _unsupported(root, str(given))
    return version


def _well_formed_version(text: str) -> bool:
    parts = text.split(".")
    return len(parts) == 3 and len(text) <= 40 and all(part.isdecimal() for part in parts)


def _unsupported(root: etree._Element, version: str) -> UnsupportedVersion:
    """Of another version only the metadata can be judged: by a TestMessage, which has nothing else."""
    probe = etree.Element("TestMessage")
    for field in attributes(PayloadMessage):
        value = root.get(field.spec.name)
        if value is not None:
            probe.set(field.spec.name, value)
    _validate(probe, HIGHEST)
    return UnsupportedVersion([unsupported(version)], _metadata(root))


def _metadata(root: etree._Element) -> Metadata:
    return Metadata(
        type=root.tag,
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

    def __init__(self, root: etree._Element, around: Surroundings, version: str) -> None:
        self.root, self.around, self.version = root, around, version
        self.reasons: list[str] = []

    def read(self, kind: type[R], metadata: Metadata | None) -> R:
        found = self.record(self.root, kind)
        if self.reasons:
            raise OutOfRange(self.reasons[:MAX_REASONS], metadata)
        return kind(**found)

    def record(self, element: etree._Element, kind: type[Record]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for field in attributes(kind):
            text = element.get(field.spec.name)
            if text is not None:
                found[field.python_name] = self.value(element, field, text)
        for nested in children(kind):
            found[nested.python_name] = tuple(self.items(element, nested))
        return found

    def items(self, element: etree._Element, nested: Nested) -> list[Any]:
        read = [self.record(child, nested.item) for child in element.iterchildren(nested.spec.name)]
        return [] if self.reasons else [nested.item(**found) for found in read]

    def value(self, element: etree._Element, field: Field, text: str) -> Any:
        limit = field.spec.type.max_text
        try:
            if limit is not None and len(text) > limit:
                raise ValueError(f"{len(text):,} characters, at most {limit:,} are supported")
            return field.spec.type.read(text, self.around)
        except ValueError as error:
            self.reasons.append(
                f"line {element.sourceline}, element {element.tag}, attribute {field.spec.name}: {error}"
            )
            return None


# --- writing --------------------------------------------------------------------------------------


def _encoded(record: Record, name: str, version: str) -> bytes:
    around = Surroundings(currency=getattr(record, "currency", ""))
    reasons: list[str] = []
    root = etree.Element(name)
    _write(root, record, _Writer(version, around, reasons.append))
    if reasons:
        raise Invalid(reasons[:MAX_REASONS])
    validator = schema(version)
    if not validator.validate(root):
        raise Invalid(faults(validator.error_log, root, version, MAX_REASONS))
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


class _Writer:
    """Under which version is written, and where the reasons go."""

    def __init__(self, version: str, around: Surroundings, complain: Callable[[str], None]) -> None:
        self.version, self.around, self.complain = version, around, complain


def _write(element: etree._Element, record: Record, writer: _Writer) -> None:
    for field in attributes(type(record)):
        value = getattr(record, field.python_name)
        problem = _absence(field, value, writer.version)
        if problem:
            writer.complain(f"element {element.tag}, attribute {field.spec.name}: {problem}")
        elif value is not None and field.exists_in(writer.version):
            _set(element, field, value, writer)
    for nested in children(type(record)):
        for item in getattr(record, nested.python_name):
            _write(etree.SubElement(element, nested.spec.name), item, writer)


def _absence(field: Field, value: Any, version: str) -> str:
    if value is None and field.required_in(version):
        return f"is required in {version}: {field.spec.type.right}"
    if value is not None and not field.exists_in(version) and not field.spec.implied:
        return f"does not exist in {version}, only in {', '.join(field.spec.versions)}"
    return ""


def _set(element: etree._Element, field: Field, value: Any, writer: _Writer) -> None:
    limit = field.spec.type.max_text
    try:
        text = field.spec.type.write(value, writer.around)
        if limit is not None and len(text) > limit:
            raise ValueError(f"{len(text):,} characters, at most {limit:,} are supported")
        element.set(field.spec.name, text)
    except ValueError as error:
        writer.complain(f"element {element.tag}, attribute {field.spec.name}: {error}")
