"""What two databases hold when all is quiet, and what that says: lost, doubled, unexpected, recovered."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Report = Mapping[str, Sequence[Mapping[str, Any]]]

RESPONSES = frozenset({"TestMessageResponse"})
TRADES = {"FlexRequest": "requests", "FlexOffer": "offers", "FlexOrder": "orders"}
ORDERED = ("accepted", "ordered", "accepted")
SEVERAL = frozenset({"schedule"})  # events that may be noted more than once
SHOWN = 10
GONE = "was delivered and is not there"
ATTEMPT = ("message__message_id", "started_at")


def report() -> dict[str, list[dict[str, Any]]]:
    """All that the verdict asks of one installation; runs where its database is the default one."""
    from offers import models

    fields = "pk direction type message_id variant state state_at attempts error received_at"
    answered = "answer answers_id wants_answer"
    messages = models.Message.objects.order_by("pk").values(*fields.split(), *answered.split())
    noun = ["pk", "state", "reason", "message__message_id"]
    attempts = models.Attempt.objects.filter(message__attempts__gt=1).order_by("pk")
    sent = models.Attempt.objects.filter(number=1).order_by("pk")
    events = models.Event.objects.order_by("pk")
    return {
        "messages": list(messages),
        "requests": list(models.FlexRequest.objects.order_by("pk").values(*noun)),
        "offers": list(models.FlexOffer.objects.order_by("pk").values(*noun, "flex_request_id")),
        "orders": list(models.FlexOrder.objects.order_by("pk").values(*noun, "flex_offer_id")),
        "events": list(
            events.values("flex_request_id", "flex_offer_id", "flex_order_id", "event", "to_state")
        ),
        "retries": list(attempts.values(*ATTEMPT, "number", "verdict", "ended_at")),
        "sent": list(sent.values(*ATTEMPT, "message__created_at", "message__counterparty__domain")),
    }


@dataclass
class Verdict:
    """The four counts, with examples; `absorbed` are deliveries of what was there already."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    recovered: int = 0
    absorbed: int = 0
    closed: int = 0
    messages: int = 0

    @property
    def clean(self) -> bool:
        return not (self.lost or self.doubled or self.unexpected)

    @property
    def gone(self) -> list[str]:
        """Lost for good, as against still under way."""
        return [text for text in self.lost if GONE in text]

    def numbers(self) -> dict[str, int]:
        lists = {name: len(getattr(self, name)) for name in ("lost", "doubled", "unexpected")}
        return {
            **lists,
            **{name: getattr(self, name) for name in ("recovered", "absorbed", "closed", "messages")},
        }

    def __str__(self) -> str:
        head = "  ".join(f"{name} {number}" for name, number in self.numbers().items())
        shown = [
            f"\n  {name}: {text}"
            for name in ("lost", "doubled", "unexpected")
            for text in getattr(self, name)[:SHOWN]
        ]
        return head + "".join(shown)


def judge(
    dso: Report,
    agr: Report,
    conversations: int,
    end: tuple[str, str, str] = ORDERED,
    failing: frozenset[str] = frozenset(),
) -> Verdict:
    """Compare both sides. `end`: how request, offer and order must stand; `failing`: what need not arrive."""
    found = Verdict()
    for mine, theirs in ((dso, agr), (agr, dso)):
        _judge_sent(found, mine, theirs, failing)
        _judge_taken(found, mine, theirs)
        _judge_effects(found, mine)
    for side in (dso, agr):
        _judge_ends(found, side, conversations, end, failing)
    found.closed = min(sum(row["state"] == end[0] for row in side["requests"]) for side in (dso, agr))
    return found


def _rows(side: Report, direction: str) -> Iterator[Mapping[str, Any]]:
    return (row for row in side["messages"] if row["direction"] == direction)


def _judge_sent(found: Verdict, mine: Report, theirs: Report, failing: frozenset[str]) -> None:
    """Every message that was sent is there once, and answered if it asks for that."""
    there = Counter(row["message_id"] for row in _rows(theirs, "in"))
    received = {row["message_id"]: row["received_at"] for row in _rows(theirs, "in")}
    for row in _rows(mine, "out"):
        name = f"{row['type']} {row['message_id']}"
        found.messages += 1
        found.recovered += row["attempts"] > 1
        if row["state"] == "delivered" and not there[row["message_id"]]:
            found.lost.append(f"{name} {GONE}")
        if there[row["message_id"]] > 1:
            found.doubled.append(f"{name} is there {there[row['message_id']]} times")
        if row["state"] == "queued":
            found.lost.append(f"{name} is still queued after {row['attempts']} attempts")
        elif row["state"] != "delivered" and row["type"] not in failing:
            found.unexpected.append(f"{name} is {row['state']}: {row['error']}")
        elif row["state"] == "delivered" and row["wants_answer"] and not row["answer"]:
            found.lost.append(f"{name} was never answered")
    for retry in mine["retries"]:
        came = received.get(retry["message__message_id"])
        found.absorbed += retry["verdict"] == "delivered" and came is not None and came < retry["started_at"]


def _judge_taken(found: Verdict, mine: Report, theirs: Report) -> None:
    """Every message that came in was sent, is processed, has one effect and one answer."""
    sent = {row["message_id"] for row in _rows(theirs, "out")}
    answers = Counter(row["answers_id"] for row in _rows(mine, "out"))
    effects = {
        kind: Counter(row["message__message_id"] for row in mine[noun]) for kind, noun in TRADES.items()
    }
    for row in _rows(mine, "in"):
        name = f"{row['type']} {row['message_id']}"
        if row["message_id"] not in sent or row["variant"]:
            found.unexpected.append(f"{name} was never sent like this")
        if row["state"] in ("received", "waiting", "pending"):
            found.lost.append(f"{name} is {row['state']}: {row['error']}")
        elif row["state"] == "parked":
            found.unexpected.append(f"{name} is parked: {row['error']}")
        number = answers[row["pk"]]
        if not row["type"].endswith("Response") and number != 1:
            wrong = found.doubled if number else found.lost
            if row["state"] != "rejected" or not number:  # a copy of what was rejected is judged again (D13)
                wrong.append(f"{name} has {number} answers")
        if (
            row["type"] in TRADES
            and row["state"] == "accepted"
            and effects[row["type"]][row["message_id"]] != 1
        ):
            count = effects[row["type"]][row["message_id"]]
            (found.doubled if count else found.lost).append(f"{name} has {count} rows")


def _judge_effects(found: Verdict, side: Report) -> None:
    """Nothing happened twice: no event of a trade, no order of an offer, no offer on a request."""
    keys = ("flex_request_id", "flex_offer_id", "flex_order_id")
    events = Counter((*(row[key] for key in keys), row["event"]) for row in side["events"])
    for (request, offer, order, event), number in events.items():
        if number > 1 and event not in SEVERAL:
            found.doubled.append(f"“{event}” {number} times at R-{request} O-{offer} order {order}")
    for noun, reference in (("orders", "flex_offer_id"), ("offers", "flex_request_id")):
        for key, number in Counter(row[reference] for row in side[noun]).items():
            if number > 1:
                found.doubled.append(f"{number} {noun} of {reference} {key}")


def _judge_ends(
    found: Verdict, side: Report, conversations: int, end: tuple[str, str, str], failing: frozenset[str]
) -> None:
    """Each conversation has its three rows, and they stand as they should."""
    for kind, state in zip(TRADES, end, strict=True):
        rows = side[TRADES[kind]]
        wanted = conversations if state else 0
        states: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for row in rows:
            states[row["state"]].append(row)
        if len(rows) < wanted and kind not in failing:
            found.lost.append(f"{wanted - len(rows)} of {wanted} {kind}s were never made")
        for other, several in states.items():
            if other != state:
                found.unexpected += [f"{kind} {row['pk']} is {other}: {row['reason']}" for row in several]
