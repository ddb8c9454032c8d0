"""G14: how long a message waits between its commit and the start of its post. p50 < 1 s, p99 < 5 s.

python -m bench.faults.g14 --conversations 200 --window 5 --database postgresql
"""

import argparse
import json
from datetime import datetime

from . import town


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=200)
    parser.add_argument("--window", type=int, default=5, help="how many are open at once")
    parser.add_argument("--database", choices=["postgresql", "sqlite"], default="postgresql")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with town.town(given.database, given.conversations, with_redis=given.database != "sqlite") as place:
        place.trade(given.conversations, given.window)
        place.finish(given.conversations, 600.0)
        reports = place.reports()
    waits = sorted(
        (
            datetime.fromisoformat(row["started_at"]) - datetime.fromisoformat(row["message__created_at"])
        ).total_seconds()
        for report in reports.values()
        for row in report["sent"]
    )
    found = {f"p{part}": round(waits[int(len(waits) * part / 100)], 3) for part in (50, 90, 99)}
    found = {"messages": len(waits), **found, "longest": round(waits[-1], 3)}
    print("  ".join(f"{name} {value}" for name, value in found.items()))
    if given.json:
        print(json.dumps(found))
    return 0 if found["p50"] < 1 and found["p99"] < 5 else 1


if __name__ == "__main__":
    raise SystemExit(main())
