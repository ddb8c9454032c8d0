"""What a simulated counterparty knows: the others by their public keys, the points by their terms."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from offers import uftp

Party = tuple[str, str]  # domain, role


@dataclass(frozen=True, slots=True)
class Peer:
    """Somebody to talk to."""

    domain: str
    role: str
    endpoint: str
    version: str
    public_keys: tuple[bytes, ...]

    @property
    def party(self) -> Party:
        return self.domain, self.role


@dataclass(frozen=True, slots=True)
class Point:
    """A congestion point, as its DSO and its AGRs know it."""

    address: str
    name: str
    dso: str
    agrs: frozenset[str]
    time_zone: str
    isp_duration: timedelta
    currency: str
    mutex: bool
    capacity_w: int

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def isps_of(self, day: date) -> int:
        return uftp.isp.count(day, self.zone, self.isp_duration)


Window = tuple[int, int, frozenset[str]]  # first ISP, last ISP, days; no days mean every day
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Contract:
    contract_id: str
    dso: str
    agr: str
    point: str
    valid_from: date
    valid_to: date | None
    windows: tuple[Window, ...] = ()

    def holds(self, dso: str, agr: str, point: str, day: date) -> bool:
        same = (self.dso, self.agr, self.point) == (dso, agr, point)
        return same and self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    def reserves(self, day: date, isps: Iterable[uftp.RequestISP]) -> bool:
        """Whether it holds power ready in any of these ISPs."""
        there = [
            (a, b - a + 1, None) for a, b, days in self.windows if not days or DAYS[day.weekday()] in days
        ]
        return uftp.isp.overlap(there, [(isp.start, isp.duration, None) for isp in isps])


@dataclass(frozen=True, slots=True)
class World:
    """The market as it was told to us."""

    peers: Mapping[Party, Peer]
    points: Mapping[str, Point]
    contracts: tuple[Contract, ...] = ()

    def peer(self, domain: str, role: str) -> Peer | None:
        return self.peers.get((domain, role))

    def points_of(self, dso: str) -> list[Point]:
        return [point for point in self.points.values() if point.dso == dso]

    def contracts_of(self, dso: str, agr: str, point: str, day: date) -> list[Contract]:
        return [one for one in self.contracts if one.holds(dso, agr, point, day)]

    def terms(self, address: str, dso: str, agr: str, day: date) -> uftp.Market | None:
        """What the rules must know; None where the two do not trade at the point."""
        point = self.points.get(address)
        if point is None or point.dso != dso or agr not in point.agrs:
            return None
        return uftp.Market(
            congestion_point=address,
            isp_duration=point.isp_duration,
            time_zone=point.time_zone,
            currency=point.currency,
            mutex_offers_supported=point.mutex,
            contracts=frozenset(one.contract_id for one in self.contracts_of(dso, agr, address, day)),
        )
