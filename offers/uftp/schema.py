"""The XSD of each protocol version, generated from the catalogue and compiled once per thread."""

import threading
from collections.abc import Iterator
from functools import cache

from lxml import etree

from .fields import VERSIONS, Field, Nested, Record, attributes, children
from .messages import MESSAGES, SignedMessage
from .simple import SimpleType

XS = "http://www.w3.org/2001/XMLSchema"
ROOTS: tuple[type[Record], ...] = (SignedMessage, *MESSAGES)

_compiled = threading.local()
# libxml2 makes its built-in types with the first schema, and two threads at once would spoil them for ever.
_compiling = threading.Lock()


def schema(version: str) -> etree.XMLSchema:
    """The compiled schema of one of VERSIONS, one per thread: each keeps the errors of its last run."""
    known: dict[str, etree.XMLSchema] = _compiled.__dict__.setdefault("schemas", {})
    if version not in known:
        with _compiling:
            known[version] = etree.XMLSchema(etree.fromstring(xsd(version).encode()))
    return known[version]


@cache
def xsd(version: str) -> str:
    """The schema of one of VERSIONS as text; ValueError for another version."""
    if version not in VERSIONS:
        raise ValueError(f"no schema for version {version}; there is one for {', '.join(VERSIONS)}")
    root = _element(None, "schema", elementFormDefault="qualified", attributeFormDefault="unqualified")
    for simple in sorted(_simple_types(version), key=lambda simple: simple.name):
        _write_simple(root, simple)
    for name, record in _complex_types().items():
        _write_complex(root, name, record, version)
    for message in ROOTS:
        name = _xml_name(message)
        _element(root, "element", name=name, type=f"{name}Type")
    return etree.tostring(root, pretty_print=True, encoding="unicode")


def _xml_name(message: type[Record]) -> str:
    return str(vars(message)["XML_NAME"])


def _element(parent: etree._Element | None, tag: str, **given: str) -> etree._Element:
    name = f"{{{XS}}}{tag}"
    if parent is None:
        return etree.Element(name, given, nsmap={"xs": XS})
    return etree.SubElement(parent, name, given)


def _complex_types() -> dict[str, type[Record]]:
    """Every element's type by its name in the schema; two elements may share one record."""
    found: dict[str, type[Record]] = {}

    def visit(name: str, record: type[Record]) -> None:
        found[name] = record
        for nested in children(record):
            visit(nested.spec.type_name, nested.item)

    for message in ROOTS:
        visit(f"{_xml_name(message)}Type", message)
    return found


def _simple_types(version: str) -> Iterator[SimpleType]:
    seen = set()
    for _, record in _complex_types().items():
        for field in attributes(record):
            simple = field.spec.type
            if field.exists_in(version) and simple.facets and simple.name not in seen:
                seen.add(simple.name)
                yield simple


def _write_simple(root: etree._Element, simple: SimpleType) -> None:
    restriction = _element(_element(root, "simpleType", name=simple.name), "restriction", base=simple.base)
    for facet, value in simple.facets:
        _element(restriction, facet, value=value)


def _write_complex(root: etree._Element, name: str, record: type[Record], version: str) -> None:
    complex_type = _element(root, "complexType", name=name)
    if lists := children(record):
        sequence = _element(complex_type, "sequence")
        for nested in lists:
            _write_children(sequence, nested)
    for field in attributes(record):
        if field.exists_in(version):
            _write_attribute(complex_type, field, version)


def _write_children(sequence: etree._Element, nested: Nested) -> None:
    spec = nested.spec
    most = "unbounded" if spec.most is None else str(spec.most)
    _element(
        sequence, "element", name=spec.name, type=spec.type_name, minOccurs=str(spec.least), maxOccurs=most
    )


def _write_attribute(complex_type: etree._Element, field: Field, version: str) -> None:
    given = {"name": field.spec.name, "type": field.spec.type.xsd_name}
    given["use"] = "required" if field.required_in(version) else "optional"
    if field.spec.default is not None:
        given["default"] = field.spec.default
    _element(complex_type, "attribute", **given)
