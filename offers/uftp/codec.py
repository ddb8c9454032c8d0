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
from .guard import Root, guard
from .isp import zone
from .messages import CATALOGUE, SignedMessage, TestMessage
from .schema import schema
from .simple import Surroundings

R = TypeVar("R", bound=Record)

HIGHEST = VERSIONS[-1]
ENVELOPE = SignedMessage.XML_NAME
MAX_REASONS = 20
CHUNK = 4096


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
    root = guard(xml)
    kind = CATALOGUE.get(root.name)
    if kind is None:
        known = ", ".join(CATALOGUE)
        raise Invalid([f"line {root.line}: element {clipped(root.name)} is no message; known: {known}"])
    version = _version(root)
    tree = _parse(xml, root, version)
    around = Surroundings(zone(tree.get("TimeZone", "")) or UTC)
    return _Reader(tree, around, version).read(kind, _metadata(root))


def encode_envelope(envelope: SignedMessage) -> bytes:
    """The envelope as UTF-8 XML; Invalid with all reasons if it cannot be."""
    return _encoded(envelope, ENVELOPE, HIGHEST)


def decode_envelope(xml: bytes) -> SignedMessage:
    """The envelope in `xml`; NotXML or Invalid if it cannot be read. Nothing is verified yet."""
    root = guard(xml)
    if root.name != ENVELOPE:
        raise Invalid([f"line {root.line}: element {clipped(root.name)} instead of {ENVELOPE}"])
    reader = _Reader(_parse(xml, root, HIGHEST), Surroundings(), HIGHEST)
    try:
        return reader.read(SignedMessage, None)
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


def _parse(xml: bytes, root: Root, version: str) -> etree._Element:
    """The valid tree of a document that `guard` has passed."""
    _give_up_early(xml, root, version)
    try:
        tree = etree.fromstring(xml, _parser())
    except etree.XMLSyntaxError as error:
        raise NotXML([f"line {error.lineno}: not well-formed XML: {error.msg}"]) from error
    _validate(tree, root.name, version)
    return tree


def _validate(tree: etree._Element, name: str, version: str) -> None:
    validator = schema(version)
    if not validator.validate(tree):
        raise Invalid(faults(validator.error_log, name, version, MAX_REASONS))


def _give_up_early(xml: bytes, root: Root, version: str) -> None:
    """Refuses a document with too many errors to name. To locate 40,000 errors in a tree takes seconds,
    to count the first few while the document streams by takes none, but only a tree knows the lines."""
    parser = _parser(schema=schema(version))
    for end in range(CHUNK, len(xml) + CHUNK, CHUNK):
        try:
            parser.feed(xml[end - CHUNK : end])
        except etree.XMLSyntaxError:
            return  # _parse finds the same, and says what it is
        if len(parser.feed_error_log) >= MAX_REASONS:
            _validate(etree.fromstring(xml[:end], _parser(recover=True)), root.name, version)
            return


def _version(root: Root) -> str:
    """The version by whose schema the message is judged."""
    given = root.attributes.get("Version", HIGHEST)
    version = wire_version(given)
    if version is not None:
        return version
    if not _well_formed_version(given):
        return HIGHEST  # whose schema will refuse it, naming the attribute
    raise _unsupported(root, given)


def _well_formed_version(text: str) -> bool:
    parts = text.split(".")
    return len(parts) == 3 and len(text) <= 40 and all(part.isdecimal() for part in parts)


def _unsupported(root: Root, version: str) -> UnsupportedVersion:
    """Of another version only the metadata can be judged: by a TestMessage, which has nothing else."""
    probe = etree.Element(TestMessage.XML_NAME)
    for field in attributes(PayloadMessage):
        if field.spec.name in root.attributes:
            probe.set(field.spec.name, root.attributes[field.spec.name])
    _validate(probe, root.name, HIGHEST)
    return UnsupportedVersion([unsupported(version)], _metadata(root))


def _metadata(root: Root) -> Metadata:
    given = root.attributes
    return Metadata(
        type=root.name,
        version=given.get("Version", ""),
        sender_domain=given.get("SenderDomain", ""),
        recipient_domain=given.get("RecipientDomain", ""),
        message_id=given.get("MessageID", "").lower(),
        conversation_id=given.get("ConversationID", "").lower(),
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
    _validate(root, name, version)
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
