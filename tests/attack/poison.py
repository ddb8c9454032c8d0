"""G29: what the schema takes and nothing should: per simple type, put into every field of every message."""

import random
from collections.abc import Iterable, Iterator
from typing import Any

from lxml import etree

from offers import uftp
from offers.uftp import simple
from offers.uftp.fields import Record, attributes, children
from tests.attack.market import Fit, fitted
from tests.uftp import samples

SCRIPT = "<script>alert(29)</script>"
TAG = "\"'><img src=x onerror=alert(29)>"
TURNED = "\u202etxet"
FORMULA = "=cmd|' /C calc'!A0"
SEED = 29


def _hard(characters: int) -> str:
    """Text of four bytes a character that no database compresses: no shorter in its indexes than here."""
    rng = random.Random(SEED)
    return "".join(chr(rng.randrange(0x20000, 0x2A6DF)) for _ in range(characters))


HARD = _hard(simple.MAX_TEXT)  # the longest that is let through

TEXTS = [
    "",
    "x" * 10**6,
    f"\n{FORMULA}{SCRIPT}",
    SCRIPT,
    TAG,
    TURNED,
    FORMULA,
    "\U0001f4a3" * 600,
    "{{7*7}}%s%n\\",
    HARD,
]
POISON: dict[str, list[str]] = {
    "string": TEXTS,
    "SpecVersion": ["3.1.9", "٣.١.٠", "3.1." + "0" * 60, "9.9.9", "1" * 5000 + ".0.0"],
    "UUIDType": ["00000000-0000-0000-0000-000000000000", "AAAAAAAA-AAAA-AAAA-AAAA-AAAAAAAAAAAA"],
    "EntityAddressType": [
        "ean." + "9" * 34,
        f"ea1.2026-13.{SCRIPT}:{FORMULA}",
        f"ea1.0000-00.{TURNED}:{TAG}",
        f"ea1.2026-01.{'x' * 244}:{'y' * 244}",
        f"ea1.2026-01.{_hard(244)}:{_hard(244)}",
    ],
    "InternetDomainType": ["x.example", ".".join(["a" * 60] * 40) + ".example"],
    "ISO4217CurrencyType": ["XXX", "ZZZ", "JPY"],
    "TimeZoneNameType": ["Europe/NoSuchPlace", "Europe/____", "Europe//etc/passwd", "Pacific/Apia"],
    "USEF-RoleType": ["AGR", "CRO", "DSO"],
    "AcceptedRejectedType": ["Accepted", "Rejected"],
    "AvailableRequestedType": ["Available", "Requested"],
    "integer": ["9" * 24, "-" + "9" * 1000, "9" * 5000, "+007", "-0", str(2**63), str(10**15 - 1)],
    "positiveInteger": [str(10**9), str(2 * 10**9), str(10**20), "9" * 5000, "0097"],
    "long": [str(2**63 - 1), str(-(2**63))],
    "CurrencyAmountType": [
        "9" * 40,
        "-1",
        "-" + "9" * 5000,
        "99999999999.9999",
        "0" * 5000 + "1",
        ".5",
        "5.",
    ],
    "ActivationFactorType": ["0.01", "1.000", "0" * 3000 + ".5", ".5"],
    "boolean": ["1", "0", "true", "false"],
    "PeriodType": [
        *("99999-01-01", "-0044-03-15", "0001-01-01+14:00", "0001-01-03", "9999-12-29", "2011-12-30"),
        *("2026-03-29", "2026-10-25Z", "1970-01-01"),
    ],
    "dateTime": [
        *("2026-03-02T24:00:00Z", "2026-03-02T23:00:00.123456789Z", "99999-01-01T00:00:00Z"),
        *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-03-02T14:00:00"),
        *("-0001-01-01T00:00:00Z", "2026-03-29T02:30:00"),
    ],
    "duration": [
        *("P1000Y", "-PT0S", "PT0S", "-PT15M", "PT0.000001S", "P1D", "PT1M", "PT7M", "P99999999D"),
        "PT" + "9" * 5000 + "S",
    ],
}
EVERYTHING = FORMULA + SCRIPT + TAG + TURNED
MANY = 10_000


# Golden messages that nothing but the poison keeps from being accepted in the market that they are sent to.
PLAIN = {
    "TestMessage": "from-agr",
    "TestMessageResponse": "from-dso",
    "D-Prognosis": "whole-day",
    "FlexRequest": "evening-peak",
    "FlexOffer": "unsolicited",
    "FlexOfferRevocation": "plain",
    "FlexOrder": "whole-option",
}


def golden(type_name: str) -> bytes:
    """A golden 3.1.0 message of a type; of responses the one that accepts."""
    name = f"3.1.0-{type_name}-{PLAIN.get(type_name, 'accepted')}.xml"
    return next(path for path in samples.GOLDEN if path.name == name).read_bytes()


def poisoned(type_name: str, fit: Fit) -> Iterator[tuple[str, bytes]]:
    """Every poisoning of a message: each poison in each field wherever it may stand, and too many children.
    `fit` makes the message one that is accepted in the market that it is sent into."""
    kind: Any = uftp.CATALOGUE[type_name]
    good = fitted(golden(type_name), fit)
    yield "nothing", written(good)
    for path, record in places(kind, "."):
        for field in attributes(record):
            for number, poison in _chosen(field, type_name):
                root = fitted(golden(type_name), fit)
                for element in root.findall(path) if path != "." else [root]:
                    element.set(field.spec.name, poison)
                yield f"{path}/@{field.spec.name} #{number}", written(root)
        for nested in children(record):
            yield from _many(type_name, fit, path, nested.spec.name)


HEAD = {field.spec.name for field in attributes(uftp.PayloadMessage)}
WHOLE_HEAD = ("TestMessage", "FlexOffer")


def _chosen(field: Any, type_name: str) -> list[tuple[int, str]]:
    """All poison of a field. Of what every message begins with, and one code reads, two types take all
    and each of the others a share."""
    found = list(enumerate(POISON[field.spec.type.name]))
    if field.spec.name not in HEAD or type_name in WHOLE_HEAD:
        return found
    share = list(uftp.CATALOGUE).index(type_name) % len(found)
    return found[share : share + 1]


def _many(type_name: str, fit: Fit, path: str, child: str) -> Iterator[tuple[str, bytes]]:
    for count in (2, MANY):
        root = fitted(golden(type_name), fit)
        parent = root if path == "." else root.find(path)
        one = parent.find(child) if parent is not None else None
        if one is not None:
            text = etree.tostring(root).decode()
            one_text = etree.tostring(one).decode()
            at = text.index(one_text)
            end = at + len(one_text)
            yield f"{path}/{child} x {count}", (text[:at] + text[at:end] * count + text[end:]).encode()


def places(kind: type[Record], path: str) -> Iterator[tuple[str, type[Record]]]:
    yield path, kind
    for nested in children(kind):
        yield from places(nested.item, f"{path}/{nested.spec.name}")


def texts(type_name: str) -> Iterator[tuple[str, str]]:
    """Where a message of this type may have any text: the path of the element, and the attribute."""
    for path, record in places(uftp.CATALOGUE[type_name], "."):
        for field in attributes(record):
            if field.spec.type is simple.STRING:
                yield path, field.spec.name


def with_text(type_name: str, fit: Fit, text: str, where: Iterable[tuple[str, str]]) -> bytes:
    root = fitted(golden(type_name), fit)
    for path, name in where:
        for element in root.findall(path) if path != "." else [root]:
            element.set(name, text)
    return written(root)


def written(root: etree._Element) -> bytes:
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)
