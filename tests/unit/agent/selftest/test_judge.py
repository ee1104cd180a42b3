"""Each rule by itself."""

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pytest

from agent.selftest.analysis import Heard
from agent.selftest.judge import Limits, Opinion, conclude, is_cleared, judge, judge_lines
from agent.selftest.reference import AcousticReference, ElectricalReference
from wire.evidence import SelfTestFinding as Finding
from wire.evidence import SelfTestVerdict as Verdict

MakeHeard = Callable[..., Heard]
LINES = ElectricalReference(at=datetime(2026, 11, 23, tzinfo=UTC), line_ma=(30.0, 60.0))
ONE_LINE = LINES.model_copy(update={"line_ma": (30.0,)})


def found(heard: Heard, reference: AcousticReference, drive_db: float = -18.0) -> Opinion:
    return judge(heard, reference, drive_db)


def test_the_same_again_is_well(make_heard: MakeHeard, reference: AcousticReference) -> None:
    opinion = found(make_heard(level_db=-19.0, bands_db=(-19.0,) * 8), reference)
    assert (opinion.verdict, opinion.findings) == (Verdict.PASSED, ())
    assert opinion.level_db == pytest.approx(1.0)
    assert opinion.bands_db == pytest.approx((1.0,) * 8)
    assert opinion.correlation == pytest.approx(1.0, abs=0.001)


@pytest.mark.parametrize(
    ("level_db", "findings"),
    [(-22.5, ()), (-23.5, (Finding.WEAK,)), (-39.0, (Finding.WEAK,)), (-41.0, (Finding.SILENT,))],
)
def test_loudness(
    make_heard: MakeHeard, reference: AcousticReference, level_db: float, findings: tuple[Finding, ...]
) -> None:
    opinion = found(make_heard(level_db=level_db), reference)
    assert opinion.findings == findings
    assert opinion.verdict is (Verdict.FAILED if findings else Verdict.PASSED)


def test_one_band_alone(make_heard: MakeHeard, reference: AcousticReference) -> None:
    opinion = found(make_heard(bands_db=(-20.0,) * 7 + (-27.0,)), reference)
    assert opinion.findings == (Finding.BANDS_LOST,)


def test_a_band_that_is_lost_in_noise_says_nothing(
    make_heard: MakeHeard, reference: AcousticReference
) -> None:
    heard = make_heard(bands_db=(-20.0,) * 7 + (-27.0,), bands_noise_db=(-70.0,) * 7 + (-25.0,))
    assert found(heard, reference).verdict is Verdict.PASSED


def test_another_shape_is_something_that_has_changed(
    make_heard: MakeHeard, reference: AcousticReference
) -> None:
    other = np.random.default_rng(2).standard_normal(1632)
    assert found(make_heard(shape=other), reference).findings == (Finding.CHANGED,)


def test_rattling(make_heard: MakeHeard, reference: AcousticReference) -> None:
    assert found(make_heard(distortion_db=-20.0), reference).findings == (Finding.DISTORTED,)
    assert found(make_heard(distortion_db=-31.0), reference).verdict is Verdict.PASSED
    drowned = make_heard(distortion_db=-20.0, distortion_noise_db=-18.0)
    assert found(drowned, reference).verdict is Verdict.PASSED


def test_a_healthy_horn_may_bend_more_when_it_is_driven_harder(
    make_heard: MakeHeard, reference: AcousticReference
) -> None:
    heard = make_heard(distortion_db=-25.0)
    assert found(heard, reference, drive_db=-18.0).findings == (Finding.DISTORTED,)
    assert found(heard, reference, drive_db=-12.0).verdict is Verdict.PASSED


def test_noise_says_nothing(make_heard: MakeHeard, reference: AcousticReference) -> None:
    loud = make_heard(level_db=-38.0, level_noise_db=-30.0)
    bands = make_heard(level_db=-38.0, bands_noise_db=(-70.0,) * 4 + (-25.0,) * 4)
    clipped = make_heard(level_db=-38.0, clipped=0.01)
    for heard in (loud, bands, clipped):
        opinion = found(heard, reference)
        assert (opinion.verdict, opinion.findings) == (Verdict.INCONCLUSIVE, (Finding.TOO_NOISY,))


def test_a_microphone_that_hears_no_village_blames_nobody(
    make_heard: MakeHeard, reference: AcousticReference
) -> None:
    dead = make_heard(level_db=-80.0, noise_db=-92.0, hiss_db=-87.0)
    opinion = found(dead, reference)
    assert (opinion.verdict, opinion.findings) == (Verdict.INCONCLUSIVE, (Finding.MICROPHONE_DEAD,))


def test_a_microphone_that_hears_the_sound_is_alive(
    make_heard: MakeHeard, reference: AcousticReference
) -> None:
    assert found(make_heard(noise_db=-92.0, hiss_db=-87.0), reference).verdict is Verdict.PASSED


@pytest.mark.parametrize(
    ("line_ma", "findings"),
    [
        ((30.0, 60.0), ()),
        ((33.0, 53.0), ()),
        ((1.0, 60.0), (Finding.OPEN_LINE,)),
        ((30.0, 180.0), (Finding.SHORTED_LINE,)),
        ((15.0, 60.0), (Finding.LOAD_CHANGED,)),
        ((30.0, 90.0), (Finding.LOAD_CHANGED,)),
        ((1.0, 180.0), (Finding.OPEN_LINE, Finding.SHORTED_LINE)),
        ((0.0, 0.5), (Finding.AMPLIFIER_SILENT,)),
    ],
)
def test_currents(line_ma: tuple[float, ...], findings: tuple[Finding, ...]) -> None:
    opinion = judge_lines(line_ma, LINES)
    assert opinion.findings == findings
    assert opinion.verdict is (Verdict.FAILED if findings else Verdict.PASSED)
    assert opinion.line_ma == line_ma


def test_a_single_line_that_draws_nothing_is_open() -> None:
    assert judge_lines((0.2,), ONE_LINE).findings == (Finding.OPEN_LINE,)


def test_another_number_of_lines_cannot_be_compared() -> None:
    assert judge_lines((30.0,), LINES).verdict is Verdict.INCONCLUSIVE


WELL, ILL = Opinion(Verdict.PASSED), Opinion(Verdict.FAILED, (Finding.WEAK,))
UNSURE = Opinion(Verdict.INCONCLUSIVE, (Finding.TOO_NOISY,))


@pytest.mark.parametrize(
    ("opinions", "verdict"),
    [
        ([WELL], Verdict.PASSED),
        ([ILL, WELL], Verdict.PASSED),
        ([ILL, ILL, WELL], Verdict.FAILED),
        ([ILL, UNSURE, ILL], Verdict.FAILED),
        ([ILL, UNSURE, UNSURE], Verdict.INCONCLUSIVE),
        ([UNSURE] * 6, Verdict.INCONCLUSIVE),
        ([ILL], Verdict.INCONCLUSIVE),
        ([], Verdict.INCONCLUSIVE),
    ],
)
def test_what_is_blamed_was_found_more_than_once(opinions: list[Opinion], verdict: Verdict) -> None:
    assert conclude(opinions).verdict is verdict
    assert is_cleared(opinions) is (verdict is Verdict.PASSED)


def test_limits_are_settings(make_heard: MakeHeard, reference: AcousticReference) -> None:
    heard = make_heard(level_db=-24.0)
    assert judge(heard, reference, -18.0, Limits(weak_db=-5.0)).verdict is Verdict.PASSED
