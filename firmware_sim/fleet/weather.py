"""Lets the drawn faults begin and end on a process's boards, and writes down the truth."""

import asyncio
import heapq
import itertools
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from firmware_sim.fleet.acts import Undo, begin
from firmware_sim.fleet.board import Board
from firmware_sim.fleet.draw import Met
from firmware_sim.fleet.era import Era
from firmware_sim.fleet.truth import TruthLog


class Weather:
    """`run` returns after the last of it."""

    def __init__(self, boards: Mapping[str, Board], drawn: Iterable[Met], era: Era, truth: TruthLog) -> None:
        self._boards = boards
        self._era = era
        self._truth = truth
        self._numbers = itertools.count()
        self._to_come = [(met.begins_s, next(self._numbers), met) for met in drawn if met.station in boards]
        heapq.heapify(self._to_come)
        self._to_end: list[tuple[float, int, Met, Undo]] = []

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            while (next_s := self._next_s()) is not None:
                await asyncio.sleep(self._era.loop_s(next_s) - asyncio.get_running_loop().time())
                self._happen(next_s, group)

    def _next_s(self) -> float | None:
        heads = [heap[0][0] for heap in (self._to_come, self._to_end) if heap]
        return min(heads, default=None)

    def _happen(self, until_s: float, group: asyncio.TaskGroup) -> None:
        """What ends does so before what begins at the same instant."""
        while self._to_end and self._to_end[0][0] <= until_s:
            _, _, met, undo = heapq.heappop(self._to_end)
            undo()
            self._boards[met.station].faults -= 1
            self._truth.ends(self._now(), met)
        while self._to_come and self._to_come[0][0] <= until_s:
            self._begin(heapq.heappop(self._to_come)[2], group)

    def _begin(self, met: Met, group: asyncio.TaskGroup) -> None:
        board = self._boards[met.station]
        undo = begin(board, met.fault, group.create_task)
        board.faults += 1
        ends = None
        if met.ends_s is not None:
            heapq.heappush(self._to_end, (met.ends_s, next(self._numbers), met, undo))
            ends = self._era.began_at + timedelta(seconds=met.ends_s)
        self._truth.begins(self._now(), met, ends)

    def _now(self) -> datetime:
        return self._era.now(asyncio.get_running_loop().time())
