"""What a rule yields, and how reasons become the one RejectionReason of a response."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

MOST = 20  # of one kind; the rest is only counted
MAX_JOINED = 1000  # characters that we and our peers can store


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a message is refused. `field` is the place, in the names of the protocol: "ExpirationDateTime",
    "OfferOption[2].ISP[73].Power" (the second option, the ISP or segment that begins at ISP 73), or ""
    for the whole message. `text` begins with the specification's phrase, the concrete limit follows (D4).
    """

    field: str
    text: str


def joined(reasons: Iterable[Reason], limit: int = MAX_JOINED) -> str:
    """D4: all reasons as one text, joined with "; ", each text once. What would go beyond `limit`
    characters is only counted."""
    texts = list(dict.fromkeys(reason.text for reason in reasons))
    whole = "; ".join(texts)
    if len(whole) <= limit:
        return whole
    kept = 1
    while len("; ".join(texts[: kept + 1])) <= limit - 20:
        kept += 1
    return "; ".join([texts[0][: limit - 20], *texts[1:kept], f"and {len(texts) - kept} more"])


def at_most(reasons: Iterator[Reason], phrase: str, most: int = MOST) -> Iterator[Reason]:
    """The first `most` reasons, and one that counts the others: a message may have 80,000 wrong ISPs."""
    yield from islice(reasons, most)
    rest = sum(1 for _ in reasons)
    if rest:
        yield Reason("", f"{phrase}: and {rest} more")
