"""Documents a few changes away from a golden message: what schemas, codec and rules are tried with."""

import random
import zlib
from collections.abc import Callable
from copy import deepcopy
from functools import cache

from lxml import etree

from offers import uftp

from . import samples

DOCUMENTS = 4000  # generated and mutated, per run; the golden ones come on top
SEED = 20260302
XSI = "http://www.w3.org/2001/XMLSchema-instance"
NAMES = (*uftp.CATALOGUE, "SignedMessage", "OfferOption", "ISP", "FlexOrderStatus", "Foo", "flexoffer")
ATTRIBUTES = """
    Version SenderDomain RecipientDomain TimeStamp MessageID ConversationID ISP-Duration TimeZone
    Period CongestionPoint Revision ExpirationDateTime Unsolicited FlexRequestMessageID
    FlexOfferMessageID ContractID Currency D-PrognosisMessageID BaselineReference ServiceType Price
    OrderReference OptionReference ActivationFactor Result RejectionReason MinActivationFactor Power
    MinPower MaxPower Disposition Start Duration SenderRole Body FlexOrderMessageID
    FlexOfferRevocationMessageID IsValidated power Foo start ISPDuration
""".split()

EDGES = {
    "Version": "3.1.0 3.0.0 ٣.١.٠ 03.01.00 3.1 3.1.0.0 v3.1.0 3.1.0-rc 3..0 999.999.999",
    "Domain": (
        "a.example b-c.d.example xn--caf-dma.example A.example a..example a.example. -a.example"
        " b-c-d.e-f-g.example a-.example a.e 127.0.0.1 localhost a_b.example a.exa-mple 1.ex a.e1"
    ),
    "ID": (
        "00000000-0000-0000-0000-000000000000 {0f8fad5b-d9cb-469f-a165-70867728950e}"
        " 0f8fad5bd9cb469fa16570867728950e 0F8FAD5B-D9CB-469F-A165-70867728950e"
        " urn:uuid:0f8fad5b-d9cb-469f-a165-70867728950e 0f8fad5b-d9cb-469f-a165-70867728950g"
    ),
    "CongestionPoint": (
        "ean.123456789012 ean.12345678901 ean.1234567890123456789012345678901234 ea1.2026-13.a:b"
        " ean.12345678901234567890123456789012345 ea1.26-01.a:b ea1.2026-01.a ea1.2026-01.:b"
        " ea1.2026-01.a: ea2.2026-01.a:b EAN.123456789012 ea1.2026-01.é:ü ea1.2026-01.a:b:c"
    ),
    "Time": (
        "2026-03-01T14:00:00 2026-03-01T14:00:00Z 2026-03-01T14:00:00.123456789012Z"
        " 2026-03-01T24:00:00Z 2026-03-01T24:00:01Z 2026-02-29T00:00:00Z 2024-02-29T00:00:00Z"
        " 12026-03-01T14:00:00Z -0001-03-01T14:00:00Z 0000-01-01T00:00:00Z 2026-03-01T14:00Z"
        " 2026-03-01 14:00:00 2026-03-01t14:00:00z 2026-03-01T14:00:60Z 2026-03-01T14:00:00+14:00"
        " 2026-03-01T14:00:00+14:01 2026-03-01T14:00:00+1:00 2026-03-01T14:00:00.Z"
    ),
    "Period": (
        "2026-03-01 2026-03-01Z 2026-03-01+01:00 2026-3-1 20260301 99999-01-01 -0044-03-15"
        " 2026-02-30 0001-01-01+14:00 2026-03-01T00:00:00 01-03-2026"
    ),
    "ISP-Duration": (
        "PT15M PT900S PT0S -PT15M -PT0S P1M P1D P1000Y P PT PT15m 15 PT1.5S PT.5S"
        " P1Y2M3DT4H5M6.7S PT99999999999999999999S +PT15M P1W P-1D PT15M1H"
    ),
    "TimeZone": (
        "Europe/Amsterdam UTC Etc/UTC Asia/Tokyo Atlantic/Canary America/Port-au-Prince"
        " Europe/Foo Europe/__ Europe//etc/passwd Europe/NoSuchPlace Europe/ab europe/Amsterdam"
        " Pacific/Apia Africa/Cairo Antarctica/Troll Australia/Lord_Howe Europe/É__"
    ),
    "Currency": "EUR XXX eur EU EURO E1R ÄÖÜ",
    "Price": (
        "10.12340 10.12345 10.1234 -5 .5 5. +5 1e3 NaN INF 1,5 999999999999999999999999 00.10 - ."
        f" 0.00000 1_0 {'9' * 40} -0 0x1F"
    ),
    "Factor": "1.00 1.000 1 0.01 0.010 0.001 1.001 0.555 0.00 0 .5 1.01 -0.5 5 1e-1 0.9999 00.50",
    "Power": (
        f"0 -0 +5 007 1.0 1. 1e3 -200000 {'9' * 24} {'9' * 60} {'9' * 1000} {'9' * 5000} 0x10 ٣ -- 1_000"
    ),
    "Start": f"1 0 -1 +1 001 1.0 {10**20} 97 -0 1000000000 ١",
    "Revision": (
        "0 -1 9223372036854775807 9223372036854775808 -9223372036854775808 -9223372036854775809 1.0 +7 00"
    ),
    "Boolean": "true false 1 0 TRUE True yes t 2 01",
    "Enumeration": (
        "Accepted Rejected accepted ACCEPTED Disputed Available Requested requested AGR DSO CRO agr BRP MDC"
    ),
    "Body": "QUJD QUI= QUJ= QUJDRA== QUJDRA= QUJDRB== -_-_ Q QQ Q=== QUJD= QQ==QQ== QU\tJD ====",
}
BLANKS = ("", " ", "  x ", "a\nb", "\t", "x" * 2000, "a\u202eb", "<&>\"'", "=cmd()", "é" * 40, "\u00a0")


def _kind(attribute: str) -> str:
    """Which edges to try for an attribute."""
    endings = ("Domain", "ID", "Time", "Factor", "Power", "TimeStamp")
    named = {"TimeStamp": "Time", "Duration": "Start", "Unsolicited": "Boolean", "IsValidated": "Boolean"}
    if attribute in EDGES:
        return attribute
    if attribute in named:
        return named[attribute]
    if attribute in ("Result", "Disposition", "SenderRole"):
        return "Enumeration"
    return next(
        (ending for ending in endings if attribute.endswith(ending) and attribute != "ContractID"), ""
    )


def edge(rng: random.Random, attribute: str) -> str:
    own = EDGES.get(_kind(attribute), "").split()
    if own and rng.random() < 0.75:
        value = rng.choice(own)
    elif rng.random() < 0.6:
        value = rng.choice(BLANKS)
    else:
        value = rng.choice(EDGES[rng.choice(list(EDGES))].split())
    return rng.choice((" ", "\n", "")) + value + " " if rng.random() < 0.05 else value


# --- mutations: each changes one thing of a document -----------------------------------------------


def _any(rng: random.Random, root: etree._Element) -> etree._Element:
    return rng.choice(list(root.iter("*")))


def remove_an_attribute(rng: random.Random, root: etree._Element) -> None:
    element = _any(rng, root)
    if element.attrib:
        del element.attrib[rng.choice(list(element.attrib))]


def add_an_attribute(rng: random.Random, root: etree._Element) -> None:
    name = rng.choice(ATTRIBUTES)
    _any(rng, root).set(name, edge(rng, name))


def put_an_edge_value(rng: random.Random, root: etree._Element) -> None:
    element = _any(rng, root)
    if element.attrib:
        name = rng.choice(list(element.attrib))
        element.set(name, edge(rng, name))


def put_a_value_of_the_kind(rng: random.Random, root: etree._Element) -> None:
    element = _any(rng, root)
    known = [name for name in element.attrib if _kind(name)]
    if known:
        name = rng.choice(known)
        element.set(name, rng.choice(EDGES[_kind(name)].split()))


def misspell_an_attribute(rng: random.Random, root: etree._Element) -> None:
    element = _any(rng, root)
    if element.attrib:
        name = rng.choice(list(element.attrib))
        element.set(rng.choice((name.lower(), name + "s", name.replace("-", ""))), element.attrib.pop(name))


def remove_a_child(rng: random.Random, root: etree._Element) -> None:
    element = _any(rng, root)
    if element is not root:
        element.getparent().remove(element)


def remove_all_children(rng: random.Random, root: etree._Element) -> None:
    element = _any(rng, root)
    for child in list(element):
        element.remove(child)
    if rng.random() < 0.5:
        element.text = None


def double_a_child(rng: random.Random, root: etree._Element) -> None:
    element = _any(rng, root)
    if element is not root:
        element.getparent().insert(rng.randrange(len(element.getparent()) + 1), deepcopy(element))


def move_a_child(rng: random.Random, root: etree._Element) -> None:
    element, target = _any(rng, root), _any(rng, root)
    if element is not root and target not in list(element.iter()):
        target.insert(rng.randrange(len(target) + 1), element)


def shuffle_children(rng: random.Random, root: etree._Element) -> None:
    element = _any(rng, root)
    element[:] = rng.sample(list(element), len(element))


def add_an_element(rng: random.Random, root: etree._Element) -> None:
    element = _any(rng, root)
    element.insert(rng.randrange(len(element) + 1), etree.Element(rng.choice(NAMES)))


def rename_an_element(rng: random.Random, root: etree._Element) -> None:
    _any(rng, root).tag = rng.choice(NAMES)


def rename_the_root(rng: random.Random, root: etree._Element) -> None:
    root.tag = rng.choice(NAMES)


def add_text(rng: random.Random, root: etree._Element) -> None:
    element = _any(rng, root)
    element.text = rng.choice((" ", "\n", "x", "0", "\u00a0", ""))


def add_what_is_no_element(rng: random.Random, root: etree._Element) -> None:
    made = rng.choice((etree.Comment("FlexOffer"), etree.ProcessingInstruction("php", "echo")))
    _any(rng, root).insert(0, made)


def use_a_namespace(rng: random.Random, root: etree._Element) -> None:
    element = _any(rng, root)
    kind = rng.choice(
        ("nil", "type", "noNamespaceSchemaLocation", "schemaLocation", "other", "element", "lang")
    )
    if kind == "element":
        element.tag = f"{{urn:example}}{etree.QName(element).localname}"
    elif kind == "other":
        element.set("{urn:example}Start", "1")
    elif kind == "lang":
        element.set("{http://www.w3.org/XML/1998/namespace}lang", "en")
    else:
        name = etree.QName(element).localname
        types = (
            f"{name}Type",
            f"Flex{name}Type",
            "FlexOfferOptionISPType",
            "FlexOrderISPType",
            "PayloadMessageType",
        )
        value = rng.choice(types) if kind == "type" else rng.choice(("true", "false", "urn:e /nowhere.xsd"))
        element.set(f"{{{XSI}}}{kind}", value)


MUTATIONS: tuple[Callable[[random.Random, etree._Element], None], ...] = (
    remove_an_attribute,
    add_an_attribute,
    put_an_edge_value,
    put_a_value_of_the_kind,
    put_a_value_of_the_kind,
    misspell_an_attribute,
    remove_a_child,
    remove_all_children,
    double_a_child,
    move_a_child,
    shuffle_children,
    add_an_element,
    rename_an_element,
    rename_the_root,
    add_text,
    add_what_is_no_element,
    use_a_namespace,
)


@cache
def golden() -> list[bytes]:
    envelope = uftp.SignedMessage(sender_domain="agr.demo.example", sender_role="AGR", body=b"sealed bytes")
    return [path.read_bytes() for path in samples.GOLDEN] + [uftp.encode_envelope(envelope)] * 4


@cache
def mutants() -> list[bytes]:
    """DOCUMENTS different documents, each one to three changes away from a golden one."""
    rng, found = random.Random(SEED), {}
    while len(found) < DOCUMENTS:
        root = etree.fromstring(rng.choice(golden()))
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            rng.choice(MUTATIONS)(rng, root)
        xml = etree.tostring(root, encoding="UTF-8")
        found[zlib.crc32(xml), len(xml)] = xml
    return list(found.values())
