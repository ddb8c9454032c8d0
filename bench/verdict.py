"""What a run that tries to break something says at its end: four counts, its seed, and examples."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class Verdict:
    """Lost: no effect. Doubled: more than one. Unexpected: none of what the rules allow. Recovered: went
    wrong on the way and came out right, which is no fault but shows that the run was hard enough."""

    guarantee: str
    seed: int
    tried: int = 0
    lost: int = 0
    doubled: int = 0
    unexpected: int = 0
    recovered: int = 0
    figures: dict[str, Any] = field(default_factory=dict)
    examples: list[str] = field(default_factory=list)

    @property
    def held(self) -> bool:
        return self.tried > 0 and not (self.lost or self.doubled or self.unexpected)

    def blame(self, kind: str, text: str) -> None:
        """Count one fault of a kind (lost, doubled, unexpected) and keep the first few as examples."""
        setattr(self, kind, getattr(self, kind) + 1)
        if len(self.examples) < 10:
            self.examples.append(f"{kind}: {text}")

    def __str__(self) -> str:
        counts = "  ".join(
            f"{name} {getattr(self, name)}"
            for name in ("tried", "lost", "doubled", "unexpected", "recovered")
        )
        lines = [f"{self.guarantee}: {'held' if self.held else 'BROKEN'}  {counts}  seed {self.seed}"]
        lines += [f"  {name}: {_words(value)}" for name, value in self.figures.items()]
        return "\n".join([*lines, *(f"  {text}" for text in self.examples)])

    def report(self, as_json: bool) -> int:
        """Print it, for a program also as one JSON object in the last line; the exit code."""
        print(self, flush=True)
        if as_json:
            print(json.dumps({**asdict(self), "held": self.held}, sort_keys=True), flush=True)
        return 0 if self.held else 1


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {count}" for key, count in sorted(value.items()))
    return f"{value:.1f}" if isinstance(value, float) else str(value)
