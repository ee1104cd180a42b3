"""Figures as they are printed: a line each, with the target of DESIGN section 5 and whether it was met."""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Spread:
    """Of one round. Nearest-rank percentiles."""

    count: int
    first: float
    p50: float
    p99: float
    last: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread | None":
        """None where nothing was measured."""
        ordered = sorted(values)
        if not ordered:
            return None
        return cls(len(ordered), ordered[0], _rank(ordered, 0.50), _rank(ordered, 0.99), ordered[-1])


def _rank(ordered: Sequence[float], share: float) -> float:
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]


@dataclass(frozen=True, slots=True)
class Target:
    """Upper bounds in seconds; what is not named is not bounded."""

    p50: float = math.inf
    p99: float = math.inf
    last: float = math.inf

    def holds(self, spread: Spread) -> bool:
        return spread.p50 <= self.p50 and spread.p99 <= self.p99 and spread.last <= self.last

    def __str__(self) -> str:
        named = {"p50": self.p50, "p99": self.p99, "last": self.last}
        return " ".join(f"{name}<={value:g}" for name, value in named.items() if value < math.inf)


@dataclass
class Figure:
    """The same spread, round after round; in seconds."""

    name: str
    target: Target | None = None
    rounds: list[Spread] = field(default_factory=list)

    def add(self, values: Iterable[float]) -> None:
        spread = Spread.of(values)
        if spread is not None:
            self.rounds.append(spread)

    def line(self) -> str:
        if not self.rounds:
            return f"{self.name:<34} not measured"
        parts = [_part(self.rounds, name) for name in ("first", "p50", "p99", "last")]
        count = min(one.count for one in self.rounds)
        return f"{self.name:<34} {'  '.join(parts)}  n={count}{self._verdict()}"

    def _verdict(self) -> str:
        if self.target is None:
            return ""
        good = sum(map(self.target.holds, self.rounds))
        return f"  target {self.target} s: reached in {good} of {len(self.rounds)} rounds"


def _part(rounds: Sequence[Spread], name: str) -> str:
    """Median of the rounds, and the worst of them."""
    values = [float(getattr(one, name)) for one in rounds]
    return f"{name} {_seconds(statistics.median(values))} ({_seconds(max(values))})"


def _seconds(value: float) -> str:
    """Milliseconds are enough for all but the very short."""
    return f"{value:.3f}" if value >= 0.01 else f"{value:.5f}"


def share_line(name: str, value: float, target: str, reached: bool, detail: str = "") -> str:
    verdict = "reached" if reached else "NOT reached"
    return f"{name:<34} {value:g}  target {target}: {verdict}{detail and '  ' + detail}"
