"""Checked entries to rows. What the file does not say stays as it is."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User

from offers import models, uftp
from offers.services import keys

from .reading import Entry, MarketFile

PASSWORD_BYTES = 9


@dataclass(slots=True)
class Loaded:
    """What a load did: new users with their generated passwords, and what somebody should know."""

    passwords: dict[str, str] = field(default_factory=dict, repr=False)
    notes: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


def store(market: MarketFile, now: datetime) -> Loaded:
    """Write all of it, in the order in which one thing needs the other."""
    done = Loaded()
    for entry in market.participants:
        _participant(entry, now, done)
    for entry in market.congestion_points:
        _point(entry)
    for entry in market.contracts:
        _contract(entry)
    for entry in market.users:
        _user(entry, done)
    done.counts = {one.name: len(getattr(market, one.name)) for one in fields(market)}
    return done


def _given(entry: Entry, *names: str) -> dict[str, Any]:
    return {name: entry.values[name] for name in names if name in entry.values}


def _participant(entry: Entry, now: datetime, done: Loaded) -> None:
    given = _given(entry, "name", "hosted", "endpoint", "version", "profile", "barred")
    if given.get("endpoint", "") is None:
        given["endpoint"] = ""
    domain = entry.values["domain"]
    row, _ = models.Participant.objects.update_or_create(
        domain=domain,
        role=entry.values["role"],
        defaults=given,
        create_defaults={"name": domain, **given},
    )
    if row.hosted:
        _own_keys(row, entry, now, done)
    elif "public_keys" in entry.values:
        _their_keys(row, entry.values["public_keys"], now)


def _own_keys(row: models.Participant, entry: Entry, now: datetime, done: Loaded) -> None:
    """A signing key is added when the file has a new one, or when there is none at all."""
    secret = entry.values.get("signing_key")
    signing = row.keys.valid_at(now).exclude(private=None)
    if secret is not None or not signing.exists():
        key = keys.add_signing_key(row, now, secret)
        if key.valid_to is not None and key.valid_to <= now:
            done.notes.append(f"The signing_key of {row.slug} was retired before; it stays retired.")
    held = {uftp.seal.to_cs1(public) for public in keys.public_keys(row, now)}
    if not held.issuperset(entry.values.get("public_keys", ())):
        done.notes.append(
            f"{row.slug} is hosted here and has keys of its own: public_keys of the file were not taken."
        )


def _their_keys(row: models.Participant, wanted: list[str], now: datetime) -> None:
    """The file lists all keys of a counterparty: the others are retired."""
    for text in wanted:
        keys.add_public_key(row, text, now)
    kept = {uftp.seal.parse_public(text) for text in wanted}
    for key in row.keys.valid_at(now):
        if uftp.seal.parse_public(key.public) not in kept:
            keys.retire(key, now)


def _participant_of(domain: str, role: str) -> models.Participant:
    return models.Participant.objects.get(domain=domain, role=role)


def _point(entry: Entry) -> None:
    given = _given(
        entry,
        "name",
        "time_zone",
        "isp_duration",
        "currency",
        "mutex_offers_supported",
        "day_ahead_redispatch_by",
        "intraday_redispatch_by",
        "capacity_w",
        "answers_automatically",
    )
    if given.get("intraday_redispatch_by", "") is None:
        given["intraday_redispatch_by"] = ""
    given["dso"] = _participant_of(entry.values["dso"], "DSO")
    address = entry.values["entity_address"]
    name = address.rpartition(":")[2][:100] or address[:100]
    row, _ = models.CongestionPoint.objects.update_or_create(
        entity_address=address, defaults=given, create_defaults={"name": name, **given}
    )
    if "agrs" in entry.values:
        row.agrs.set([_participant_of(agr, "AGR") for agr in entry.values["agrs"]])


def _contract(entry: Entry) -> None:
    given = _given(
        entry,
        "valid_from",
        "valid_to",
        "reserved_power_w",
        "availability_price",
        "activation_price",
        "max_activations",
        "lead_time",
    )
    given["congestion_point"] = models.CongestionPoint.objects.get(
        entity_address=entry.values["congestion_point"]
    )
    row, _ = models.Contract.objects.update_or_create(
        contract_id=entry.values["contract_id"],
        dso=_participant_of(entry.values["dso"], "DSO"),
        agr=_participant_of(entry.values["agr"], "AGR"),
        defaults=given,
    )
    wanted = _windows(entry.values)
    if wanted is not None and wanted != sorted(row.windows.values_list("first_isp", "last_isp", "days")):
        row.windows.all().delete()
        for first, last, days in wanted:
            row.windows.create(first_isp=first, last_isp=last, days=days)


def _windows(given: Mapping[str, Any]) -> list[tuple[int, int, str]] | None:
    """The ISP windows that a contract gives in either form; None when it gives none."""
    if "windows" in given:
        listed = [window.values for window in given["windows"]]
    elif "isps" in given:
        listed = [given]
    else:
        return None
    return sorted({(a, b, window.get("days", "")) for window in listed for a, b in window["isps"]})


def _user(entry: Entry, done: Loaded) -> None:
    given = entry.values
    user, new = get_user_model().objects.get_or_create(username=given["username"])
    if new:
        _first_password(user, given.get("password"), done)
    elif "password" in given and not user.check_password(given["password"]):
        done.notes.append(
            f"{user.get_username()} was there already and keeps the password (manage.py changepassword)."
        )
    if "admin" in given:
        user.is_staff = user.is_superuser = given["admin"]
        user.save(update_fields=["is_staff", "is_superuser"])
    if "participant" in given:
        models.Membership.objects.update_or_create(
            user=user, participant=_participant_of(*given["participant"]), defaults={"right": given["right"]}
        )


def _first_password(user: User, password: str | None, done: Loaded) -> None:
    if password is None:
        password = done.passwords[user.get_username()] = secrets.token_urlsafe(PASSWORD_BYTES)
    user.set_password(password)
    user.save(update_fields=["password"])
