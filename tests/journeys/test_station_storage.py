"""A memory card that is full, fails, is protected, slow, or has lost what was on it: the village still hears.

Whole stations in virtual time with real sound files; the cards are real file systems of their own.
"""

import asyncio
import random
import shutil
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from agent.app import Station
from firmware_sim.clock import SimulatedClock
from firmware_sim.scaled_loop import AT_ONCE, run_at
from tests.support.cards import Card, ext4_card, small_card
from tests.support.power import cut_station, settings_of
from tests.support.spoken_alert import spoken
from tests.support.virtual_station import AREA, VirtualStation
from tests.support.waiting import eventually
from wire import topics
from wire.alerts import AlertBoard, StandingLayer
from wire.evidence import StorageState
from wire.ids import Outcome
from wire.messages import Item, PlanLayer, PlannedOccurrence

T = TypeVar("T")
FIVE = datetime(2026, 11, 22, 22, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def in_virtual_time(story: Coroutine[Any, Any, T]) -> T:
    return run_at(AT_ONCE, story)


@dataclass
class Morning:
    """A station with a broadcast each minute, and what it takes to send it an alert."""

    station: VirtualStation
    spot: Item
    signal: Item
    voice: Item
    planned: list[PlannedOccurrence] = field(default_factory=list)

    @classmethod
    def on(cls, folder: Path, at: datetime = FIVE) -> "Morning":
        station = VirtualStation(folder, SimulatedClock(asyncio.get_running_loop().time, at - MINUTE))
        return cls(station, station.sound(3.0, 1), station.sound(1.0, 2), station.sound(2.0, 3))

    def plan(self, minutes: int, version: int = 1) -> PlanLayer:
        begins = FIVE + MINUTE * len(self.planned)
        self.planned += [
            self.station.planned("ban-tin", begins + MINUTE * number, self.spot) for number in range(minutes)
        ]
        now = self.station.machine.true_now()
        return PlanLayer(
            area=AREA,
            version=version,
            issued_at=now,
            expires_at=now + timedelta(days=14),
            occurrences=tuple(self.planned),
        )

    def board(self, version: int) -> AlertBoard:
        now = self.station.machine.true_now()
        alert = spoken(self.signal, self.voice, version, now)
        return AlertBoard(area=AREA, version=version, issued_at=now, alerts=(alert,))

    async def passed(self, minutes: float) -> None:
        """Since five o'clock."""
        await self.station.until(FIVE + minutes * MINUTE)

    def heard(self) -> list[str]:
        return [one.occurrence for one in self.station.heard()]


def storage_of(running: Station) -> StorageState:
    found = running.health.storage()
    assert found is not None
    return found


def check_once(morning: Morning, *alerts: AlertBoard) -> None:
    """All of the plan and each alert, once, whole."""
    wanted = [one.id for one in morning.planned] + [board.alerts[0].sounding for board in alerts]
    assert sorted(morning.heard()) == sorted(wanted)
    assert all(one.seconds > 2.9 and not one.silent_s for one in morning.station.heard())


def test_a_card_that_is_full_stops_nothing_and_is_used_again_when_there_is_room(tmp_path: Path) -> None:
    async def story(card: Card) -> None:
        morning = Morning.on(tmp_path)
        morning.station.hold(morning.plan(3).occurrences)
        async with morning.station.running() as running:
            await morning.passed(0.5)
            assert storage_of(running).remembers
            card.fill()
            await morning.passed(1.5)
            await morning.station.take(topics.plan(AREA), morning.plan(6, version=2))
            board = morning.board(1)
            await morning.station.take(topics.alerts(AREA), board)
            await morning.passed(4.5)
            state = storage_of(running)
            assert (state.writable, state.remembers) == (False, False)
            card.make_room()
            await morning.passed(7.5)
            state = storage_of(running)
            assert (state.writable, state.remembers) == (True, True)
        async with morning.station.running():
            await morning.passed(10)
        check_once(morning, board)
        reports = morning.station.reports()
        assert {report.outcome for report in reports.values()} == {Outcome.PLAYED}
        assert len(reports) == len(morning.planned) + 1

    with small_card(tmp_path / "state") as card:
        in_virtual_time(story(card))


def test_a_card_that_fails_in_the_middle_stops_nothing_and_nothing_is_heard_twice(tmp_path: Path) -> None:
    """The kernel gives the file system up; after the next boot it is there again, as old as it was."""

    async def until_it_fails(card: Card) -> Morning:
        morning = Morning.on(tmp_path)
        morning.station.hold(morning.plan(3).occurrences)
        async with morning.station.running() as running:
            await morning.passed(0.5)
            card.fail()
            await morning.station.take(topics.plan(AREA), morning.plan(2, version=2))
            await morning.station.take(topics.alerts(AREA), morning.board(1))
            await morning.passed(5)
            state = storage_of(running)
            assert (state.writable, state.remembers) == (False, False)
            assert running.journal.owed() == len(morning.planned) + 1, "its reports still go out"
        return morning

    async def next_boot(before: Morning) -> list[str]:
        morning = Morning.on(tmp_path, FIVE + 6 * MINUTE)
        morning.planned = before.planned
        morning.station.key = before.station.key
        async with morning.station.running():
            await asyncio.sleep(1)
            await morning.station.take(topics.plan(AREA), morning.plan(3, version=3))
            await morning.passed(9)
        return morning.heard()

    image, folder = tmp_path / "card.img", tmp_path / "state"
    with ext4_card(image, folder) as card:
        morning = in_virtual_time(until_it_fails(card))
        assert len(morning.heard()) == 6
    with ext4_card(image, folder):
        heard = in_virtual_time(next_boot(morning))
    assert sorted(heard) == sorted(set(heard))
    assert {one.id for one in morning.planned[6:]} <= set(heard)


def test_a_station_that_boots_on_a_protected_card_plays_what_it_holds_and_obeys_what_comes(
    tmp_path: Path,
) -> None:
    async def story(card: Card) -> None:
        morning = Morning.on(tmp_path)
        morning.station.hold(morning.plan(2).occurrences)
        async with morning.station.running():
            await asyncio.sleep(1)
        card.protect()
        async with morning.station.running() as running:
            await asyncio.sleep(1)
            await morning.station.take(topics.plan(AREA), morning.plan(2, version=2))
            board = morning.board(1)
            await morning.station.take(topics.alerts(AREA), board)
            await morning.passed(5)
            state = storage_of(running)
            assert (state.writable, state.remembers) == (False, False)
        check_once(morning, board)

    with ext4_card(tmp_path / "card.img", tmp_path / "state") as card:
        in_virtual_time(story(card))


def flipped(content: bytes, chance: random.Random) -> bytes:
    """One bit."""
    damaged = bytearray(content)
    damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
    return bytes(damaged)


def garbled(content: bytes, chance: random.Random) -> bytes:
    """A page of it is of something else."""
    begin = chance.randrange(0, len(content), 4096)
    return content[:begin] + chance.randbytes(min(4096, len(content) - begin)) + content[begin + 4096 :]


def halved(content: bytes, _: random.Random) -> bytes:
    return content[: len(content) // 2]


def emptied(_: bytes, __: random.Random) -> bytes:
    return b""


DAMAGES: tuple[Callable[[bytes, random.Random], bytes] | None, ...] = (
    flipped,
    garbled,
    halved,
    emptied,
    None,
)
"""None is a file that is gone."""


def damaged_states(state: Path, keep: Path) -> Iterator[tuple[str, str]]:
    """The state folder with one of its files damaged in one way, again and again."""
    paths = (path.relative_to(keep) for path in keep.rglob("*") if path.is_file())
    names = sorted(str(path) for path in paths if path.parts[0] != "sound")
    for name in names:
        for damage in DAMAGES:
            shutil.rmtree(state)
            shutil.copytree(keep, state)
            content = (state / name).read_bytes()
            if damage is None:
                (state / name).unlink()
            elif content:
                (state / name).write_bytes(damage(content, random.Random(name)))
            yield name, "gone" if damage is None else damage.__name__


def test_whatever_file_is_damaged_or_gone_the_next_broadcast_is_heard(tmp_path: Path) -> None:
    """But for the sound itself, which is read again each day and fetched anew."""
    state, keep = tmp_path / "state", tmp_path / "keep"
    tried: list[tuple[str, str]] = []

    async def fill() -> Morning:
        morning = Morning.on(tmp_path)
        planned = morning.plan(2).occurrences
        for version in (1, 2):
            morning.station.hold(planned, version)
        async with morning.station.running():
            await asyncio.sleep(1)
            for version in (1, 2):
                await morning.station.take(topics.alerts(AREA), morning.board(version))
                standing = StandingLayer(area=AREA, version=version, issued_at=FIVE)
                await morning.station.take(topics.standing(AREA), standing)
                await morning.passed(version)
            await morning.station.take(topics.plan(AREA), morning.plan(5, version=3))
            await morning.station.take(topics.plan(AREA), morning.plan(0, version=4))
            await morning.passed(2.5)
        return morning

    async def live(before: Morning, name: str) -> None:
        morning = Morning(
            VirtualStation(
                tmp_path,
                SimulatedClock(asyncio.get_running_loop().time, FIVE + 2.6 * MINUTE),
                before.station.key,
            ),
            before.spot,
            before.signal,
            before.voice,
        )
        shutil.rmtree(tmp_path / "heard", ignore_errors=True)
        async with morning.station.running():
            await morning.passed(4.5)
        wanted = {one.id for one in before.planned[3:5]}
        assert wanted <= set(morning.heard()), (name, morning.heard())

    morning = in_virtual_time(fill())
    shutil.copytree(state, keep)
    for name, damage in damaged_states(state, keep):
        tried.append((name, damage))
        in_virtual_time(live(morning, name))
    kinds = {name.split("/")[0] for name, _ in tried}
    assert {"boards", "layers", "standing", "card.jws", "journal.sqlite"} <= kinds


def test_a_card_that_takes_five_seconds_for_every_write_keeps_no_alert_waiting(
    tmp_path: Path, centre: Any, broker: Any, make_sound: Any
) -> None:
    signal, voice = make_sound(1.0, 1).item, make_sound(1.0, 2).item
    with cut_station(
        "cum-loa-1", tmp_path / "cum-loa-1", settings_of("cum-loa-1", centre.key, broker)
    ) as one:
        centre.send_card()
        one.boot()
        centre.heartbeat_with(lambda beat: beat.card_version, "station up")
        one.switch_off()
        one.boot(LOABAN_POWER_SLOW_MS="5000")
        beats = len(centre.heartbeats)
        eventually(lambda: len(centre.heartbeats) > beats, "station up again", 30)
        now = datetime.now(UTC)
        alert = spoken(signal, voice, now=now)
        for item in (signal, voice):
            name = f"{item.sha256}.opus"
            shutil.copy(tmp_path / "media" / name, one.folder / "state" / "sound" / name)
        centre.send(topics.alerts(AREA), AlertBoard(area=AREA, version=1, issued_at=now, alerts=(alert,)))
        first = eventually(one.heard, "heard", 20)[0]
        assert (first.begins_at - now).total_seconds() < 4
        assert centre.report_of(alert.sounding, within_s=60).outcome is Outcome.PLAYED
