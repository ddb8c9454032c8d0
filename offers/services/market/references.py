"""What the entries of a market file refer to, in the file or in the database, and whether they agree."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any

from offers import models

from .nodes import Problem
from .reading import Entry, MarketFile

Party = tuple[str, str]  # domain, role
LONGEST_DAY = timedelta(hours=25)
USUAL_ISP = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Point:
    """A congestion point as it will be after the load."""

    dso: str
    agrs: frozenset[str]
    isp_duration: timedelta


@dataclass(frozen=True, slots=True)
class Known:
    """Everything that there will be after the load. Where an entry could not be read, nobody can tell."""

    parties: dict[Party, bool]  # whether it is hosted
    points: dict[str, Point]
    contracts: dict[tuple[str, str, str], Any]
    all_parties: bool
    all_points: bool


def known_after(market: MarketFile) -> Known:
    """What the database has, and what the file adds or changes."""
    contracts = {
        (c.dso.domain, c.agr.domain, c.contract_id): c.valid_to
        for c in models.Contract.objects.select_related("dso", "agr")
    }
    return Known(
        _parties(market),
        _points(market),
        contracts,
        all_parties=all({"domain", "role"} <= entry.values.keys() for entry in market.participants),
        all_points=all(entry.sound for entry in market.congestion_points),
    )


def _parties(market: MarketFile) -> dict[Party, bool]:
    parties = {(p.domain, p.role): p.hosted for p in models.Participant.objects.all()}
    for entry in market.participants:
        party = entry.values.get("domain", ""), entry.values.get("role", "")
        parties[party] = entry.values.get("hosted", parties.get(party, False))
    return parties


def _points(market: MarketFile) -> dict[str, Point]:
    points = {
        point.entity_address: Point(
            point.dso.domain, frozenset(agr.domain for agr in point.agrs.all()), point.isp_duration
        )
        for point in models.CongestionPoint.objects.select_related("dso").prefetch_related("agrs")
    }
    for entry in market.congestion_points:
        if not entry.sound:
            continue
        old = points.get(entry.values["entity_address"])
        points[entry.values["entity_address"]] = Point(
            entry.values["dso"],
            frozenset(entry.values.get("agrs", old.agrs if old else ())),
            entry.values.get("isp_duration", old.isp_duration if old else USUAL_ISP),
        )
    return points


def faults(market: MarketFile) -> Iterator[Problem]:
    """Everything that does not fit together."""
    known = known_after(market)
    sound = {one.name: [e for e in getattr(market, one.name) if e.sound] for one in fields(market)}
    for name, (same, check) in CHECKS.items():
        yield from _twice(sound[name], same)
        for entry in sound[name]:
            yield from check(entry, known)


def _twice(entries: list[Entry], same: Callable[[Any], str]) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for entry in entries:
        name = same(entry.values)
        if name in seen:
            yield Problem(entry.line, f"{name} stands twice, first in line {seen[name]}: write it once")
        seen.setdefault(name, entry.line)


def _participant(entry: Entry, known: Known) -> Iterator[Problem]:
    party = entry.values["domain"], entry.values["role"]
    if "signing_key" in entry.values and not known.parties[party]:
        text = "signing_key is for hosted participants: write hosted: true, or give its public_keys instead"
        yield entry.problem("signing_key", text)


def _unknown(entry: Entry, key: str, domain: str, role: str, known: Known) -> Iterator[Problem]:
    if (domain, role) in known.parties or not known.all_parties:
        return
    there = sorted(name for name, has in known.parties if has == role)
    hint = f"there are {', '.join(there[:10])}" if there else f"no {role} is known; add it to participants"
    yield entry.problem(key, f"{key}: there is no {role} {domain}: {hint}")


def _point(entry: Entry, known: Known) -> Iterator[Problem]:
    yield from _unknown(entry, "dso", entry.values["dso"], "DSO", known)
    for agr in entry.values.get("agrs", ()):
        yield from _unknown(entry, "agrs", agr, "AGR", known)


def _contract(entry: Entry, known: Known) -> Iterator[Problem]:
    given = entry.values
    yield from _unknown(entry, "dso", given["dso"], "DSO", known)
    yield from _unknown(entry, "agr", given["agr"], "AGR", known)
    yield from _dates(entry, known)
    if "windows" in given and ("isps" in given or "days" in given):
        yield entry.problem("windows", "windows: write either windows, or isps and days")
    if "days" in given and "isps" not in given:
        yield entry.problem("days", "days: write isps, too: on which ISPs of these days")
    point = known.points.get(given["congestion_point"]) if known.all_points else None
    if point is None and known.all_points:
        text = f"congestion_point: there is no {given['congestion_point']}; add it to congestion_points"
        yield entry.problem("congestion_point", text)
    elif point is not None:
        yield from _at_point(entry, point, known)


def _dates(entry: Entry, known: Known) -> Iterator[Problem]:
    given = entry.values
    stored = known.contracts.get((given["dso"], given["agr"], given["contract_id"]))
    end = given.get("valid_to", stored)
    if end is not None and end < given["valid_from"]:
        key = "valid_to" if "valid_to" in given else "valid_from"
        yield entry.problem(key, f"{key}: valid_to {end} is before valid_from {given['valid_from']}")


def _at_point(entry: Entry, point: Point, known: Known) -> Iterator[Problem]:
    given = entry.values
    if given["dso"] != point.dso and (given["dso"], "DSO") in known.parties:
        yield entry.problem("dso", f"dso: the DSO of {given['congestion_point']} is {point.dso}")
    if given["agr"] not in point.agrs and (given["agr"], "AGR") in known.parties:
        text = f"agr: {given['agr']} is no AGR of {given['congestion_point']}; add it to the point's agrs"
        yield entry.problem("agr", text)
    last = LONGEST_DAY // point.isp_duration
    for window in given.get("windows", [entry]):
        over = [f"{a}-{b}" for a, b in window.values.get("isps", ()) if b > last]
        if over:
            text = f"isps: {', '.join(over)} is beyond the longest day of this point, which has ISP 1-{last}"
            yield window.problem("isps", text)


def _user(entry: Entry, known: Known) -> Iterator[Problem]:
    given = entry.values
    if "participant" not in given:
        if not given.get("admin"):
            text = "a user needs participant and right, or admin: true"
            yield Problem(entry.line, text)
        if "right" in given:
            yield entry.problem("right", "right: write participant, too: for whom")
        return
    domain, role = given["participant"]
    if "right" not in given:
        yield Problem(entry.line, "a user with a participant needs right: view, trade or manage")
    yield from _unknown(entry, "participant", domain, role, known)
    if known.parties.get((domain, role)) is False:
        text = f"participant: {domain}/{role} is not hosted here: nobody can act for it on this installation"
        yield entry.problem("participant", text)


Check = tuple[Callable[[Any], str], Callable[[Entry, Known], Iterator[Problem]]]
# For every section: what makes an entry the same as another one, and what must hold of each.
CHECKS: Mapping[str, Check] = {
    "participants": (lambda v: f"{v['domain']}/{v['role']}", _participant),
    "congestion_points": (lambda v: str(v["entity_address"]), _point),
    "contracts": (lambda v: f"{v['contract_id']} of {v['dso']} and {v['agr']}", _contract),
    "users": (lambda v: f"{v['username']} for {'/'.join(v.get('participant', ('nobody',)))}", _user),
}
