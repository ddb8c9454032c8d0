"""G28: messages that were valid until something changed: in the tree or the bytes, within the seal or not.

All of it is drawn by Hypothesis: what fails is made as small as it can be, and a seed gives the same again.
"""

import random
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from typing import Any

from hypothesis import strategies as st
from lxml import etree

from offers import uftp
from offers.uftp import simple
from offers.uftp.fields import attributes
from tests.attack import poison
from tests.attack.market import Fit, Fits, fitted
from tests.uftp import mutants, samples

Seal = Callable[[bytes], bytes]  # a payload into an envelope
Draw = st.DrawFn


@dataclass(frozen=True)
class Mutant:
    """A body to be posted, perhaps more than once, as one posts who is not answered; and what was sealed."""

    body: bytes
    sealed: tuple[str, bytes]  # by whom, and what
    times: int


@dataclass(frozen=True, repr=False)  # Hypothesis would print it at each failure
class Stand:
    """What stands open in the market, and the seals of those who say something about it."""

    fits: Fits
    seals: Mapping[str, Seal]  # by role
    numbers: Iterator[int] = field(default_factory=count)

    def new(self) -> dict[str, str]:
        """What is right once only, so that a message that Hypothesis repeats is judged, too. Always of one
        length: nothing that is drawn may depend on it."""
        number = next(self.numbers)
        return {"MessageID": str(uuid.UUID(int=number)), "Revision": str(10**6 + number)}


@st.composite
def mutated(draw: Draw, stand: Stand) -> Mutant:
    """A mutant of a message that its own role sends, and that refers to what stands open."""
    type_name = draw(TYPES)
    fit = stand.fits[type_name][draw(st.integers(0, len(stand.fits[type_name]) - 1))]
    new = {"MessageID": USED} if draw(RARELY) else stand.new()
    root = fitted(draw(_golden(type_name, fit.golden)), Fit(fit.role, fit.attributes | new))
    payload = etree.tostring(root, encoding="UTF-8", xml_declaration=True)
    for change in draw(CHANGES):
        payload = draw(change(payload))
    role = draw(st.sampled_from(sorted(stand.seals))) if draw(RARELY) else fit.role
    body = stand.seals[role](payload)
    if draw(SOMETIMES):
        body = draw(draw(CHANGE)(body))
    return Mutant(body, (role, payload), 2 if draw(RARELY) else 1)


TYPES = st.sampled_from(list(uftp.CATALOGUE))
RARELY, SOMETIMES = (st.integers(1, times).map(lambda n, times=times: n == times) for times in (50, 4))
USED = str(uuid.UUID(int=2**128 - 1))  # by each message that re-uses one


@cache
def _golden(type_name: str, name: str) -> st.SearchStrategy[bytes]:
    found = [path for path in samples.GOLDEN if f"-{type_name}-" in path.name and name in path.name]
    return st.sampled_from([path.read_bytes() for path in found])


# --- changes --------------------------------------------------------------------------------------------


VALUES = samples.VALUES | {"SpecVersion": st.sampled_from([*uftp.VERSIONS, "3.1.9", "4.0.0"])}


@st.composite
def another_value(draw: Draw, xml: bytes) -> bytes:
    """One that the schema takes: these get as far as the rules."""
    root = _read(xml)
    if root is None or root.tag not in uftp.CATALOGUE:
        return xml
    path, attribute = draw(_values(root.tag))
    value = attribute.type.write(draw(VALUES[attribute.type.name]), simple.Surroundings(currency="EUR"))
    found = [root] if path == "." else root.findall(path)
    for element in found if draw(st.booleans()) else found[:1]:
        element.set(attribute.name, value)
    return etree.tostring(root, encoding="UTF-8")


@cache
def _values(type_name: str) -> st.SearchStrategy[tuple[str, Any]]:
    """Where a message of this type has a value: the path of the element, and the attribute."""
    places = poison.places(uftp.CATALOGUE[type_name], ".")
    return st.sampled_from([(path, one.spec) for path, record in places for one in attributes(record)])


@st.composite
def another_tree(draw: Draw, xml: bytes) -> bytes:
    root = _read(xml)
    if root is None:
        return draw(other_bytes(xml))
    mutation = draw(st.sampled_from(mutants.MUTATIONS))
    rng: random.Random = draw(st.randoms(use_true_random=False))
    try:
        mutation(rng, root)
        return etree.tostring(root, encoding="UTF-8")
    except (ValueError, KeyError):
        return xml


def _read(xml: bytes) -> etree._Element | None:
    try:
        return etree.fromstring(xml)
    except (etree.XMLSyntaxError, ValueError):
        return None


PIECES = (
    b"<",
    b">",
    b'"',
    b"'",
    b"&",
    b"\0",
    b"\xff",
    b"&#x202e;",
    b"&lt;",
    b"-",
    b"9" * 30,
    b"]]>",
    b"\r\n",
    b"=",
)


@st.composite
def other_bytes(draw: Draw, xml: bytes) -> bytes:
    at, length = draw(st.integers(0, max(len(xml) - 1, 0))), draw(LENGTHS)
    kind = draw(st.sampled_from(("flip", "cut", "repeat", "replace", "overwrite")))
    if kind == "flip":
        return xml[:at] + bytes([one ^ 1 << draw(BITS) for one in xml[at : at + 1]]) + xml[at + 1 :]
    if kind == "cut":
        return xml[:at] + xml[at + length :]
    if kind == "repeat":
        return xml[: at + length] + xml[at:]
    if kind == "replace":
        return xml[:at] + draw(st.sampled_from(PIECES)) + xml[at + length :]
    return xml[:at] + draw(st.binary(min_size=length, max_size=length)) + xml[at + length :]


LENGTHS, BITS = st.sampled_from((0, 1, 1, 2, 8, 200)), st.integers(0, 7)
Change = Callable[[bytes], st.SearchStrategy[bytes]]
CHANGE: st.SearchStrategy[Change] = st.sampled_from((another_tree, other_bytes))
# A third stays as it is, a third gets to the rules, and a third may be anything.
CHANGES: st.SearchStrategy[list[Change]] = st.one_of(
    st.just([]),
    st.lists(st.just(another_value), min_size=1, max_size=2),
    st.lists(st.sampled_from((another_value, another_tree, other_bytes)), min_size=1, max_size=4),
)


def sealing(secret: bytes, domain: str, role: str) -> Seal:
    def seal(payload: bytes) -> bytes:
        body = uftp.seal.seal(payload, secret)
        return uftp.encode_envelope(uftp.SignedMessage(sender_domain=domain, sender_role=role, body=body))

    return seal
