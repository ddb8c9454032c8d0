"""G16: the portal against a small independent model, in as many random stories as one likes.

    python -m bench.races.g16 [--examples 5000] [--steps 50] [--seed 1] [--postgresql] [--json]

Makes a database of its own. A story that fails is shrunk and printed as the steps that lead to it.
"""

import argparse
import sys
import time
import traceback
from collections import Counter
from typing import Any

from django.db import transaction
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from bench.races import crew
from bench.verdict import Verdict
from tests import cast
from tests.guarantees.g16_machine import Market


def counted(taken: Counter[str], everybody: cast.Cast) -> type[Market]:
    """The machine, which counts its steps."""

    class Counted(Market):
        def __init__(self) -> None:
            super().__init__(everybody)
            taken["stories"] += 1

        def name_what_was_said(self) -> None:
            taken["comparisons"] += 1
            super().name_what_was_said()

        def both_agree(self) -> None:
            super().both_agree()
            taken.update("/".join((offer.at["AGR"], offer.at["DSO"] or "–")) for offer in self.model.offers)

    return Counted


def run(examples: int, steps: int, number: int) -> Verdict:
    taken: Counter[str] = Counter()
    verdict, started = Verdict("G16", number), time.monotonic()
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    with transaction.atomic():
        machine: Any = seed(number)(counted(taken, cast.assemble()))
        try:
            run_state_machine_as_test(machine, settings=chosen)
        except Exception:
            traceback.print_exc()
            verdict.blame("unexpected", "see above")
    verdict.tried = taken.pop("stories")
    verdict.figures = {
        "comparisons": taken.pop("comparisons"),
        "ends of offers": dict(taken),
        "seconds": round(time.monotonic() - started, 1),
    }
    return verdict


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--examples", type=int, default=5000)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--postgresql", action="store_true", help="instead of SQLite")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    return run(chosen.examples, chosen.steps, chosen.seed).report(chosen.json)


if __name__ == "__main__":
    server = crew.with_postgresql if "--postgresql" in sys.argv else crew.with_sqlite
    raise SystemExit(server(main))
