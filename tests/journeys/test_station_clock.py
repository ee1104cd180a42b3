"""A board's clock is wrong in every way boards know: nothing is heard at a wrong time, and nothing twice."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from firmware_sim.clock import NO_BATTERY, SimulatedClock
from firmware_sim.scaled_loop import AT_ONCE, run_at
from tests.support.virtual_station import AREA, Sounded, VirtualStation
from wire import topics
from wire.alerts import Alert, AlertBoard, Voice
from wire.ids import AlertKind, ClockTrust, LatenessRule, Outcome, OutcomeReason, Severity
from wire.messages import Item, Lateness, PlannedOccurrence, PlaybackReport, TimeNotice

SIX = datetime(2026, 11, 22, 23, 0, tzinfo=UTC)
"""In the morning, in Lào Cai."""
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
SECONDS = 20.0

Tell = Callable[[VirtualStation], Coroutine[Any, Any, None]]


@pytest.fixture
def live(tmp_path: Path) -> Callable[[Tell], VirtualStation]:
    """Tells the story in virtual time, ten minutes to six on; what is left to be looked at."""

    def run(tell: Tell) -> VirtualStation:
        async def story() -> VirtualStation:
            machine = SimulatedClock(asyncio.get_running_loop().time, SIX - 10 * MINUTE)
            station = VirtualStation(tmp_path, machine)
            await tell(station)
            return station

        return run_at(AT_ONCE, story())

    return run


def hourly(station: VirtualStation, count: int = 12, **changes: Any) -> list[PlannedOccurrence]:
    spot = station.sound(SECONDS)
    planned = [station.planned("gio", SIX + n * HOUR, spot, **changes) for n in range(count)]
    station.hold(planned)
    return planned


async def know_the_plan(station: VirtualStation) -> None:
    """A first life with a good clock: what is missed from here on is this station's to answer for."""
    async with station.running():
        await asyncio.sleep(60)


def starts(station: VirtualStation) -> list[str]:
    return [one.occurrence for one in station.heard()]


def is_on_time(one: Sounded, planned: Iterable[PlannedOccurrence], within_s: float = 1.0) -> bool:
    start = next(each.start for each in planned if each.id == one.occurrence)
    return abs((one.at - start).total_seconds()) <= within_s


def ending(report: PlaybackReport) -> tuple[Outcome, OutcomeReason | None]:
    return report.outcome, report.reason


def alert_of(station: VirtualStation, item: Item) -> AlertBoard:
    sent_at = station.machine.true_now()
    id_ = "kc-20261123-00000001"
    alert = Alert(
        id=id_,
        revision=1,
        sounding=f"{id_}-r1@{sent_at:%Y%m%dT%H%M%SZ}",
        kind=AlertKind.FLASH_FLOOD,
        severity=Severity.SEVERE,
        sent_at=sent_at,
        expires_at=sent_at + 10 * MINUTE,
        signal=item,
        voices=(Voice(language="vi", items=(item,)),),
        repeats=1,
        gap_s=0.0,
        lateness=Lateness(rule=LatenessRule.CONTINUE),
    )
    return AlertBoard(area=AREA, version=1, issued_at=sent_at, alerts=(alert,))


def test_a_board_that_boots_in_1970_is_silent_by_schedule_says_so_and_still_sounds_an_alert(
    live: Any,
) -> None:
    async def morning(station: VirtualStation) -> None:
        planned = hourly(station, 3)
        await know_the_plan(station)
        station.machine.boot()
        async with station.running() as running:
            await station.until(SIX + HOUR + 5 * MINUTE)
            heartbeat = await running.health.heartbeat()
            assert heartbeat.clock is ClockTrust.UNKNOWN
            assert station.heard() == []
            assert running.agenda.ledger.held[planned[0].id] is OutcomeReason.CLOCK_UNTRUSTED
            board = alert_of(station, station.sound(5.0, seed=2))
            sent_at = station.machine.true_now()
            await station.take(topics.alerts(AREA), board)
            await station.until(sent_at + MINUTE)
        (heard,) = station.heard()
        assert heard.occurrence == board.alerts[0].sounding
        assert (heard.at - sent_at).total_seconds() < 1
        assert station.reports()[heard.occurrence].outcome is Outcome.PLAYED

    live(morning)


@pytest.mark.parametrize("rule", [LatenessRule.RESUME, LatenessRule.SKIP])
def test_what_was_missed_before_the_clock_came_is_reported_and_not_fired_at_once(
    live: Any, rule: LatenessRule
) -> None:
    """Twelve of them, as happened to others; the next one is on time."""

    async def day(station: VirtualStation) -> None:
        planned = hourly(station, 13, lateness=Lateness(rule=rule, grace_s=10))
        await know_the_plan(station)
        station.machine.boot()
        async with station.running():
            await station.until(SIX + 11.5 * HOUR)
            assert station.heard() == []
            station.machine.synchronise()
            await station.until(SIX + 13 * HOUR)
        (heard,) = station.heard()
        assert heard.occurrence == planned[12].id
        assert is_on_time(heard, planned)
        reports = station.reports()
        assert [ending(reports[one.id]) for one in planned[:12]] == [
            (Outcome.MISSED, OutcomeReason.CLOCK_UNTRUSTED)
        ] * 12
        assert reports[planned[12].id].outcome is Outcome.PLAYED

    live(day)


def test_a_clock_that_comes_in_the_middle_of_a_broadcast_joins_it_there(live: Any) -> None:
    async def morning(station: VirtualStation) -> None:
        long = station.sound(300.0)
        planned = station.planned("dai", SIX, long)
        station.hold([planned])
        await know_the_plan(station)
        station.machine.boot()
        async with station.running():
            await station.until(SIX + 2 * MINUTE)
            station.machine.synchronise()
            await station.until(SIX + 10 * MINUTE)
        (heard,) = station.heard()
        assert 0 <= (heard.at - SIX - 2 * MINUTE).total_seconds() < 2
        assert abs((heard.at - SIX).total_seconds() + heard.seconds - 300) < 1
        assert ending(station.reports()[planned.id]) == (
            Outcome.PARTLY_PLAYED,
            OutcomeReason.CLOCK_UNTRUSTED,
        )

    live(morning)


def test_a_step_forwards_over_four_broadcasts_lets_none_of_them_sound_late(live: Any) -> None:
    async def day(station: VirtualStation) -> None:
        station.machine.step(-4.5 * 3600)
        planned = hourly(station, 8)
        async with station.running():
            await station.until(SIX + 3.6 * HOUR)
            assert station.heard() == []
            station.machine.synchronise()
            await station.until(SIX + 8 * HOUR)
        heard = station.heard()
        assert [one.occurrence for one in heard] == [one.id for one in planned[4:]]
        assert all(is_on_time(one, planned) for one in heard)
        missed = [station.reports()[one.id].outcome for one in planned[:4]]
        assert set(missed) == {Outcome.MISSED} or set(missed) == {Outcome.SKIPPED}

    live(day)


@pytest.mark.parametrize("minutes", [1, 59, 61, 180])
def test_a_step_backwards_repeats_nothing(live: Any, minutes: int) -> None:
    async def day(station: VirtualStation) -> None:
        planned = hourly(station, 6)
        async with station.running():
            await station.until(SIX + 3 * HOUR + MINUTE)
            station.machine.step(-minutes * 60)
            await station.until(SIX + 3 * HOUR + 20 * MINUTE)
            station.machine.synchronise()
            await station.until(SIX + 6 * HOUR)
        heard = station.heard()
        assert [one.occurrence for one in heard] == [one.id for one in planned]
        assert all(is_on_time(one, planned) for one in heard)

    live(day)


@pytest.mark.parametrize("seconds", [-300.0, -5.0, 5.0, 7200.0])
def test_a_step_in_the_middle_of_a_broadcast_neither_cuts_nor_repeats_it(live: Any, seconds: float) -> None:
    async def morning(station: VirtualStation) -> None:
        long = station.sound(60.0)
        planned = station.planned("dai", SIX, long)
        station.hold([planned])
        async with station.running():
            await station.until(SIX + timedelta(seconds=20))
            station.machine.step(seconds)
            await station.until(SIX + 5 * MINUTE)
            station.machine.synchronise()
            await station.until(SIX + 10 * MINUTE)
        (heard,) = station.heard()
        assert heard.at == SIX
        assert abs(heard.seconds - 60) < 0.05
        assert station.reports()[planned.id].outcome is Outcome.PLAYED

    live(morning)


def test_a_clock_that_falls_behind_what_is_certain_silences_what_goes_by_it(live: Any) -> None:
    async def morning(station: VirtualStation) -> None:
        planned = station.planned("dai", SIX, station.sound(120.0))
        station.hold([planned])
        async with station.running():
            await station.until(SIX + timedelta(seconds=20))
            station.machine.step(-7200)
            await station.until(SIX + timedelta(seconds=60))
            station.machine.synchronise()
            await station.until(SIX + 10 * MINUTE)
        before, after = station.heard()
        assert 20 <= before.seconds < 22
        assert 60 <= (after.at - SIX).total_seconds() < 62
        assert abs((after.at - SIX).total_seconds() + after.seconds - 120) < 0.5
        report = station.reports()[planned.id]
        assert ending(report) == (Outcome.PARTLY_PLAYED, OutcomeReason.CLOCK_UNTRUSTED)

    live(morning)


def test_small_steps_before_the_start_move_it_and_no_more(live: Any) -> None:
    """chrony sets the clock in small steps while a broadcast is armed."""

    async def morning(station: VirtualStation) -> None:
        planned = hourly(station, 1)
        async with station.running():
            for late_s, step_s in ((1.8, 0.3), (1.5, -0.3), (1.2, 0.04), (1.0, -0.04)):
                await station.until(SIX - timedelta(seconds=late_s))
                station.machine.step(step_s)
            await station.until(SIX + 2 * MINUTE)
        (heard,) = station.heard()
        assert abs((heard.at - planned[0].start).total_seconds()) < 0.01
        assert abs(heard.seconds - SECONDS) < 0.05

    live(morning)


def test_a_board_without_a_time_service_lives_by_the_controllers_notices(live: Any) -> None:
    async def morning(station: VirtualStation) -> None:
        planned = hourly(station, 4)
        station.machine.drift(100)
        station.machine.boot()
        async with station.running() as running:
            await station.hear_notices(1, lambda: 0.3)
            assert running.clock.trust() is ClockTrust.UNKNOWN
            await station.hear_notices(1, lambda: 0.1)
            assert (await running.health.heartbeat()).clock is ClockTrust.STALE
            await station.until(SIX + 3 * HOUR + MINUTE)
        heard = station.heard()
        assert [one.occurrence for one in heard] == [one.id for one in planned]
        assert all(is_on_time(one, planned, within_s=1.5) for one in heard)

    live(morning)


def test_a_restart_of_the_program_keeps_the_time_a_power_cut_does_not(live: Any) -> None:
    async def morning(station: VirtualStation) -> None:
        planned = hourly(station, 3)
        station.machine.boot()
        async with station.running():
            await station.hear_notices(4)
            await station.until(SIX + 2 * MINUTE)
        async with station.running() as running:
            assert running.clock.trust() is ClockTrust.STALE
            await station.until(SIX + HOUR + 2 * MINUTE)
        station.machine.boot(NO_BATTERY)
        async with station.running() as running:
            assert running.clock.trust() is ClockTrust.UNKNOWN
            await station.until(SIX + 2 * HOUR + 2 * MINUTE)
        assert starts(station) == [planned[0].id, planned[1].id]

    live(morning)


def test_a_router_that_hands_out_its_own_1970_is_not_believed(live: Any) -> None:
    async def morning(station: VirtualStation) -> None:
        hourly(station, 2)
        await know_the_plan(station)
        station.machine.boot()
        station.machine.synchronise(error_s=(NO_BATTERY - SIX).total_seconds())
        async with station.running() as running:
            await station.until(SIX + 5 * MINUTE)
            assert running.clock.trust() is ClockTrust.UNKNOWN
        assert station.heard() == []

    live(morning)


def test_notices_of_yesterday_played_back_make_nothing_sound(live: Any) -> None:
    """Whoever takes the broker over can silence a station; they cannot make it speak at night."""

    async def night(station: VirtualStation) -> None:
        spot = station.sound(SECONDS)
        before = SIX - 24 * HOUR
        station.hold([station.planned("hom-qua", before + n * MINUTE, spot) for n in range(0, 60, 5)])
        await know_the_plan(station)
        station.machine.boot()
        async with station.running() as running:
            for _ in range(40):
                await station.take(topics.TIME, TimeNotice(at=station.machine.true_now() - 24 * HOUR))
                await asyncio.sleep(60)
            assert running.clock.trust() is ClockTrust.UNKNOWN
        assert station.heard() == []

    live(night)
