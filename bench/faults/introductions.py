"""What two installations must know of each other before the first message; needs no Django."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from offers import uftp

DOMAINS = {"AGR": "agr.faults.example", "DSO": "dso.faults.example"}
OTHER = {"AGR": "DSO", "DSO": "AGR"}
POINTS = 100


@dataclass(frozen=True)
class Introduction:
    """What an installation has to know before the first message."""

    role: str
    secret: bytes
    other_public: bytes
    other_endpoint: str
    conversations: int
    automatic: bool = True

    def as_json(self) -> dict[str, Any]:
        return {**vars(self), "secret": self.secret.hex(), "other_public": self.other_public.hex()}

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> "Introduction":
        raw = {name: bytes.fromhex(said[name]) for name in ("secret", "other_public")}
        return cls(**{**said, **raw})


def introductions(endpoints: dict[str, str], conversations: int, **more: Any) -> dict[str, Introduction]:
    """Fresh keys for both sides, each with the other's public one."""
    secrets = {role: uftp.seal.generate() for role in DOMAINS}
    return {
        role: Introduction(
            role=role,
            secret=secrets[role],
            other_public=uftp.seal.public_of(secrets[OTHER[role]]),
            other_endpoint=endpoints[OTHER[role]],
            conversations=conversations,
            **more,
        )
        for role in DOMAINS
    }


def address(number: int) -> str:
    return f"ea1.2026-01.example.faults:point-{number}"


def place_of(conversation: int, first_day: date) -> tuple[str, date]:
    """Where and for which day the n-th conversation trades: its own, else a later one would supersede it."""
    day, point = divmod(conversation, POINTS)
    return address(point), first_day + timedelta(days=day)
