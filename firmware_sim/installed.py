"""Simulated stations whose horns were calibrated when they were installed, however long ago."""

import asyncio
from datetime import datetime
from pathlib import Path

from agent.selftest.exam import Exam
from agent.selftest.reference import AcousticReference, ElectricalReference, Memory, MemoryFile
from firmware_sim.horn import Horn
from firmware_sim.horn_ear import HornEar
from firmware_sim.village_noise import Air
from wire.evidence import SelfTestKind, SelfTestResult, SelfTestVerdict

CALM = Air(temperature_c=22.0, wind_ms=1.0, traffic_db=40.0, liveliness=0.0)


class Installer:
    """Listens to each design of horn once; the many stations of a fleet share a few dozen designs."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int, int], tuple[AcousticReference, ElectricalReference]] = {}

    async def install(self, folder: Path, horn: Horn, at: datetime) -> None:
        """Leaves in the state `folder` what a calibration at `at` would have left.

        Raises OSError, or ValueError where this design cannot be calibrated at all.
        """
        acoustic, electrical = self._known.get(horn.design) or await self._listen(horn.design, at)
        memory = Memory(
            acoustic=acoustic.model_copy(update={"at": at}),
            electrical=electrical.model_copy(update={"at": at}),
            acoustic_result=_calibrated(SelfTestKind.ACOUSTIC, at),
            electrical_result=_calibrated(SelfTestKind.ELECTRICAL, at),
        )
        await asyncio.to_thread(_leave, folder, memory)

    async def _listen(
        self, design: tuple[int, int, int], at: datetime
    ) -> tuple[AcousticReference, ElectricalReference]:
        """On a healthy twin of it, on a calm day."""
        exam = Exam(HornEar(Horn(*design), lambda: CALM))
        acoustic, electrical = await exam.hear_reference(at), await exam.draw_reference(at)
        if not isinstance(acoustic, AcousticReference) or not isinstance(electrical, ElectricalReference):
            raise ValueError(f"no reference from {design}: {acoustic} {electrical}")  # noqa: TRY004
        self._known[design] = acoustic, electrical
        return acoustic, electrical


def _leave(folder: Path, memory: Memory) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    MemoryFile(folder).save(memory)


def _calibrated(kind: SelfTestKind, at: datetime) -> SelfTestResult:
    return SelfTestResult(
        id=f"installed-{kind}-{at:%Y%m%dT%H%M%SZ}", kind=kind, at=at, verdict=SelfTestVerdict.CALIBRATED
    )
