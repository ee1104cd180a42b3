"""A whole test on a simulated horn; how surely it finds each fault is told by `make bench-selftest`."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from agent.errors import MicrophoneFailed, SpeakerFailed
from agent.selftest.exam import AGAIN_AFTER_S, BETWEEN_S, DRIVES_DB
from agent.selftest.reference import AcousticReference, ElectricalReference
from firmware_sim.horn import HornFault
from firmware_sim.village_noise import Air
from wire.evidence import SelfTestFinding as Finding
from wire.evidence import SelfTestVerdict as Verdict

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
MakeBench = Callable[..., Any]
OTHER_DAY = Air(temperature_c=31.0, wind_ms=2.5, traffic_db=55.0, liveliness=0.0)


async def learned(bench: Any) -> tuple[AcousticReference, ElectricalReference]:
    acoustic, electrical = await bench.exam.hear_reference(NOW), await bench.exam.draw_reference(NOW)
    assert isinstance(acoustic, AcousticReference)
    assert isinstance(electrical, ElectricalReference)
    bench.ear.air = lambda: OTHER_DAY
    bench.pauses_s.clear()
    return acoustic, electrical


async def test_a_healthy_horn_passes_at_the_first_and_quietest_try(make_bench: MakeBench) -> None:
    bench = make_bench()
    acoustic, electrical = await learned(bench)
    heard, drawn = await bench.exam.acoustic(acoustic), await bench.exam.electrical(electrical)
    assert (heard.opinion.verdict, heard.attempts) == (Verdict.PASSED, 1)
    assert (drawn.opinion.verdict, drawn.attempts) == (Verdict.PASSED, 1)
    assert bench.pauses_s == [0.0, 0.0]


@pytest.mark.parametrize("fault", [fault for fault in HornFault if fault is not HornFault.MICROPHONE_DEAD])
async def test_a_sick_horn_is_blamed_after_three_tries_and_three_more(
    make_bench: MakeBench, fault: HornFault
) -> None:
    bench = make_bench()
    acoustic, _ = await learned(bench)
    bench.horn.break_down(fault)
    heard = await bench.exam.acoustic(acoustic)
    assert heard.opinion.verdict is Verdict.FAILED
    assert heard.attempts == 2 * len(DRIVES_DB)
    assert bench.pauses_s == [0.0, BETWEEN_S, BETWEEN_S, AGAIN_AFTER_S, BETWEEN_S, BETWEEN_S]


async def test_by_hand_there_is_no_second_round(make_bench: MakeBench) -> None:
    bench = make_bench()
    acoustic, _ = await learned(bench)
    bench.horn.break_down(HornFault.OPEN_LINE)
    heard = await bench.exam.acoustic(acoustic, rounds=1)
    assert heard.opinion.findings == (Finding.SILENT,)
    assert heard.attempts == len(DRIVES_DB)


async def test_a_dead_microphone_is_named_and_the_loudspeaker_is_not(make_bench: MakeBench) -> None:
    bench = make_bench()
    acoustic, _ = await learned(bench)
    bench.horn.break_down(HornFault.MICROPHONE_DEAD)
    heard = await bench.exam.acoustic(acoustic)
    assert heard.opinion.verdict is Verdict.INCONCLUSIVE
    assert heard.opinion.findings == (Finding.MICROPHONE_DEAD,)


async def test_a_storm_blames_nobody(make_bench: MakeBench) -> None:
    bench = make_bench()
    acoustic, _ = await learned(bench)
    bench.ear.air = lambda: Air(wind_ms=30.0, traffic_db=105.0)
    heard = await bench.exam.acoustic(acoustic)
    assert heard.opinion.verdict is Verdict.INCONCLUSIVE
    assert heard.opinion.findings == (Finding.TOO_NOISY,)


@pytest.mark.parametrize(
    ("fault", "finding"),
    [
        (HornFault.OPEN_LINE, Finding.OPEN_LINE),
        (HornFault.SHORTED_LINE, Finding.SHORTED_LINE),
        (HornFault.DRIVER_DEAD, Finding.LOAD_CHANGED),
    ],
)
async def test_the_silent_test_sees_the_lines(
    make_bench: MakeBench, fault: HornFault, finding: Finding
) -> None:
    bench = make_bench(lines=2)
    _, electrical = await learned(bench)
    bench.horn.break_down(fault, line=1)
    drawn = await bench.exam.electrical(electrical)
    assert drawn.opinion.findings == (finding,)
    assert drawn.opinion.verdict is Verdict.FAILED


async def test_what_is_silent_from_the_beginning_is_no_reference(make_bench: MakeBench) -> None:
    bench = make_bench()
    bench.horn.break_down(HornFault.OPEN_LINE)
    assert await bench.exam.hear_reference(NOW) is Finding.SILENT
    assert await bench.exam.draw_reference(NOW) is Finding.OPEN_LINE
    bench.horn.break_down(HornFault.MICROPHONE_DEAD)
    assert await bench.exam.hear_reference(NOW) is Finding.MICROPHONE_DEAD


async def test_a_sound_card_that_fails_is_said(make_bench: MakeBench) -> None:
    bench = make_bench()
    bench.ear.input_gone = True
    with pytest.raises(MicrophoneFailed):
        await bench.exam.hear_reference(NOW)
    bench.ear.output_gone = True
    with pytest.raises(SpeakerFailed):
        await bench.exam.draw_reference(NOW)
