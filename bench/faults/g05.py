"""G05, G06, G07: what the endpoint promises. 200 means committed; a copy has no effect; an id is used once.

python -m bench.faults.g05 --messages 5000 --database postgresql --seed 1 --json
"""

import argparse
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Container, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from offers import uftp

from . import town
from .peer import Peer, post
from .proxy import Proxy

THREADS = 8
DEATH_EVERY = 60  # messages
QUIET_COPIES = 200  # at most, one after the other
OTHER_AGR = "agr3.faults.example"
OTHER_DSO = "dso2.faults.example"


class Book:
    """What an installation holds of the messages that were posted."""

    def __init__(self, report: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        self.rows = [row for row in report["messages"] if row["direction"] == "in"]
        self.inbox = Counter(row["message_id"] for row in self.rows)
        self.effects = Counter(row["message__message_id"] for row in report["offers"])
        self.answers = Counter(row["answers_id"] for row in report["messages"] if row["direction"] == "out")
        self.state = {row["message_id"]: row["state"] for row in self.rows if not row["variant"]}

    def wrong(self, names: Container[str]) -> list[str]:
        """Of these messages those without exactly one effect and one answer."""
        return [
            f"{row['message_id']} is {row['state']}, has {self.effects[row['message_id']]} offers"
            f" and {self.answers[row['pk']]} answers"
            for row in self.rows
            if row["message_id"] in names
            and (self.effects[row["message_id"]] != 1 or self.answers[row["pk"]] != 1)
        ]


def _at_once(work: Callable[[Any], Any], over: Sequence[Any]) -> list[Any]:
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(work, over))


def g05(place: town.Hamlet, messages: int, rng: random.Random) -> dict[str, Any]:
    """Post through a proxy that cuts connections; each message once, or until a 200 is heard.

    Meanwhile the web server dies once for each so many messages, and once more when all are posted: what it
    has acknowledged and not yet stored dies with it.
    """
    proxy = Proxy(place.dso.port, rng)
    offers = [place.agr.offer() for _ in range(messages)]
    last = {offers[n].message_id for n in range(DEATH_EVERY, messages, DEATH_EVERY)}
    alive = threading.Event()
    alive.set()

    def send(offer: uftp.FlexOffer) -> list[int | None]:
        if offer.message_id in last:
            alive.clear()
            place.restart_web()
            alive.set()
        alive.wait()
        body, heard = place.agr.sealed(offer), []
        for _ in range(rng.choice((1, 1, 10))):
            heard.append(post(proxy.endpoint, body, 10))
            if heard[-1] == 200:
                break
        return heard

    try:
        heard = _at_once(send, offers)
    finally:
        proxy.close()
    place.restart_web()
    said = {offer.message_id: statuses for offer, statuses in zip(offers, heard, strict=True)}
    seen = {"messages": messages, "deaths": len(last) + 1, "treated": dict(proxy.treated)}
    return {**seen, **_judged(said, Book(place.quiet_report()))}


def _judged(said: Mapping[str, list[int | None]], book: "Book") -> dict[str, Any]:
    """What the database holds beside what each post was answered."""
    acknowledged = [name for name, statuses in said.items() if 200 in statuses]
    return {
        "acknowledged": len(acknowledged),
        "lost": [name for name in acknowledged if not book.inbox[name]],
        "doubled": [name for name in said if book.inbox[name] > 1],
        "unexpected": [
            *book.wrong(said),
            *(name for name in said if book.inbox[name] and not {200, None} & set(said[name])),
            *(str(one) for statuses in said.values() for one in statuses if one not in (200, 400, None)),
        ],
        "recovered": sum(len(statuses) > 1 for statuses in said.values()),
    }


def g06(place: town.Hamlet, messages: int, rng: random.Random) -> dict[str, Any]:
    """Each message one to ten times, in any order, from eight threads; some once more when all is quiet."""
    offers = [place.agr.offer() for _ in range(messages)]
    bodies = [place.agr.sealed(offer) for offer in offers]
    copies = [body for body in bodies for _ in range(rng.randint(1, 10))]
    rng.shuffle(copies)
    took: list[float] = []

    def send(body: bytes) -> int | None:
        began = time.monotonic()
        status = post(place.dso.endpoint, body)
        took.append(time.monotonic() - began)
        return status

    statuses = Counter(_at_once(send, copies))
    crowded = _p95_ms(took)
    place.quiet_report()
    took.clear()
    statuses.update(map(send, bodies[:QUIET_COPIES]))
    book = Book(place.quiet_report())
    mine = [offer.message_id for offer in offers]
    return {
        "messages": messages,
        "deliveries": sum(statuses.values()),
        "lost": [name for name in mine if not book.inbox[name]],
        "doubled": [name for name in mine if book.inbox[name] > 1],
        "unexpected": [
            *book.wrong(mine),
            *(f"{n} times {status}" for status, n in statuses.items() if status != 200),
        ],
        "recovered": sum(statuses.values()) - messages,
        "p95_ms": crowded,
        "p95_ms_alone": _p95_ms(took),
    }


def _p95_ms(took: Sequence[float]) -> float:
    return round(sorted(took)[int(len(took) * 0.95)] * 1000, 1)


def g07(place: town.Hamlet, pairs: int) -> dict[str, Any]:
    """Two contents race for one MessageID; the same MessageID from and to somebody else is no matter."""
    other = Peer(domain=OTHER_AGR)
    party = {"domain": OTHER_AGR, "role": "AGR", "public": other.public.hex(), "endpoint": other.endpoint}
    place.dso.side("know", party)
    place.dso.side("know", {"domain": OTHER_DSO, "role": "DSO"})
    offers = [place.agr.offer() for _ in range(pairs)]
    bodies: list[bytes] = []
    for offer in offers:
        rival = place.agr.offer(message_id=offer.message_id, baseline_reference="another content")
        upper = place.agr.offer(message_id=offer.message_id.upper(), time_stamp=offer.time_stamp)
        stranger = other.offer(message_id=offer.message_id)
        hello = uftp.TestMessage(
            **{
                name: getattr(offer, name)
                for name in ("version", "sender_domain", "time_stamp", "message_id")
            },
            recipient_domain=OTHER_DSO,
            conversation_id=offer.conversation_id,
        )
        mine = [place.agr.sealed(one) for one in (offer, rival, upper, hello)]
        bodies += [*mine, other.sealed(stranger)]
    statuses = Counter(_at_once(lambda body: post(place.dso.endpoint, body), bodies))
    report = place.quiet_report()
    other.close()
    return {"pairs": pairs, "statuses": dict(statuses), **_judge_pairs(report, offers)}


def _judge_pairs(report: Any, offers: Sequence[uftp.FlexOffer]) -> dict[str, list[str]]:
    """Of the three contents of one sender one is accepted; the stranger's and the other tenant's are, too."""
    found: dict[str, list[str]] = {"lost": [], "doubled": [], "unexpected": []}
    rows: dict[str, list[Any]] = {}
    for row in report["messages"]:
        if row["direction"] == "in":
            rows.setdefault(row["message_id"].lower(), []).append(row)
    for offer in offers:
        mine = rows.get(offer.message_id, [])
        states = Counter((row["type"], row["state"]) for row in mine)
        taken = states["FlexOffer", "accepted"]  # one of this sender, one of the stranger
        if taken > 2:
            found["doubled"].append(f"{offer.message_id}: {taken} accepted")
        elif taken < 2 or states["TestMessage", "accepted"] != 1:
            found["lost"].append(f"{offer.message_id}: {dict(states)}")
        refused = [row for row in mine if row["state"] == "rejected"]
        if len(refused) != 2 or any("Duplicate Identifier" not in row["error"] for row in refused):
            found["unexpected"].append(f"{offer.message_id}: {[row['error'] for row in refused]}")
    return found


def is_clean(found: Mapping[str, Any]) -> bool:
    return not (found["lost"] or found["doubled"] or found["unexpected"])


def shown(found: Mapping[str, Any]) -> str:
    return "  ".join(f"{k} {len(v) if isinstance(v, list) else v}" for k, v in found.items()) + "".join(
        f"\n  {name}: {text}" for name in ("lost", "doubled", "unexpected") for text in found[name][:5]
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=200)
    parser.add_argument("--database", choices=["postgresql", "sqlite"], default="postgresql")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--weak", default="", help="a control, such as memory or forgetful: must fail")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    rng = random.Random(given.seed)
    with town.hamlet(given.database, web=2, settings=town.weakened(given.weak)) as place:
        runs = {
            "G05": g05(place, given.messages, rng),
            "G06": g06(place, max(1, given.messages * 2 // 5), rng),
            "G07": g07(place, max(1, given.messages // 5)),
        }
    for name, found in runs.items():
        print(f"{name} seed {given.seed}: {shown(found)}", flush=True)
    if given.json:
        print(json.dumps({"seed": given.seed, **runs}))
    return 0 if all(is_clean(found) for found in runs.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
