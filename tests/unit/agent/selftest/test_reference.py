"""What may become a station's reference, and how it outlives damage."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from agent.selftest.analysis import Heard
from agent.selftest.reference import (
    AcousticReference,
    ElectricalReference,
    Memory,
    MemoryFile,
    acoustic_reference,
    electrical_reference,
)
from wire.evidence import SelfTestFinding as Finding

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
MakeHeard = Callable[..., Heard]


def test_sweeps_that_agree_become_it(make_heard: MakeHeard) -> None:
    sweeps = [make_heard(level_db=-20.0 + step / 10) for step in range(4)] + [make_heard(level_db=-31.0)]
    made = acoustic_reference(sweeps, -18.0, NOW)
    assert isinstance(made, AcousticReference)
    assert made.level_db == pytest.approx(-19.85)
    assert np.allclose(made.wave, sweeps[0].shape, atol=1e-6)


def test_what_stands_in_the_way_is_said(make_heard: MakeHeard) -> None:
    cases = {
        Finding.SILENT: make_heard(level_db=-65.0),
        Finding.MICROPHONE_DEAD: make_heard(level_db=-65.0, noise_db=-90.0, hiss_db=-85.0),
        Finding.TOO_NOISY: make_heard(clipped=0.2),
    }
    for finding, heard in cases.items():
        assert acoustic_reference([heard] * 5, -18.0, NOW) is finding
    chance = np.random.default_rng(1)
    different = [make_heard(shape=chance.standard_normal(1632)) for _ in range(5)]
    assert acoustic_reference(different, -18.0, NOW) is Finding.TOO_NOISY


def test_currents_become_it_by_their_median() -> None:
    made = electrical_reference([(30.0, 61.0), (31.0, 60.0), (99.0, 59.0)], NOW)
    assert isinstance(made, ElectricalReference)
    assert made.line_ma == (31.0, 60.0)
    assert electrical_reference([(30.0, 0.1)] * 3, NOW) is Finding.OPEN_LINE
    assert electrical_reference([(), ()], NOW) is Finding.AMPLIFIER_SILENT
    assert electrical_reference([(30.0,), (30.0, 1.0)], NOW) is Finding.AMPLIFIER_SILENT


MEMORY = Memory(electrical=ElectricalReference(at=NOW, line_ma=(30.0,)))


def test_it_is_kept_in_two_copies(tmp_path: Path) -> None:
    file = MemoryFile(tmp_path)
    assert file.load() == Memory()
    file.save(MEMORY)
    copies = sorted(tmp_path.iterdir())
    assert len(copies) == 2
    for damaged in copies:
        whole = damaged.read_bytes()
        for content in (b"", whole[:40], whole.replace(b"30.0", b"31.0"), b"[1, 2]", b"\xff\xfe"):
            damaged.write_bytes(content)
            assert file.load() == MEMORY
        damaged.write_bytes(whole)


def test_where_both_copies_are_gone_it_is_learned_anew(tmp_path: Path) -> None:
    file = MemoryFile(tmp_path)
    file.save(MEMORY)
    for copy in tmp_path.iterdir():
        record = json.loads(copy.read_text())
        record["memory"] = record["memory"].replace("30.0", "31.0")
        copy.write_text(json.dumps(record))
    assert file.load() == Memory()
