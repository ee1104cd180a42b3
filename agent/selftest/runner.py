"""The station's own tests: when they are due, that they never disturb, and what came of the last ones."""

import asyncio
import logging
import uuid
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from agent.agenda import Agenda
from agent.errors import (
    AmplifierFailed,
    MicrophoneFailed,
    SelfTestBusy,
    SelfTestMissing,
    SelfTestQuiet,
    SpeakerFailed,
    SpeakerMisuse,
)
from agent.selftest.contract import Ear
from agent.selftest.exam import AGAIN_AFTER_S, PILOTS, Conclusion, Exam
from agent.selftest.judge import Opinion
from agent.selftest.polite import GaveWay, PoliteEar
from agent.selftest.reference import SWEEPS, MemoryFile
from agent.selftest.times import AGAIN_UNCLEAR, is_due
from wire.evidence import SelfTestFinding as Finding
from wire.evidence import SelfTestKind as Kind
from wire.evidence import SelfTestResult
from wire.evidence import SelfTestVerdict as Verdict

log = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 30.0
CLEAR_AHEAD: Final = timedelta(seconds=20)
"""Nothing may be due so soon, and no quiet hours begin: longer than one sound with all around it."""
FREE_LOOKS: Final = 60
"""The second round waits so often for the loudspeaker."""


class SelfTest:
    """`run` keeps the card's times; `now` is for somebody who stands before the station.

    `on_result` is told of each. `kinds` are those that this board has the parts for.
    """

    def __init__(
        self,
        ear: Ear,
        kinds: Iterable[Kind],
        agenda: Agenda,
        is_stage_free: Callable[[], bool],
        folder: Path,
    ) -> None:
        self._kinds = tuple(kind for kind in (Kind.ELECTRICAL, Kind.ACOUSTIC) if kind in set(kinds))
        self._agenda = agenda
        self._clock = agenda.clock
        self._is_stage_free = is_stage_free
        self._ear = PoliteEar(ear, self._may_sound)
        self._file = MemoryFile(folder)
        self._memory = self._file.load()
        self._busy = asyncio.Lock()
        self._insists = False
        self._waits = False
        self._hurry = asyncio.Event()
        self._not_before_s = dict.fromkeys(Kind, 0.0)
        self.on_result: Callable[[], None] = lambda: None

    def results(self) -> tuple[SelfTestResult | None, SelfTestResult | None]:
        """The last acoustic and the last electrical one that came to its end, however long ago."""
        return self._memory.acoustic_result, self._memory.electrical_result

    async def yield_stage(self) -> None:
        """Before anything else sounds: returns when the test is silent, at once where there is none."""
        await self._ear.yield_stage()

    async def run(self) -> None:
        """Supervised; for ever."""
        while True:
            for kind in self._kinds:
                if self._is_due(kind):
                    async with self._busy:
                        await self._test(kind, rounds=2, calibrate=False)
            await asyncio.sleep(LOOK_EVERY_S)

    async def now(self, kind: Kind, *, calibrate: bool = False, insist: bool = False) -> SelfTestResult:
        """By hand: three tries and no second round. With `calibrate` the station learns how it sounds.

        Raises `SelfTestMissing` where the board has no part for it, `SelfTestBusy` while something sounds or
        is about to, `SelfTestQuiet` for an audible test in quiet hours. Who insists is stopped only by what
        sounds; a test that waits for its second round is given up for this one.
        """
        if kind not in self._kinds:
            raise SelfTestMissing(kind=kind)
        if kind is Kind.ACOUSTIC and self._is_quiet() and not insist:
            raise SelfTestQuiet
        under_way = self._busy.locked() and not self._waits
        if under_way or not (self._is_stage_free() if insist else self._may_sound()):
            raise SelfTestBusy
        self._hurry.set()
        async with self._busy:
            self._hurry.clear()
            self._insists = insist
            try:
                return await self._test(kind, rounds=1, calibrate=calibrate)
            finally:
                self._insists = False

    def _is_due(self, kind: Kind) -> bool:
        card, at = self._agenda.store.card, self._agenda.moment()
        if card is None or not at.clock_trusted or self._busy.locked():
            return False
        if self._clock.monotonic_s() < self._not_before_s[kind]:
            return False
        last = self._memory.acoustic_result if kind is Kind.ACOUSTIC else self._memory.electrical_result
        return is_due(kind, card, last, at.now) and not self._is_quiet() and self._may_sound()

    def _is_quiet(self) -> bool:
        """Without a trusted clock nobody knows; then only whoever stands there can ask for a test."""
        quiet, at = self._agenda.quiet(), self._agenda.moment()
        if quiet is None or not at.clock_trusted:
            return False
        return quiet.covers(at.now) or quiet.covers(at.now + CLEAR_AHEAD)

    def _may_sound(self) -> bool:
        """No alert is in force, nothing sounds, and nothing is to begin in a moment."""
        if self._insists:
            return self._is_stage_free()
        if not self._is_stage_free() or any(self._agenda.alerts.in_force()):
            return False
        at = self._agenda.moment()
        soon = at.now + CLEAR_AHEAD
        return not any(at.now <= part.occurrence.start <= soon for part in self._agenda.parts(at).values())

    async def _test(self, kind: Kind, rounds: int, *, calibrate: bool) -> SelfTestResult:
        began_at = self._clock.now()
        try:
            conclusion = await self._examine(kind, rounds, began_at, calibrate=calibrate)
        except GaveWay:
            conclusion = _unsaid(Finding.INTERRUPTED)
        except MicrophoneFailed as problem:
            log.warning("self-test without a microphone: problem=%s", problem)
            conclusion = _unsaid(Finding.MICROPHONE_DEAD)
        except (SpeakerFailed, SpeakerMisuse, AmplifierFailed) as problem:
            log.warning("self-test not finished: kind=%s problem=%s", kind, problem)
            conclusion = _unsaid(Finding.INTERRUPTED)
        result = _result(kind, self._clock.now(), conclusion)
        await self._keep(kind, result)
        return result

    async def _examine(self, kind: Kind, rounds: int, at: datetime, *, calibrate: bool) -> Conclusion:
        exam = Exam(self._ear, pause=self._pause)
        memory = self._memory
        if kind is Kind.ACOUSTIC:
            if memory.acoustic is None or calibrate:
                return await self._calibrate_acoustic(exam, at)
            return await exam.acoustic(memory.acoustic, rounds)
        if memory.electrical is None or calibrate:
            return await self._calibrate_electrical(exam, at)
        return await exam.electrical(memory.electrical, rounds)

    async def _calibrate_acoustic(self, exam: Exam, at: datetime) -> Conclusion:
        made = await exam.hear_reference(at)
        if isinstance(made, Finding):
            return _no_reference(made)
        self._memory = self._memory.model_copy(update={"acoustic": made})
        return Conclusion(Opinion(Verdict.CALIBRATED), SWEEPS)

    async def _calibrate_electrical(self, exam: Exam, at: datetime) -> Conclusion:
        made = await exam.draw_reference(at)
        if isinstance(made, Finding):
            return _no_reference(made)
        self._memory = self._memory.model_copy(update={"electrical": made})
        return Conclusion(Opinion(Verdict.CALIBRATED, line_ma=made.line_ma), PILOTS)

    async def _pause(self, pause_s: float) -> None:
        if pause_s < AGAIN_AFTER_S:
            await asyncio.sleep(pause_s)
            return
        self._waits = True
        try:
            await self._wait_for_second_round(pause_s)
        finally:
            self._waits = False
        if self._is_quiet():
            raise GaveWay

    async def _wait_for_second_round(self, pause_s: float) -> None:
        """Raises `GaveWay` when somebody asks for a test by hand."""
        await self._rest(pause_s)
        for _ in range(FREE_LOOKS):
            if self._may_sound():
                return
            await self._rest(LOOK_EVERY_S)

    async def _rest(self, pause_s: float) -> None:
        try:
            async with asyncio.timeout(pause_s):
                await self._hurry.wait()
        except TimeoutError:
            return
        raise GaveWay

    async def _keep(self, kind: Kind, result: SelfTestResult) -> None:
        """One that was broken off says nothing, and takes nothing away from the last one."""
        if Finding.INTERRUPTED in result.findings:
            self._not_before_s[kind] = self._clock.monotonic_s() + AGAIN_UNCLEAR.total_seconds()
            log.info("self-test broken off: kind=%s", kind)
            return
        field = "acoustic_result" if kind is Kind.ACOUSTIC else "electrical_result"
        self._memory = self._memory.model_copy(update={field: result})
        log.info("self-test: kind=%s verdict=%s findings=%s", kind, result.verdict, ",".join(result.findings))
        self.on_result()
        try:
            await asyncio.to_thread(self._file.save, self._memory)
        except OSError as error:
            log.warning("self-test not written down: problem=%s", error)


def _unsaid(finding: Finding) -> Conclusion:
    return Conclusion(Opinion(Verdict.INCONCLUSIVE, (finding,)), 1)


def _no_reference(finding: Finding) -> Conclusion:
    """What kept it from being one. A line that draws nothing needs no comparison."""
    if finding is Finding.OPEN_LINE:
        return Conclusion(Opinion(Verdict.FAILED, (finding,)), 1)
    return _unsaid(finding)


def _result(kind: Kind, at: datetime, conclusion: Conclusion) -> SelfTestResult:
    opinion = conclusion.opinion
    return SelfTestResult(
        id=uuid.uuid4().hex,
        kind=kind,
        at=at,
        verdict=opinion.verdict,
        findings=opinion.findings,
        attempts=conclusion.attempts,
        level_db=_rounded(opinion.level_db, 1),
        bands_db=tuple(round(band, 1) for band in opinion.bands_db),
        correlation=_rounded(opinion.correlation, 3),
        noise_db=_rounded(opinion.noise_db, 1),
        line_ma=tuple(round(current, 1) for current in opinion.line_ma),
    )


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
