"""The controller's time, from notices that may come late but never early. Pure.

Times are seconds: `utc_s` since the Unix epoch, `at_s` on the board's own clock, which counts from its start.
What a notice says is a lower bound. Two that agree with the board's clock are a time; the one that came with
the least delay counts most; over hours they tell how fast the board's crystal runs.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

AGREE_S = 2.0
"""Delays of a poor link differ by no more, or the notices prove nothing."""
APART_S = 20.0
"""Closer together they may have waited in the same queue."""
LATE_IN_A_ROW = 5
"""So many late ones that agree among themselves: the controller's own clock was set back."""
RECENT = 15
BLOCK_S = 3600.0
BLOCKS = 25
LEARN_S = 3 * BLOCK_S
WORST_RATE = 500e-6
"""No crystal is worse: whatever says so is no drift."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """At `at_s` it was `utc_s`; from there on UTC gains `rate` seconds on each of the board's."""

    at_s: float
    utc_s: float
    rate: float = 0.0

    def utc_at(self, at_s: float) -> float:
        return self.utc_s + (at_s - self.at_s) * (1 + self.rate)


class NoticedTime:
    """`anchor` is None until two notices agree."""

    def __init__(self, anchor: Anchor | None = None, rate: float = 0.0) -> None:
        """With what an earlier life of the program has found out: since power-on, or of the crystal."""
        self.anchor = anchor
        self._rate = anchor.rate if anchor else rate
        self._said: Anchor | None = None
        self._recent: deque[Anchor] = deque(maxlen=RECENT)
        self._late: deque[Anchor] = deque(maxlen=LATE_IN_A_ROW)
        self._blocks: deque[Anchor] = deque(maxlen=BLOCKS)

    @property
    def rate(self) -> float:
        """What UTC gains on the board's clock, seconds a second; 0 until it is known."""
        return self._rate

    def bound_at(self, at_s: float) -> float | None:
        """It is at least so late, by the controller's last word in this life."""
        return None if self._said is None else self._said.utc_at(at_s)

    def utc_at(self, at_s: float) -> float | None:
        return None if self.anchor is None else self.anchor.utc_at(at_s)

    def hear(self, utc_s: float, at_s: float) -> None:
        """A notice came in at `at_s`; they come in the order of `at_s`."""
        self._said = notice = Anchor(at_s, utc_s, self._rate)
        if self.anchor is None:
            self._recent.append(notice)
            self._agree()
            return
        ahead_s = utc_s - self.anchor.utc_at(at_s)
        if ahead_s > AGREE_S:
            self._begin_anew([notice])
        elif ahead_s < -AGREE_S:
            self._late.append(notice)
            if len(self._late) == LATE_IN_A_ROW and self._agree_in_a_row(self._late):
                self._begin_anew(list(self._late))
        else:
            self._late.clear()
            self._recent.append(notice)
            self._learn(notice)
            self._settle()

    def _begin_anew(self, notices: Iterable[Anchor]) -> None:
        """The controller disproves our time: what was learned of it is worth nothing, the crystal stays."""
        self.anchor = None
        for memory in (self._recent, self._late, self._blocks):
            memory.clear()
        self._recent.extend(notices)
        self._agree()

    def _agree(self) -> None:
        """Those that agree with the last one, if any of them came long enough before it."""
        last = self._recent[-1]
        agreeing = [one for one in self._recent if abs(self._gap_s(one, last)) <= AGREE_S]
        if last.at_s - agreeing[0].at_s < APART_S:
            return
        self._recent.clear()
        self._recent.extend(agreeing)
        self._settle()

    def _agree_in_a_row(self, notices: Iterable[Anchor]) -> bool:
        return all(
            abs(self._gap_s(one, other)) <= AGREE_S and other.at_s - one.at_s >= APART_S
            for one, other in pairwise(notices)
        )

    def _gap_s(self, one: Anchor, other: Anchor) -> float:
        return other.utc_s - self._carried(one, other.at_s)

    def _carried(self, notice: Anchor, at_s: float) -> float:
        return Anchor(notice.at_s, notice.utc_s, self._rate).utc_at(at_s)

    def _settle(self) -> None:
        """The least delayed of the last quarter of an hour says what time it is."""
        at_s = self._recent[-1].at_s
        self.anchor = Anchor(at_s, max(self._carried(one, at_s) for one in self._recent), self._rate)

    def _learn(self, notice: Anchor) -> None:
        """The least delayed of each hour; from the first to the last whole hour, how fast UTC gains."""
        last = self._blocks[-1] if self._blocks else None
        if last is not None and last.at_s // BLOCK_S == notice.at_s // BLOCK_S:
            if self._gap_s(last, notice) > 0:
                self._blocks[-1] = notice
            return
        self._rate = self._learned_rate()
        self._blocks.append(notice)

    def _learned_rate(self) -> float:
        if len(self._blocks) < 2:
            return self._rate
        first, last = self._blocks[0], self._blocks[-1]
        span_s = last.at_s - first.at_s
        rate = (last.utc_s - first.utc_s) / span_s - 1
        return rate if span_s >= LEARN_S and abs(rate) <= WORST_RATE else self._rate
