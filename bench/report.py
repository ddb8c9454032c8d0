"""How a benchmark speaks: a table for people, and with --json one JSON object as the last line."""

import argparse
import json
import os
import platform
import statistics
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

CPU_INFO = Path("/proc/cpuinfo")


def parser(doc: str | None) -> argparse.ArgumentParser:
    """The options that all benchmarks have."""
    made = argparse.ArgumentParser(description=(doc or "").partition("\n")[0])
    made.add_argument("--json", action="store_true", help="end with one line of JSON")
    return made


def heading(title: str) -> None:
    print(f"{title}\n{machine()}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC\n", flush=True)


def machine() -> str:
    model = ""
    if CPU_INFO.exists():
        models = [line for line in CPU_INFO.read_text().splitlines() if line.startswith("model name")]
        model = models[0].partition(": ")[2].strip() + ", " if models else ""
    return f"{model}{os.cpu_count()} cores, Python {platform.python_version()}"


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Columns as wide as they need to be: text to the left, numbers to the right."""
    lines = [[_text(cell) for cell in row] for row in rows]
    widths = [max(len(line[n]) for line in [list(head), *lines]) for n in range(len(head))]
    for line in [list(head), *lines]:
        cells = [line[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        print("  ".join(cells).rstrip())
    print(flush=True)


def _text(cell: Any) -> str:
    return f"{cell:,.{3 if abs(cell) < 10 else 1}f}" if isinstance(cell, float) else str(cell)


def finish(keys: dict[str, Any], as_json: bool) -> None:
    if as_json:
        rounded = {
            name: round(value, 3) if isinstance(value, float) else value for name, value in keys.items()
        }
        print(json.dumps(rounded))


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of all values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


median = statistics.median
