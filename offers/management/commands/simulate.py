"""`manage.py simulate`: a DSO and an AGR in a process of their own, to trade with on this machine.

It knows the portal from a market file (`market dump`), and the portal knows it from `simulate --introduce`;
neither looks into the other's database.
"""

import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from offers import simulator, uftp
from offers.management.counterparties import Plan, become, endpoint
from offers.services import market
from offers.transport import MESSAGE_PATH

PORT = 8500
PARTIES = ((simulator.DSO_DOMAIN, "DSO"), (simulator.AGR_DOMAIN, "AGR"))


def folder() -> Path:
    return Path(settings.STATE_DIR / "simulator")


def market_file() -> Path:
    return folder() / "market.yaml"


def secrets() -> dict[simulator.Party, bytes]:
    return {party: simulator.secret_of(folder(), party) for party in PARTIES}


class Command(BaseCommand):
    requires_system_checks = ()
    help = "Run a simulated DSO and a simulated AGR with keys and an endpoint of their own."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=PORT, help="the port of their endpoint")
        parser.add_argument("--portal", default=settings.PUBLIC_URL, help="the address of the portal")
        parser.add_argument("--market", type=Path, help="what `market dump` wrote (STATE_DIR/simulator/…)")
        parser.add_argument("--introduce", action="store_true", help="print what `market load -` needs")
        parser.add_argument("--seed", type=int, default=1, help="the same seed, the same loads and habits")
        parser.add_argument("--pace", type=float, default=1.0, help="2 does everything twice as fast")
        parser.add_argument("--request-every", type=float, default=240, help="seconds between two requests")
        parser.add_argument(
            "--order-after", type=float, nargs=2, default=(30, 120), help="seconds until an offer is ordered"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["introduce"]:
            self.stdout.write(simulator.introduction(secrets(), endpoint(options["port"])), ending="")
            return
        if options["pace"] <= 0:
            raise CommandError("--pace must be above 0: 1 is the pace of people.")
        habits = simulator.Habits(
            pace=options["pace"],
            request_every=options["request_every"],
            order_after=tuple(options["order_after"]),
        )
        source = options["market"] or market_file()
        changed_at = source.stat().st_mtime_ns if source.exists() else 0  # before it is read
        become(
            Plan(
                secrets=secrets(),
                world=read(source, options["portal"]),
                habits=habits,
                seed=options["seed"],
                port=options["port"],
                notebook=folder() / "notebook.json",
                source=source,
                changed_at=changed_at,
                again=[sys.executable, *sys.argv],
            )
        )


def read(path: Path, portal: str) -> simulator.World:
    """What the market file says, as the counterparties know it."""
    try:
        text = path.read_text()
    except OSError as error:
        raise CommandError(
            f"{path} cannot be read: {error.strerror}. manage.py market dump > {path} makes it."
        ) from error
    found, problems = market.read(text, allow_local=True)
    if problems:
        raise CommandError("\n".join(f"{path}, {problem}" for problem in problems))
    return world_of(found, portal.rstrip("/"))


def world_of(found: market.MarketFile, portal: str) -> simulator.World:
    """What a market file says, as strangers know it."""
    peers = [_peer(entry.values, portal) for entry in found.participants]
    points = [_point(entry.values) for entry in found.congestion_points]
    contracts = tuple(_contract(entry.values) for entry in found.contracts)
    return simulator.World({p.party: p for p in peers}, {p.address: p for p in points}, contracts)


def _peer(given: Any, portal: str) -> simulator.Peer:
    here = portal + MESSAGE_PATH if given.get("hosted") else ""
    keys = tuple(uftp.seal.parse_public(text) for text in given.get("public_keys", ()))
    version = given.get("version", uftp.VERSIONS[-1])
    return simulator.Peer(given["domain"], given["role"], given.get("endpoint") or here, version, keys)


def _point(given: Any) -> simulator.Point:
    return simulator.Point(
        address=given["entity_address"],
        name=given.get("name", given["entity_address"]),
        dso=given["dso"],
        agrs=frozenset(given.get("agrs", ())),
        time_zone=given.get("time_zone", "Europe/Amsterdam"),
        isp_duration=given.get("isp_duration", timedelta(minutes=15)),
        currency=given.get("currency", "EUR"),
        mutex=given.get("mutex_offers_supported", True),
        capacity_w=given.get("capacity_w") or 1_000_000,
    )


def _contract(given: Any) -> simulator.Contract:
    return simulator.Contract(
        given["contract_id"],
        given["dso"],
        given["agr"],
        given["congestion_point"],
        given["valid_from"],
        given.get("valid_to"),
        tuple(_windows(given)),
    )


def _windows(given: Any) -> Iterator[simulator.Window]:
    for window in [one.values for one in given.get("windows", ())] or [given]:
        for first, last in window.get("isps", ()):
            yield first, last, frozenset(filter(None, window.get("days", "").split(",")))
