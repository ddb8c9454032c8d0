"""G35: 1,000 wrong passwords at once, of which no more are looked at than the limit says.

python -m bench.people.g35 [--tries 1000] [--at-once 32] [--unguarded] [--json]
"""

import argparse
import tempfile
from pathlib import Path

from bench.verdict import Verdict

from .door import NAME, PASSWORD, Visitor, apart, door, storm

LIMIT = 10
APART_MS = 10.0
HERE, ELSEWHERE = "127.0.0.1", "127.0.0.2"


def run(tries: int, at_once: int, unguarded: bool = False) -> Verdict:
    """What came of a storm at one name from one address, and who could log in after it."""
    application = "bench.people.unguarded" if unguarded else "flexportal.wsgi"
    limits = {"LOGIN_TRIES": str(LIMIT), "LOGIN_TRIES_PER_ADDRESS": str(10 * tries)}
    with tempfile.TemporaryDirectory() as folder, door(Path(folder), application, **limits) as found:
        statuses = storm(found.url, tries, at_once)
        here, elsewhere = (Visitor(found.url, place).log_in(NAME, PASSWORD) for place in (HERE, ELSEWHERE))
        evaluated = found.evaluated()
    verdict = Verdict("G35", seed=0, tried=tries)
    verdict.figures = {"passwords looked at": evaluated, "limit": LIMIT, "answers": _named(statuses)}
    verdict.unexpected = max(0, evaluated - LIMIT) + tries - statuses[200] - statuses[429]
    if here.status_code != 429:
        verdict.blame("unexpected", f"the right password after the storm was answered {here.status_code}")
    if elsewhere.status_code != 302:
        verdict.blame("unexpected", f"the same from another address was answered {elsewhere.status_code}")
    return verdict


def _named(statuses: dict[int, int]) -> dict[str, int]:
    return {str(status): count for status, count in statuses.items()}


def known_and_unknown(verdict: Verdict, tries: int) -> None:
    """Whether the time that an answer takes says if there is such a user."""
    endless = {"LOGIN_TRIES": "100000", "LOGIN_TRIES_PER_ADDRESS": "100000"}
    with tempfile.TemporaryDirectory() as folder, door(Path(folder), **endless) as found:
        difference = apart(found.url, tries)
    verdict.figures["known and unknown names apart, ms"] = difference
    if difference > APART_MS:
        verdict.blame("unexpected", f"known and unknown names are {difference:.1f} ms apart")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--tries", type=int, default=1000)
    parser.add_argument("--at-once", type=int, default=32)
    parser.add_argument("--unguarded", action="store_true", help="the control, which must fail")
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    verdict = run(wanted.tries, wanted.at_once, wanted.unguarded)
    known_and_unknown(verdict, 60)
    return verdict.report(wanted.json)


if __name__ == "__main__":
    raise SystemExit(main())
