"""From the text of a market file to checked entries, without the database: references are checked later."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import yaml

from . import values
from .nodes import BadMarket, Problem, Reader, collected, compose, items, line_of, pairs, wrong


@dataclass(frozen=True, slots=True)
class Field:
    """One key of an entry. A nullable one may be written as null, which empties it."""

    read: Reader
    required: bool = False
    nullable: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a section: the values that it gives, and the line of each; `sound` if it has no fault."""

    line: int
    values: Mapping[str, Any]
    lines: Mapping[str, int]
    sound: bool = True

    def problem(self, key: str, text: str) -> Problem:
        return Problem(self.lines.get(key, self.line), text)


@dataclass(slots=True)
class MarketFile:
    """What a market file says, section by section, in its order."""

    participants: list[Entry] = field(default_factory=list)
    congestion_points: list[Entry] = field(default_factory=list)
    contracts: list[Entry] = field(default_factory=list)
    users: list[Entry] = field(default_factory=list)


Fields = Mapping[str, Field]


def _participant(allow_local: bool) -> Fields:
    return {
        "domain": Field(values.domain, required=True),
        "role": Field(values.role, required=True),
        "name": Field(values.short(100)),
        "hosted": Field(values.boolean),
        "signing_key": Field(values.signing_key),
        "public_keys": Field(values.list_of(values.public_key, "public_keys", most=2)),
        "endpoint": Field(values.endpoint(allow_local), nullable=True),
        "version": Field(values.version),
        "profile": Field(values.profile),
        "barred": Field(values.boolean),
    }


POINT: Fields = {
    "entity_address": Field(values.entity_address, required=True),
    "name": Field(values.short(100)),
    "dso": Field(values.domain, required=True),
    "agrs": Field(values.list_of(values.domain, "agrs")),
    "time_zone": Field(values.time_zone),
    "isp_duration": Field(values.isp_length),
    "currency": Field(values.currency),
    "mutex_offers_supported": Field(values.boolean),
    "day_ahead_redispatch_by": Field(values.redispatch),
    "intraday_redispatch_by": Field(values.redispatch, nullable=True),
    "capacity_w": Field(values.capacity, nullable=True),
    "answers_automatically": Field(values.boolean),
}
WINDOW: Fields = {"isps": Field(values.isps, required=True), "days": Field(values.days)}
USER: Fields = {
    "username": Field(values.username, required=True),
    "participant": Field(values.party),
    "right": Field(values.right),
    "password": Field(values.short(128)),
    "admin": Field(values.boolean),
}


def _window(node: yaml.Node) -> Entry:
    window, problems = entry(node, WINDOW, "a window")
    if problems:
        raise BadMarket(problems)
    return window


CONTRACT: Fields = {
    "contract_id": Field(values.short(100), required=True),
    "dso": Field(values.domain, required=True),
    "agr": Field(values.domain, required=True),
    "congestion_point": Field(values.entity_address, required=True),
    "valid_from": Field(values.day, required=True),
    "valid_to": Field(values.day, nullable=True),
    "isps": Field(values.isps),
    "days": Field(values.days),
    "windows": Field(lambda node: collected(partial(_window, item) for item in items(node, "windows"))),
    "reserved_power_w": Field(values.watts),
    "availability_price": Field(values.money),
    "activation_price": Field(values.money),
    "max_activations": Field(values.count, nullable=True),
    "lead_time": Field(values.lead_time, nullable=True),
}


def _sections(allow_local: bool) -> Mapping[str, tuple[Fields, str]]:
    return {
        "participants": (_participant(allow_local), "a participant"),
        "congestion_points": (POINT, "a congestion point"),
        "contracts": (CONTRACT, "a contract"),
        "users": (USER, "a user"),
    }


def read(text: str, allow_local: bool) -> tuple[MarketFile, list[Problem]]:
    """All entries with what could be read of them, and everything that is wrong in them."""
    market, problems = MarketFile(), []
    sections = _sections(allow_local)
    for key, node in pairs(compose(text), "the file"):
        try:
            name = _known_key(key, sections, "a market file")
        except BadMarket as error:
            problems += error.problems
            continue
        if getattr(market, name):
            problems.append(Problem(line_of(key), f"{name} stands twice: write one list of them"))
        entries, wrong_ones = _entries(node, name, *sections[name])
        setattr(market, name, entries)
        problems += wrong_ones
    return market, problems


def _entries(node: yaml.Node, name: str, fields: Fields, what: str) -> tuple[list[Entry], list[Problem]]:
    found: list[Entry] = []
    problems: list[Problem] = []
    if values.is_null(node):
        return found, problems
    try:
        listed = items(node, name)
    except BadMarket as error:
        return found, error.problems
    for item in listed:
        try:
            read_one, wrong_ones = entry(item, fields, what)
        except BadMarket as error:
            problems += error.problems
        else:
            found.append(read_one)
            problems += wrong_ones
    return found, problems


def entry(node: yaml.Node, fields: Fields, what: str) -> tuple[Entry, list[Problem]]:
    """One entry with all its faults at once: unknown, double, missing and wrong keys."""
    given: dict[str, Any] = {}
    lines: dict[str, int] = {}
    problems: list[Problem] = []
    for key, value in pairs(node, what):
        try:
            name = _known_key(key, fields, what)
            if name in lines:
                raise wrong(key, f"{name} stands twice in {what}, first in line {lines[name]}")
            lines[name] = line_of(key)
            given[name] = _value(value, fields[name], name)
        except BadMarket as error:
            problems += error.problems
    problems += _missing(node, fields, lines, what)
    return Entry(line_of(node), given, lines, sound=not problems), problems


def _value(node: yaml.Node, spec: Field, name: str) -> Any:
    if values.is_null(node):
        if spec.nullable:
            return None
        raise wrong(node, f"{name} is empty: write a value or leave the key out")
    try:
        return spec.read(node)
    except BadMarket as error:
        raise BadMarket(_named(problem, name) for problem in error.problems) from error


def _named(problem: Problem, name: str) -> Problem:
    """A complaint that says which key it is about."""
    return problem if problem.text.startswith(name) else Problem(problem.line, f"{name}: {problem.text}")


def _known_key(key: yaml.Node, known: Mapping[str, object], what: str) -> str:
    name = key.value if isinstance(key, yaml.ScalarNode) else ""
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
        raise wrong(key, f"{what} has no key “{name}”: {hint}")
    return name


def _missing(node: yaml.Node, fields: Fields, lines: Mapping[str, int], what: str) -> Iterator[Problem]:
    for name, spec in fields.items():
        if spec.required and name not in lines:
            yield Problem(line_of(node), f"{what} needs {name}")
