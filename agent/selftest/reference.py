"""How a station sounds when it is well: measured once, kept on its own disk in two copies."""

import base64
import hashlib
import json
import logging
import statistics
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
from pydantic import ValidationError

from agent.files import write_durably
from agent.selftest.analysis import Heard, Wave, likeness
from wire.base import Message, UtcDatetime
from wire.evidence import Finite, SelfTestResult
from wire.evidence import SelfTestFinding as Finding

log = logging.getLogger(__name__)

SWEEPS: Final = 5
AGREE: Final = 3
"""So many of the sweeps must tell the same before they become the reference."""
ALIKE: Final = 0.95
SPREAD_DB: Final = 1.5
LEAST_SNR_DB: Final = 20.0
LEAST_TILT_DB: Final = 8.0
LEAST_MA: Final = 5.0
"""A single 10 W horn draws 7 mA of the silent tone."""
_FILES = ("selftest.json", "selftest.copy.json")


class AcousticReference(Message):
    """The sweep as heard from a healthy horn at `drive_db`; fields as in `Heard`."""

    at: UtcDatetime
    drive_db: Finite
    level_db: Finite
    bands_db: tuple[Finite, ...]
    distortion_db: Finite
    tilt_db: Finite
    shape: str
    """Little-endian 32-bit floats in base64."""

    @property
    def wave(self) -> Wave:
        return np.frombuffer(base64.b64decode(self.shape), "<f4").astype(np.float64)


class ElectricalReference(Message):
    """What each line drew of the silent tone."""

    at: UtcDatetime
    line_ma: tuple[Finite, ...]


class Memory(Message):
    """All that a self-test must not forget in a power cut."""

    acoustic: AcousticReference | None = None
    electrical: ElectricalReference | None = None
    acoustic_result: SelfTestResult | None = None
    electrical_result: SelfTestResult | None = None


def acoustic_reference(sweeps: Sequence[Heard], drive_db: float, at: datetime) -> AcousticReference | Finding:
    """Of those that agree; what stands in the way where too few do, or too little is heard in them."""
    clear = [heard for heard in sweeps if _is_clear(heard)]
    if len(clear) < AGREE:
        return _why_not(sweeps)
    best = max(clear, key=lambda one: sum(_are_alike(one, other) for other in clear))
    agreed = [other for other in clear if _are_alike(best, other)]
    if len(agreed) < AGREE:
        return Finding.TOO_NOISY
    return AcousticReference(
        at=at,
        drive_db=drive_db,
        level_db=statistics.median(heard.level_db for heard in agreed),
        bands_db=tuple(map(statistics.median, zip(*(heard.bands_db for heard in agreed), strict=True))),
        distortion_db=statistics.median(heard.distortion_db for heard in agreed),
        tilt_db=min(heard.tilt_db for heard in agreed),
        shape=base64.b64encode(best.shape.astype("<f4").tobytes()).decode(),
    )


def electrical_reference(draws: Sequence[Sequence[float]], at: datetime) -> ElectricalReference | Finding:
    """The median of each line; no reference where one draws nothing that could be told from an open one."""
    if not draws or len(set(map(len, draws))) != 1 or not draws[0]:
        return Finding.AMPLIFIER_SILENT
    line_ma = tuple(statistics.median(line) for line in zip(*draws, strict=True))
    if min(line_ma) < LEAST_MA:
        return Finding.OPEN_LINE
    return ElectricalReference(at=at, line_ma=line_ma)


class MemoryFile:
    """In `folder`, twice: a copy that does not hold is put right from the other one."""

    def __init__(self, folder: Path) -> None:
        self._files = tuple(folder / name for name in _FILES)

    def load(self) -> Memory:
        """Empty where neither copy holds: the station is then calibrated anew."""
        for file in self._files:
            memory = _read(file)
            if memory is not None:
                return memory
        return Memory()

    def save(self, memory: Memory) -> None:
        """Raises OSError."""
        text = memory.model_dump_json()
        record = {"sha256": _digest(text), "memory": text}
        for file in self._files:
            write_durably(file, json.dumps(record).encode())


def _is_clear(heard: Heard) -> bool:
    """Well above the noise, not clipped, by a microphone that hears the village too."""
    return _snr_db(heard) >= LEAST_SNR_DB and not heard.clipped and heard.tilt_db >= LEAST_TILT_DB


def _why_not(sweeps: Sequence[Heard]) -> Finding:
    if statistics.median(heard.tilt_db for heard in sweeps) < LEAST_TILT_DB:
        return Finding.MICROPHONE_DEAD
    clipped = any(heard.clipped for heard in sweeps)
    faint = statistics.median(map(_snr_db, sweeps)) < LEAST_SNR_DB
    return Finding.SILENT if faint and not clipped else Finding.TOO_NOISY


def _snr_db(heard: Heard) -> float:
    return heard.level_db - heard.level_noise_db


def _are_alike(one: Heard, other: Heard) -> bool:
    if abs(one.level_db - other.level_db) > SPREAD_DB:
        return False
    return likeness(one.shape, other.shape)[0] >= ALIKE


def _read(file: Path) -> Memory | None:
    if not file.exists():
        return None
    try:
        record = json.loads(file.read_bytes())
        memory = Memory.model_validate_json(record["memory"])
        rotten = record["sha256"] != _digest(record["memory"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ValidationError) as error:
        log.warning("memory of self-tests unreadable: file=%s problem=%s", file.name, error)
        return None
    if rotten:
        log.warning("memory of self-tests damaged: file=%s", file.name)
    return None if rotten else memory


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
