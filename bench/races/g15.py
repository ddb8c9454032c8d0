"""G15: order, revoke, expire and order again fall out over one offer in several processes: one winner each.

    python -m bench.races.g15 [--offers 10000] [--seed 1] [--unguarded] [--json]

Starts a PostgreSQL of its own. For every offer four processes leave a barrier together and call the
verbs that people, workers and the clock call: at the AGR revoke, revoke, the order that came in, the
expiry sweep; at the DSO order, order, the revocation that came in, the expiry sweep. Then everything
that is under way arrives, and both sides must agree. `--unguarded` takes the locks, the compare-and-set
and the constraints away: that run must double most offers, or this program shows nothing.
"""

import argparse
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from bench.races import crew, stage
from bench.races.guard import unguarded
from bench.races.stage import Contest
from bench.verdict import Verdict
from offers import domain
from offers.models import Event, FlexOffer, FlexOrder, Message
from offers.services import inbox, trading
from tests import cast
from tests.cast import Cast

SECOND = timedelta(seconds=1)
# Seconds that each lane waits at most after the barrier: without them the shortest verb would win every time.
STAGGER = (0.015, 0.015, 0.001, 0.02)
DONE, NOT_ASKED = "done", "not asked"

# --- what the four processes do ---------------------------------------------------------------------------


def act(everybody: Cast, lane: int, one: Contest) -> str:
    """Lane 0 and 1 are people, 2 is the worker, 3 the clock. What came of it: done, or why not."""
    try:
        if lane == 3:
            trading.expire_due(one.expires_at)
        elif lane == 2:
            return _process(one)
        elif lane >= one.people:
            return NOT_ASKED
        elif one.at == "AGR":
            by = (everybody.trader, everybody.manager)[lane]
            trading.revoke(everybody.agr, one.mine, by, one.expires_at - SECOND)
        else:
            moment, option = one.expires_at - SECOND, "AB"[lane]
            trading.order(everybody.dso, one.theirs, option, Decimal(1), everybody.operator, moment)
    except (domain.IllegalMove, trading.Refused) as refused:
        return str(refused)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return DONE


def _process(one: Contest) -> str:
    if one.waiting is None:
        return NOT_ASKED
    inbox.process_one(one.waiting, one.expires_at + SECOND)
    return DONE


def _race(everybody: Cast, contests: list[Contest], seed: int, stagger: Sequence[float]) -> list[list[str]]:
    """What came of it, per contest and lane."""

    def run(lane: int, wait: Callable[[], Any]) -> list[str]:
        dice, said = random.Random(seed * 4 + lane), []
        for one in contests:
            pause = dice.uniform(0, stagger[lane])
            wait()
            time.sleep(pause)
            said.append(act(everybody, lane, one))
        return said

    return [list(lanes) for lanes in zip(*crew.together(4, run), strict=True)]


# --- what must come out -----------------------------------------------------------------------------------


@dataclass
class End:
    """How one contest stands when everything has arrived."""

    one: Contest
    said: list[str]  # by lane
    mine: str
    theirs: str
    orders: list[str]  # the DSO's, by state
    accepted_here: int  # orders that the AGR accepted
    answer: Message | None  # what became of the message at the door
    moved_on: bool  # expired by the sweep, then decided by what had been done in time
    passed: set[str]  # the states that the offer of the racing side came through

    @property
    def winners(self) -> list[str]:
        people = sum(text == DONE for text in self.said[:2])
        if self.one.at == "DSO":
            return ["order"] * people or ["revoke" if self.theirs == "revoked" else "expire"]
        done = ["revoke"] * people + ["order"] * self.accepted_here
        return done or (["expire"] if self.theirs == "expired" else [])

    def wanted(self) -> str:
        """The state that both sides must end in, from who won; D16 for an order that crosses a revocation."""
        if self.one.at == "DSO" and self.one.waiting is not None:
            return "revoked"
        return {"order": "ordered", "revoke": "revoked", "expire": "expired"}[self.winners[0]]


def ends(contests: list[Contest], said: list[list[str]]) -> list[End]:
    offers = FlexOffer.objects.in_bulk([pk for one in contests for pk in (one.mine, one.theirs)])
    messages = Message.objects.in_bulk([one.waiting for one in contests if one.waiting is not None])
    orders: dict[int, list[str]] = {}
    for offer, state in FlexOrder.objects.values_list("flex_offer", "state"):
        orders.setdefault(offer, []).append(state)
    came_back, passed = set(_moves_from("expired")), _states_of_offers()
    return [
        End(
            one=one,
            said=texts,
            mine=offers[one.mine].state,
            theirs=offers[one.theirs].state,
            orders=orders.get(one.theirs, []),
            accepted_here=orders.get(one.mine, []).count("accepted"),
            answer=messages[one.waiting] if one.waiting is not None else None,
            moved_on=bool({one.mine, one.theirs} & came_back),
            passed=passed[one.mine if one.at == "AGR" else one.theirs],
        )
        for one, texts in zip(contests, said, strict=True)
    ]


def _moves_from(state: str) -> list[int]:
    found = Event.objects.filter(from_state=state, flex_offer__isnull=False).exclude(to_state=state)
    return list(found.values_list("flex_offer", flat=True))


def _states_of_offers() -> dict[int, set[str]]:
    found: dict[int, set[str]] = defaultdict(set)
    for offer, state in Event.objects.filter(flex_offer__isnull=False).values_list("flex_offer", "to_state"):
        found[offer].add(state)
    return found


def judge(end: End, verdict: Verdict) -> None:
    verdict.tried += 1
    verdict.recovered += end.moved_on
    where = f"{end.one.at} {end.one.number} {end.said} {end.mine}/{end.theirs} {end.orders}"
    if len(end.winners) > 1 or end.accepted_here > 1 or end.orders.count("accepted") > 1:
        verdict.blame("doubled", where)
    elif not end.winners or not _everything_answered(end):
        verdict.blame("lost", where)
    elif (end.mine, end.theirs) != (end.wanted(),) * 2:
        verdict.blame("unexpected", f"{where}, not {end.wanted()}")
    elif wrong := _wrong_reasons(end):
        verdict.blame("unexpected", f"{where}: {wrong}")


def _everything_answered(end: End) -> bool:
    done = end.answer is None or end.answer.state in ("accepted", "rejected")
    return done and "sent" not in end.orders


def _wrong_reasons(end: End) -> list[str]:
    """The sentences of the losers that name no state in which the offer was, and that was in the way."""
    verb = "revoked" if end.one.at == "AGR" else "ordered"
    before = {"ordering", "revoked", "expired"} if verb == "ordered" else {"ordered", "revoked"}
    before &= end.passed
    allowed = {f"FlexOffer is {state}: it cannot be {verb} any more." for state in before}
    said = [text for text in end.said if text not in (DONE, NOT_ASKED)]
    return [text for text in said if text not in allowed] + _wrong_answer(end)


def _wrong_answer(end: End) -> list[str]:
    if end.answer is None:
        return []
    text = end.answer.answer_reason
    if end.one.at == "DSO":
        return [text] if text else []  # a revocation of what is not ordered is always accepted
    needed = ["Reference message expired"] if end.one.late else []
    needed += ["Reference message revoked"] if end.mine == "revoked" and not end.one.late else []
    accepted = not text and end.mine == "ordered"
    right = bool(needed) and all(one in text for one in needed)
    return [] if accepted or right else [text or "accepted"]


# --- the whole run ----------------------------------------------------------------------------------------


def run(offers: int, seed: int, crowded: bool = False) -> Verdict:
    """Set up, race, let everything arrive, judge; in the database of the caller.

    `crowded`: two people and the others at the very same moment, at every offer."""
    clock = time.monotonic
    everybody, started = cast.assemble(), clock()
    contests = stage.set_up(everybody, seed, offers, crowded)
    ready = clock()
    said = _race(everybody, contests, seed, (0, 0, 0, 0) if crowded else STAGGER)
    raced = clock()
    last = contests[-1].expires_at + SECOND
    crew.arrive(last)
    trading.expire_due(last)
    verdict = Verdict("G15", seed)
    found = ends(contests, said)
    for end in found:
        judge(end, verdict)
    won = Counter(f"{end.one.at} {'+'.join(sorted(set(end.winners))) or 'nobody'}" for end in found)
    seconds = {"set-up": ready - started, "race": raced - ready, "settling": clock() - raced}
    verdict.figures = {"won": dict(won), "seconds": {name: round(took, 1) for name, took in seconds.items()}}
    return verdict


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--offers", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--unguarded", action="store_true", help="the control: must double more than half")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    if not chosen.unguarded:
        return run(chosen.offers, chosen.seed).report(chosen.json)
    with unguarded():
        verdict = run(chosen.offers, chosen.seed, crowded=True)
    verdict.report(chosen.json)
    return 0 if verdict.doubled * 2 > verdict.tried else 1


if __name__ == "__main__":
    raise SystemExit(crew.with_postgresql(main))
