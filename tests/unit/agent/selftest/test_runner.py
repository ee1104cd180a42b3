"""When the station tests itself, what it refuses, what it remembers."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.errors import AgentError, SelfTestBusy, SelfTestMissing, SelfTestQuiet
from agent.selftest.runner import SelfTest
from firmware_sim.horn import Horn, HornFault
from firmware_sim.horn_ear import HornEar
from wire.evidence import SelfTestFinding as Finding
from wire.evidence import SelfTestKind as Kind
from wire.evidence import SelfTestVerdict as Verdict
from wire.ids import ClockTrust
from wire.messages import QuietHours

MORNING = datetime(2026, 11, 23, 2, 50, tzinfo=UTC)
"""Ten to ten in Việt Nam: past every station's own instant, inside the window."""
MIDNIGHT = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)


class Patient:
    """A life with a horn. `stage_free` stands for the stage."""

    def __init__(self, life: Any, horn: Horn, pace: float = 0.0) -> None:
        self.life = life
        self.ear = HornEar(horn, pace=pace)
        self.stage_free = True
        self.told = 0
        self.test = self.born()

    def born(self, kinds: tuple[Kind, ...] = tuple(Kind)) -> SelfTest:
        made = SelfTest(self.ear, kinds, self.life.agenda, lambda: self.stage_free, self.life.folder)
        made.on_result = self.tell
        return made

    def tell(self) -> None:
        self.told += 1

    def verdicts(self) -> tuple[Verdict | None, Verdict | None]:
        acoustic, electrical = self.test.results()
        return acoustic.verdict if acoustic else None, electrical.verdict if electrical else None


@pytest.fixture
async def tested(life: Any, make_card: Callable[..., Any]) -> Patient:
    set_clock(life, MORNING)
    quiet = QuietHours(begins=time(22, 0), ends=time(4, 30))
    await life.take(make_card(version=2, quiet_hours=quiet))
    return Patient(life, Horn(5))


def set_clock(life: Any, at: datetime) -> None:
    life.clock.shift += at - life.clock.now()


async def run_until(tested: Patient, look: Callable[[], Any]) -> None:
    async with asyncio.TaskGroup() as group:
        running = group.create_task(tested.test.run())
        await tested.life.until(look, within_s=60)
        running.cancel()


async def test_the_first_morning_it_learns_how_it_sounds(tested: Patient) -> None:
    await run_until(tested, lambda: all(tested.verdicts()))
    assert tested.verdicts() == (Verdict.CALIBRATED, Verdict.CALIBRATED)
    assert tested.told == 2


async def test_a_month_later_it_is_compared_with_itself(tested: Patient) -> None:
    set_clock(tested.life, MORNING - timedelta(days=30))
    for kind in Kind:
        assert (await tested.test.now(kind)).verdict is Verdict.CALIBRATED
    set_clock(tested.life, MORNING)
    tested.test = tested.born()
    await run_until(tested, lambda: tested.told == 4)
    assert tested.verdicts() == (Verdict.PASSED, Verdict.PASSED)
    acoustic, electrical = tested.test.results()
    assert acoustic is not None
    assert electrical is not None
    assert acoustic.correlation is not None
    assert acoustic.correlation > 0.9
    assert len(acoustic.bands_db) == 8
    assert len(electrical.line_ma) == 1


async def test_results_outlive_a_restart(tested: Patient) -> None:
    made = await tested.test.now(Kind.ELECTRICAL)
    again = tested.born()
    assert again.results() == (None, made)


async def test_by_hand_a_fault_is_found(tested: Patient) -> None:
    learned = await tested.test.now(Kind.ACOUSTIC)
    assert (learned.verdict, learned.attempts) == (Verdict.CALIBRATED, 5)
    tested.ear.horn.break_down(HornFault.OPEN_LINE)
    result = await tested.test.now(Kind.ACOUSTIC)
    assert (result.verdict, result.findings) == (Verdict.FAILED, (Finding.SILENT,))
    assert result.attempts == 3


async def test_a_torn_line_needs_no_reference_to_be_found(tested: Patient) -> None:
    tested.ear.horn.break_down(HornFault.OPEN_LINE)
    told = await tested.test.now(Kind.ELECTRICAL, calibrate=True)
    assert (told.verdict, told.findings) == (Verdict.FAILED, (Finding.OPEN_LINE,))


async def test_after_a_repair_it_is_calibrated_anew(tested: Patient) -> None:
    await tested.test.now(Kind.ELECTRICAL)
    tested.ear.horn = Horn(6, lines=2)
    changed = await tested.test.now(Kind.ELECTRICAL)
    assert changed.verdict is Verdict.INCONCLUSIVE
    learned = await tested.test.now(Kind.ELECTRICAL, calibrate=True)
    assert (learned.verdict, len(learned.line_ma)) == (Verdict.CALIBRATED, 2)


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        (lambda tested: set_clock(tested.life, MIDNIGHT), SelfTestQuiet),
        (lambda tested: setattr(tested, "stage_free", False), SelfTestBusy),
        (lambda tested: setattr(tested, "test", tested.born((Kind.ELECTRICAL,))), SelfTestMissing),
    ],
)
async def test_what_is_refused(
    tested: Patient, change: Callable[[Patient], None], refusal: type[AgentError]
) -> None:
    change(tested)
    with pytest.raises(refusal):
        await tested.test.now(Kind.ACOUSTIC)
    assert tested.ear.soundings == 0


async def test_the_silent_test_may_run_in_quiet_hours_and_who_insists_may_wake_people(
    tested: Patient,
) -> None:
    set_clock(tested.life, MIDNIGHT)
    assert (await tested.test.now(Kind.ELECTRICAL)).verdict is Verdict.CALIBRATED
    assert (await tested.test.now(Kind.ACOUSTIC, insist=True)).verdict is Verdict.CALIBRATED


async def test_nothing_is_tested_when_something_is_to_sound_in_a_moment(
    tested: Patient, make_planned: Any, make_layer: Any
) -> None:
    planned = make_planned(start=tested.life.clock.now() + timedelta(seconds=15))
    await tested.life.take(make_layer(planned))
    with pytest.raises(SelfTestBusy):
        await tested.test.now(Kind.ELECTRICAL)


async def test_nothing_is_tested_while_an_alert_is_in_force(
    tested: Patient, make_alert: Any, make_board: Any
) -> None:
    now = tested.life.clock.now()
    alert = make_alert(sent_at=now, expires_at=now + timedelta(minutes=10))
    await tested.life.take(make_board(alert))
    with pytest.raises(SelfTestBusy):
        await tested.test.now(Kind.ELECTRICAL)


async def test_without_a_trusted_clock_nothing_is_tested_by_itself(tested: Patient) -> None:
    tested.life.clock.trusted = ClockTrust.UNKNOWN
    assert not tested.test._is_due(Kind.ELECTRICAL)
    tested.life.clock.trusted = ClockTrust.TRUSTED
    assert tested.test._is_due(Kind.ELECTRICAL)


async def test_whoever_comes_upon_the_stage_ends_the_test(tested: Patient) -> None:
    tested.ear.pace = 1.0
    async with asyncio.TaskGroup() as group:
        asked = group.create_task(tested.test.now(Kind.ACOUSTIC))
        await tested.life.until(lambda: tested.ear.soundings, within_s=60)
        with pytest.raises(SelfTestBusy):
            await tested.test.now(Kind.ELECTRICAL)
        await tested.test.yield_stage()
        result = await asked
    assert (result.verdict, result.findings) == (Verdict.INCONCLUSIVE, (Finding.INTERRUPTED,))
    assert tested.test.results() == (None, None)
    assert not tested.test._is_due(Kind.ACOUSTIC)
    tested.life.clock.ahead_s += 3600
    assert tested.test._is_due(Kind.ACOUSTIC)


async def test_a_test_that_waits_for_its_second_round_is_given_up_for_one_by_hand(tested: Patient) -> None:
    for kind in Kind:
        await tested.test.now(kind)
    tested.ear.horn.break_down(HornFault.OPEN_LINE)
    set_clock(tested.life, MORNING + timedelta(days=7))
    async with asyncio.TaskGroup() as group:
        running = group.create_task(tested.test.run())
        await tested.life.until(lambda: tested.test._waits, within_s=60)
        result = await tested.test.now(Kind.ELECTRICAL)
        running.cancel()
    assert (result.verdict, result.findings) == (Verdict.FAILED, (Finding.OPEN_LINE,))


async def test_a_sound_card_that_fails_does_not_end_the_station(tested: Patient) -> None:
    tested.ear.input_gone = True
    deaf = await tested.test.now(Kind.ACOUSTIC)
    assert (deaf.verdict, deaf.findings) == (Verdict.INCONCLUSIVE, (Finding.MICROPHONE_DEAD,))
    tested.ear.output_gone = True
    mute = await tested.test.now(Kind.ELECTRICAL)
    assert (mute.verdict, mute.findings) == (Verdict.INCONCLUSIVE, (Finding.INTERRUPTED,))


async def test_a_disk_that_takes_nothing_costs_the_memory_only(
    tested: Patient, caplog: pytest.LogCaptureFixture
) -> None:
    folder: Path = tested.life.folder
    (folder / "selftest.json.part").mkdir()
    assert (await tested.test.now(Kind.ELECTRICAL)).verdict is Verdict.CALIBRATED
    assert tested.verdicts() == (None, Verdict.CALIBRATED)
    assert "not written down" in caplog.text
