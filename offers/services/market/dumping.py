"""Rows back to a market file, without secrets."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import yaml
from django.contrib.auth import get_user_model

from offers import models, uftp
from offers.services import keys
from offers.uftp import isp
from offers.uftp.currencies import price_text

NO_CURRENCY = ""  # two decimals at least

Rows = Iterator[dict[str, Any]]


def dump(now: datetime) -> str:
    """The whole market as a file that loads again to the same; no private key and no password is in it."""
    market = {
        "participants": list(_participants(now)),
        "congestion_points": list(_points()),
        "contracts": list(_contracts()),
        "users": list(_users()),
    }
    parts = [_section(name, rows) for name, rows in market.items() if rows]
    return "".join(parts) or "participants: []\n"


def _section(name: str, rows: Iterable[Mapping[str, Any]]) -> str:
    """One entry per line, so that two dumps can be compared line by line."""
    return "".join([f"{name}:\n", *(f"  - {_line(row)}\n" for row in rows)])


def _line(row: Mapping[str, Any]) -> str:
    text: str = yaml.safe_dump(
        dict(row), default_flow_style=True, sort_keys=False, width=10**9, allow_unicode=True
    )
    return text.strip()


def _participants(now: datetime) -> Rows:
    for row in models.Participant.objects.order_by("domain", "role"):
        public = [uftp.seal.to_cs1(key) for key in keys.public_keys(row, now)]
        yield {
            "domain": row.domain,
            "role": row.role,
            "name": row.name,
            "hosted": row.hosted,
            **({"public_keys": public} if public else {}),
            **({"endpoint": row.endpoint} if row.endpoint else {}),
            "version": row.version,
            "profile": row.profile,
            "barred": row.barred,
        }


def _points() -> Rows:
    points = models.CongestionPoint.objects.select_related("dso").prefetch_related("agrs")
    for row in points.order_by("entity_address"):
        yield {
            "entity_address": row.entity_address,
            "name": row.name,
            "dso": row.dso.domain,
            "agrs": sorted(agr.domain for agr in row.agrs.all()),
            "time_zone": row.time_zone,
            "isp_duration": isp.format_duration(row.isp_duration),
            "currency": row.currency,
            "mutex_offers_supported": row.mutex_offers_supported,
            "day_ahead_redispatch_by": row.day_ahead_redispatch_by,
            "intraday_redispatch_by": row.intraday_redispatch_by or None,
            "capacity_w": row.capacity_w,
            "answers_automatically": row.answers_automatically,
        }


def _contracts() -> Rows:
    contracts = models.Contract.objects.select_related("dso", "agr", "congestion_point").prefetch_related(
        "windows"
    )
    for row in contracts.order_by("contract_id", "dso__domain", "agr__domain"):
        yield {
            "contract_id": row.contract_id,
            "dso": row.dso.domain,
            "agr": row.agr.domain,
            "congestion_point": row.congestion_point.entity_address,
            "valid_from": row.valid_from,
            "valid_to": row.valid_to,
            **_windows(row.windows.all()),
            "reserved_power_w": row.reserved_power_w,
            "availability_price": _amount(row.availability_price),
            "activation_price": _amount(row.activation_price),
            "max_activations": row.max_activations,
            "lead_time": duration_text(row.lead_time) if row.lead_time is not None else None,
        }


def _amount(amount: Any) -> str:
    return price_text(Decimal(amount), NO_CURRENCY)


def duration_text(length: timedelta) -> str:
    """PT16H where that is shorter than PT960M."""
    hours, rest = divmod(length, timedelta(hours=1))
    return f"PT{hours}H" if hours and not rest else isp.format_duration(length)


def _windows(rows: Iterable[models.IspWindow]) -> dict[str, Any]:
    """isps and days where all windows have the same days, as a person writes it; else one by one."""
    by_days: dict[str, list[str]] = {}
    for row in rows:
        by_days.setdefault(row.days, []).append(f"{row.first_isp}-{row.last_isp}")
    windows = [_window(", ".join(isps), days) for days, isps in by_days.items()]
    return windows[0] if len(windows) == 1 else {"windows": windows} if windows else {}


def _window(isps: str, days: str) -> dict[str, Any]:
    return {"isps": isps, **({"days": days.split(",")} if days else {})}


def _users() -> Rows:
    """People who act for somebody, and those who see to the market; one entry per membership."""
    users = get_user_model().objects
    for user in users.order_by("username").prefetch_related("memberships__participant"):
        memberships = sorted(user.memberships.all(), key=lambda m: m.participant.slug)
        admin = {"admin": True} if user.is_superuser and user.is_staff else {}
        for membership in memberships:
            participant = {"participant": membership.participant.slug, "right": membership.right}
            yield {"username": user.username, **participant, **admin}
        if admin and not memberships:
            yield {"username": user.username, **admin}
