"""How the catalogue describes a message: attributes, children and what differs between versions.

A field of a message is written once, as `name: Annotated[type, Attribute(...)]`. The codec and the
schema are derived from these descriptions, and so is every other view of the catalogue.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import MISSING, dataclass, fields
from datetime import datetime
from functools import cache
from typing import Annotated, Any, ClassVar, TypeVar, cast, get_args, get_type_hints

from .errors import clipped
from .simple import DATE_TIME as DATE_TIME_TYPE
from .simple import INTERNET_DOMAIN, SPEC_VERSION, UUID, SimpleType

F = TypeVar("F", bound=Callable[..., Any])

VERSIONS = ("3.0.0", "3.1.0")
WIRE_VERSION = re.compile(r"3\.([01])\.(0|[1-9][0-9]{0,8})")


def wire_version(text: str) -> str | None:
    """D1: the version whose schema and rules hold for a message of version `text`; a patch release is
    treated as its minor (3.1.7 as 3.1.0). None for every other version."""
    match = WIRE_VERSION.fullmatch(text)
    return f"3.{match[1]}.0" if match else None


def unsupported(version: str) -> str:
    """D1, V51: the sentence that refuses another version."""
    return f"Unsupported Version {clipped(version)}; supported: {', '.join(VERSIONS)}"


@dataclass(frozen=True, slots=True)
class Attribute:
    """One XML attribute: its name, its simple type, and the versions that have or demand it.

    Without `required_in` it is required exactly if its dataclass field has no default. `default` is
    the schema's default, which the field's own default repeats as a value. `implied` marks what says
    nothing that other attributes do not say, so that it can be left out of a version without it.
    """

    name: str
    type: SimpleType
    versions: tuple[str, ...] = VERSIONS
    required_in: tuple[str, ...] | None = None
    default: str | None = None
    implied: bool = False


@dataclass(frozen=True, slots=True)
class Children:
    """One list of child elements: their name, schema type name and number (most None: unbounded)."""

    name: str
    type_name: str
    least: int = 1
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a record as read from its class: the Python name and what the catalogue says of it."""

    python_name: str
    spec: Attribute
    has_default: bool

    def exists_in(self, version: str) -> bool:
        return version in self.spec.versions

    def required_in(self, version: str) -> bool:
        if self.spec.required_in is not None:
            return version in self.spec.required_in
        return not self.has_default


@dataclass(frozen=True, slots=True)
class Nested:
    """A list of child records as read from its class."""

    python_name: str
    spec: Children
    item: type["Record"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Anything that is one XML element: a message or a part of one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Canonical(Record):
    """A record with ids or instants. A message has hundreds of records that have neither."""

    def __post_init__(self) -> None:
        """Brings values to their one canonical form (lower-case UUIDs, plain offsets)."""
        for name, canonical in _canonical(type(self)):
            object.__setattr__(self, name, canonical(getattr(self, name)))


def once(function: F) -> F:
    """functools.cache for what is derived from a class; mypy thinks that one of records has no hash."""
    return cast(F, cache(function))


@once
def _canonical(record: type[Record]) -> tuple[tuple[str, Callable[[Any], Any]], ...]:
    found = ((field.python_name, field.spec.type.canonical) for field in attributes(record))
    return tuple((name, canonical) for name, canonical in found if canonical is not None)


@once
def attributes(record: type[Record]) -> tuple[Field, ...]:
    """The attributes of a record in the order in which they are written."""
    return tuple(
        Field(name, spec, has_default)
        for name, _, spec, has_default in _described(record)
        if isinstance(spec, Attribute)
    )


@once
def children(record: type[Record]) -> tuple[Nested, ...]:
    """The lists of child elements of a record, in the order that the schema demands."""
    return tuple(
        Nested(name, spec, get_args(hint)[0])
        for name, hint, spec, _ in _described(record)
        if isinstance(spec, Children)
    )


def _described(record: type[Record]) -> Iterator[tuple[str, Any, object, bool]]:
    """Python name, type, description and whether there is a default, of every field."""
    hints = get_type_hints(record, include_extras=True)
    for field in fields(record):
        hint, spec = get_args(hints[field.name])
        yield field.name, hint, spec, field.default is not MISSING


@dataclass(frozen=True, slots=True, kw_only=True)
class PayloadMessage(Canonical):
    """What every message has: who, to whom, when, which and in which conversation."""

    XML_NAME: ClassVar[str] = ""
    SENDER_ROLE: ClassVar[str | None] = None  # None: any role may send it
    RECIPIENT_ROLE: ClassVar[str | None] = None
    response_type: ClassVar["type[PayloadMessage] | None"] = None
    is_response: ClassVar[bool] = False
    REFERENCE: ClassVar[str | None] = None  # the Python name of the field that names the answered message

    version: Annotated[str, Attribute("Version", SPEC_VERSION)]
    sender_domain: Annotated[str, Attribute("SenderDomain", INTERNET_DOMAIN)]
    recipient_domain: Annotated[str, Attribute("RecipientDomain", INTERNET_DOMAIN)]
    time_stamp: Annotated[datetime, Attribute("TimeStamp", DATE_TIME_TYPE)]
    message_id: Annotated[str, Attribute("MessageID", UUID)]
    conversation_id: Annotated[str, Attribute("ConversationID", UUID)]

    @property
    def reference(self) -> str | None:
        """The MessageID of the message that this one answers, or None if it is no response or, like
        TestMessageResponse, a response that does not say."""
        return getattr(self, self.REFERENCE) if self.REFERENCE else None
