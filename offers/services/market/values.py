"""What each value of a market file may be: one reader per kind, from a YAML node to a checked value."""

import base64
import binascii
import re
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from functools import partial

import yaml

from offers import models, transport, uftp
from offers.models.market import DAYS, LONGEST_LEAD_TIME, MOST_ACTIVATIONS, MOST_WATTS
from offers.models.money import to_units
from offers.uftp import isp, simple
from offers.uftp.currencies import CODES

from .nodes import Reader, collected, items, shown, wrong

TAG = "tag:yaml.org,2002:"
TRUE = ("true", "yes", "on")
SECRET_BYTES = 64
RANGE = re.compile(r"([0-9]{1,4})(?:\s*-\s*([0-9]{1,4}))?")
USERNAME = re.compile(r"[\w.@+-]{1,150}")


def _is(node: yaml.Node, *kinds: str) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag.removeprefix(TAG) in kinds


def is_null(node: yaml.Node) -> bool:
    return _is(node, "null")


def text(node: yaml.Node, most: int = 1000) -> str:
    if not _is(node, "str"):
        hint = "put it in quotes" if isinstance(node, yaml.ScalarNode) and node.value else "write text"
        raise wrong(node, f"{shown(node)} is no text: {hint}")
    if not node.value.strip() or len(node.value) > most or not node.value.isprintable():
        raise wrong(node, f"{shown(node)} has {len(node.value)} characters: write 1 to {most} printable ones")
    return str(node.value)


def short(most: int) -> Reader:
    return partial(text, most=most)


def boolean(node: yaml.Node) -> bool:
    if not _is(node, "bool"):
        raise wrong(node, f"{shown(node)} is neither true nor false")
    return node.value.lower() in TRUE


def whole(least: int, most: int, unit: str) -> Reader:
    def read(node: yaml.Node) -> int:
        typed = node.value.replace("_", "") if _is(node, "int") else ""
        if not re.fullmatch(r"[-+]?(0|[1-9][0-9]{0,17})", typed) or not least <= int(typed) <= most:
            raise wrong(
                node, f"{shown(node)} is no number of {unit}: write a whole number, {least} to {most}"
            )
        return int(typed)

    return read


watts = whole(-MOST_WATTS, MOST_WATTS, "watts")
capacity = whole(1, MOST_WATTS, "watts")
count = whole(0, MOST_ACTIVATIONS, "activations")


def money(node: yaml.Node) -> Decimal:
    """In quotes or as a number: what was typed counts, never a float."""
    hint = f"{shown(node)} is no amount of money: write “40.00”, from 0, with at most four decimals"
    if not _is(node, "str", "int", "float"):
        raise wrong(node, hint)
    try:
        amount = Decimal(node.value)
        to_units(amount)
    except (InvalidOperation, ValueError) as error:
        raise wrong(node, hint) from error
    if amount < 0:
        raise wrong(node, hint)
    return amount


def day(node: yaml.Node) -> date:
    try:
        return date.fromisoformat(node.value if _is(node, "timestamp", "str") else "")
    except ValueError as error:
        raise wrong(node, f"{shown(node)} is no date: write 2026-01-31") from error


def _pattern(kind: simple.SimpleType, most: int) -> Reader:
    pattern = re.compile(dict(kind.facets)["pattern"])

    def read(node: yaml.Node) -> str:
        value = text(node, most)
        if not pattern.fullmatch(value):
            raise wrong(node, f"{shown(node)} is not right: write {kind.right}")
        return value

    return read


domain = _pattern(simple.INTERNET_DOMAIN, 253)
entity_address = _pattern(simple.ENTITY_ADDRESS, 255)
zone_name = _pattern(simple.TIME_ZONE, 64)


def time_zone(node: yaml.Node) -> str:
    name: str = zone_name(node)
    if isp.zone(name) is None:
        raise wrong(node, f"{shown(node)} is no time zone: write one such as Europe/Amsterdam")
    return name


def currency(node: yaml.Node) -> str:
    if not _is(node, "str") or node.value not in CODES:
        raise wrong(node, f"{shown(node)} is no currency of ISO 4217: write three capitals such as EUR")
    return str(node.value)


def one_of(*choices: str) -> Reader:
    def read(node: yaml.Node) -> str:
        if not _is(node, "str") or node.value not in choices:
            raise wrong(node, f"{shown(node)} is not known here: write {' or '.join(choices)}")
        return str(node.value)

    return read


role = one_of(*models.Role.values)
right = one_of(*models.Right.values)
profile = one_of(*models.Profile.values)
redispatch = one_of("AGR", "DSO")


def version(node: yaml.Node) -> str:
    if not _is(node, "str") or uftp.wire_version(node.value) is None:
        raise wrong(node, f"{shown(node)} is no version that we speak: write {' or '.join(uftp.VERSIONS)}")
    return str(node.value)


def duration(node: yaml.Node) -> timedelta:
    try:
        return isp.parse_duration(text(node, 40))
    except ValueError as error:
        raise wrong(node, str(error)) from error


def isp_length(node: yaml.Node) -> timedelta:
    length = duration(node)
    if not isp.is_length(length):
        raise wrong(node, f"{shown(node)} is no length of an ISP: whole minutes, PT1M to PT1440M")
    return length


def lead_time(node: yaml.Node) -> timedelta:
    length = duration(node)
    if not timedelta(0) <= length <= LONGEST_LEAD_TIME:
        raise wrong(node, f"{shown(node)} is no lead time: write one from PT0M to P366D, such as PT16H")
    return length


def endpoint(allow_local: bool) -> Reader:
    def read(node: yaml.Node) -> str:
        url = text(node, 500)
        try:
            transport.check_endpoint(url, allow_local)
        except (transport.ForbiddenAddress, ValueError) as error:
            raise wrong(node, str(error)) from error
        return url

    return read


def signing_key(node: yaml.Node) -> bytes:
    """What was typed is never repeated: it may be a private key with a slip in it."""
    try:
        secret = base64.b64decode(node.value if _is(node, "str") else "", validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if len(secret) != SECRET_BYTES:
        raise wrong(node, f"this is no signing key: write base64 of {SECRET_BYTES} bytes, or leave it out")
    try:
        uftp.seal.unseal(uftp.seal.seal(b"", secret), uftp.seal.public_of(secret))
    except uftp.BadSeal as error:
        text = "this is no signing key: its last 32 bytes are not the public key of its first 32"
        raise wrong(node, text) from error
    return secret


def public_key(node: yaml.Node) -> str:
    try:
        return uftp.seal.to_cs1(uftp.seal.parse_public(text(node, 200)))
    except ValueError as error:
        raise wrong(node, f"{shown(node)}: {error}") from error


def list_of(read: Reader, what: str, most: int = 10_000) -> Reader:
    def read_all(node: yaml.Node) -> list[object]:
        found = items(node, what)
        if len(found) > most:
            raise wrong(node, f"{what} has {len(found)} entries: at most {most}")
        return list(dict.fromkeys(collected(partial(read, item) for item in found)))

    return read_all


def days(node: yaml.Node) -> str:
    """Days as the model keeps them: in the order of the week, empty for every day."""
    found = set(list_of(one_of(*DAYS), "days")(node))
    return "" if len(found) == len(DAYS) else ",".join(name for name in DAYS if name in found)


def isps(node: yaml.Node) -> list[tuple[int, int]]:
    """ISP ranges as typed: 69-76 or “69-76, 80”."""
    typed = node.value if _is(node, "str", "int") else ""
    matches = [RANGE.fullmatch(part.strip()) for part in typed.split(",")]
    found = [(int(m[1]), int(m[2] or m[1])) for m in matches if m]
    if len(found) != len(matches) or any(not 1 <= first <= last for first, last in found):
        raise wrong(node, f"{shown(node)} is no range of ISPs: write “69-76”, counted from 1")
    return found


def username(node: yaml.Node) -> str:
    name = text(node, 150)
    if not USERNAME.fullmatch(name):
        raise wrong(node, f"{shown(node)} is no user name: letters, digits and @ . + - _ only")
    return name


def party(node: yaml.Node) -> tuple[str, str]:
    """domain/ROLE"""
    name, slash, role_typed = text(node, 260).partition("/")
    if not slash or role_typed not in models.Role.values:
        raise wrong(node, f"{shown(node)} is no participant: write its domain and role, agr.demo.example/AGR")
    return name, role_typed
