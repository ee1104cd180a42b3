"""Simulated horns with their references, and figures as they would be heard."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from agent.selftest.analysis import Heard
from agent.selftest.exam import Exam
from agent.selftest.reference import AcousticReference, acoustic_reference
from firmware_sim.horn import Horn
from firmware_sim.horn_ear import HornEar
from firmware_sim.village_noise import Air

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


@dataclass
class Bench:
    """A horn whose station does not wait between tries; `pauses_s` is what it would have waited."""

    horn: Horn
    ear: HornEar
    exam: Exam
    pauses_s: list[float]


@pytest.fixture
def make_bench() -> Callable[..., Bench]:
    def make(seed: int = 5, lines: int = 1, drivers: int = 2) -> Bench:
        horn = Horn(seed, lines, drivers)
        ear = HornEar(horn, Air)
        pauses_s: list[float] = []

        async def pause(seconds: float) -> None:
            pauses_s.append(seconds)

        return Bench(horn, ear, Exam(ear, pause=pause), pauses_s)

    return make


@pytest.fixture
def make_heard() -> Callable[..., Heard]:
    """A clear sweep; anything may be changed."""

    def make(**changes: Any) -> Heard:
        shape = np.zeros(1632)
        shape[192:400] = np.sin(np.arange(208) / 8) * np.exp(-np.arange(208) / 60)
        values: dict[str, Any] = {
            "shape": shape,
            "level_db": -20.0,
            "level_noise_db": -70.0,
            "bands_db": (-20.0,) * 8,
            "bands_noise_db": (-70.0,) * 8,
            "distortion_db": -35.0,
            "distortion_noise_db": -50.0,
            "noise_db": -55.0,
            "hiss_db": -80.0,
            "clipped": 0.0,
        }
        return Heard(**(values | changes))

    return make


@pytest.fixture
def reference(make_heard: Callable[..., Heard]) -> AcousticReference:
    made = acoustic_reference([make_heard()] * 5, -18.0, NOW)
    assert isinstance(made, AcousticReference)
    return made
