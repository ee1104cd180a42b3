"""The fleet's simulated edges: storage that takes its time, sound on paper, events, commands, settings."""

import asyncio
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.errors import SettingsRefused
from agent.performer import Order
from firmware_sim.fleet.events import Event, EventLog, Happened, read
from firmware_sim.fleet.paper import PaperPerformer
from firmware_sim.fleet.settings import load
from firmware_sim.fleet.storage import CountedFiles, PatientDisk
from wire.ids import LatenessRule
from wire.messages import Item, Lateness, PlannedOccurrence


def planned(seconds: float, repeats: int = 1) -> PlannedOccurrence:
    return PlannedOccurrence(
        id="khan@20261123T000000Z",
        schedule="khan",
        start=datetime(2026, 11, 23, tzinfo=UTC),
        items=(Item(sha256="0" * 64, seconds=seconds, size_bytes=1),),
        repeats=repeats,
        lateness=Lateness(rule=LatenessRule.RESUME),
    )


async def test_work_for_threads_waits_as_a_card_makes_it_wait_and_keeps_its_order() -> None:
    loop = asyncio.get_running_loop()
    loop.set_default_executor(PatientDisk(loop, latency_s=0.05))
    done: list[int] = []
    begun_s = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(asyncio.to_thread(done.append, number))
    assert time.monotonic() - begun_s >= 0.05
    assert done == list(range(20))
    assert await asyncio.to_thread(threading.get_ident) == threading.get_ident()


async def test_a_failing_disk_fails_whoever_waits_for_it() -> None:
    loop = asyncio.get_running_loop()
    loop.set_default_executor(PatientDisk(loop, latency_s=0.0))
    with pytest.raises(FileNotFoundError):
        await asyncio.to_thread(Path("/nowhere/at/all").read_bytes)
    assert await asyncio.to_thread(lambda: 1) == 1


async def test_long_disk_work_lets_the_loop_turn_in_between() -> None:
    loop = asyncio.get_running_loop()
    loop.set_default_executor(PatientDisk(loop, latency_s=0.0, slice_s=0.002))
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        turning = group.create_task(turn())
        await asyncio.gather(*(asyncio.to_thread(time.sleep, 0.002) for _ in range(20)))
        turning.cancel()
    assert turns >= 20


async def perform(performer: PaperPerformer, order: Order, poked: asyncio.Event) -> None:
    """Until the performance is over."""
    async with asyncio.TaskGroup() as group:
        performance = performer.perform(order, group, poked.set)
        while not performance.is_over:
            poked.clear()
            await poked.wait()


def noted(tmp_path: Path, log: EventLog) -> list[Event]:
    log.flush()
    events, _ = read(tmp_path / "events")
    return events


async def test_a_paper_performance_counts_by_the_clock_from_its_instant_on(tmp_path: Path) -> None:
    log, poked = EventLog(tmp_path / "events"), asyncio.Event()
    start_s = time.monotonic() + 0.6
    await perform(PaperPerformer("s-1", log, 0.01), Order(planned(0.1, 2), 0.0, start_s, 80), poked)
    decided, first, ended = noted(tmp_path, log)
    assert [decided.happened, first.happened, ended.happened] == [
        Happened.DECIDED,
        Happened.FIRST_FRAME,
        Happened.ENDED,
    ]
    assert first.at_s == start_s
    assert ended.at_s == pytest.approx(start_s + 0.2)
    assert ended.sounded_s == pytest.approx(0.2, abs=0.001)


async def test_a_late_order_begins_after_the_output_delay_and_where_it_says(tmp_path: Path) -> None:
    log, poked = EventLog(tmp_path / "events"), asyncio.Event()
    order = Order(planned(10.0), 9.9, time.monotonic() - 5, 80)
    await perform(PaperPerformer("s-1", log, 0.05), order, poked)
    decided, first, ended = noted(tmp_path, log)
    assert first.at_s - decided.at_s == pytest.approx(0.05, abs=0.005)
    assert first.from_s == 9.9
    assert ended.sounded_s == pytest.approx(0.1, abs=0.001)


async def test_stopped_it_counts_no_further_and_nothing_comes_after(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events")
    performer = PaperPerformer("s-1", log, 0.0)
    async with asyncio.TaskGroup() as group:
        performance = performer.perform(Order(planned(30.0), 0.0, 0.0, 80), group, lambda: None)
        await asyncio.sleep(0.05)
        await performance.stop()
        counted_s = performance.sounded_s
        await performance.stop()
    assert 0.05 <= counted_s == performance.sounded_s < 30.0
    assert [one.happened for one in noted(tmp_path, log)] == [
        Happened.DECIDED,
        Happened.FIRST_FRAME,
        Happened.STOPPED,
    ]


async def test_stopped_before_its_instant_nothing_was_heard(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events")
    performer = PaperPerformer("s-1", log, 0.0)
    async with asyncio.TaskGroup() as group:
        order = Order(planned(1.0), 0.0, time.monotonic() + 60, 80)
        performance = performer.perform(order, group, lambda: None)
        await performer.close()
    assert (performance.sounded_s, performance.first_frame_at_s) == (0.0, None)
    assert [one.happened for one in noted(tmp_path, log)] == [Happened.DECIDED, Happened.STOPPED]


async def test_two_performances_at_once_are_a_fault(tmp_path: Path) -> None:
    performer = PaperPerformer("s-1", EventLog(tmp_path / "events"), 0.0)
    async with asyncio.TaskGroup() as group:
        performance = performer.perform(Order(planned(9.0), 0.0, 0.0, 80), group, lambda: None)
        with pytest.raises(AssertionError):
            performer.perform(Order(planned(9.0), 0.0, 0.0, 80), group, lambda: None)
        await performance.stop()


def test_several_writers_share_the_file_of_events_line_by_line(tmp_path: Path) -> None:
    logs = [EventLog(tmp_path / "events") for _ in range(3)]
    for number in range(30):
        logs[number % 3].note(Event(float(number), f"s-{number % 3}", Happened.ONLINE))
        logs[number % 3].flush()
    first, place = read(tmp_path / "events")
    assert [one.at_s for one in first] == [float(number) for number in range(30)]
    logs[0].note(Event(99.0, "s-0", Happened.ENDED, "a@20261123T000000Z", 1.0, 2.0))
    for log in logs:
        log.close()
    later, _ = read(tmp_path / "events", place)
    assert later == [Event(99.0, "s-0", Happened.ENDED, "a@20261123T000000Z", 1.0, 2.0)]


def test_half_a_line_is_left_for_the_next_look(tmp_path: Path) -> None:
    file = tmp_path / "events"
    file.write_text('{"at_s": 1.0, "station": "s", "happened": "online"}\n{"at_s": 2')
    events, place = read(file)
    assert [one.at_s for one in events] == [1.0]
    assert place == file.read_bytes().index(b"\n") + 1


def test_counted_sound_is_always_held(tmp_path: Path) -> None:
    files = CountedFiles(tmp_path / "sound")
    files.touch(frozenset({"a" * 64}))
    assert files.has("a" * 64)
    assert files.recheck("a" * 64)
    assert (files.bytes_held(), files.remove_unwanted(frozenset(), 0.0)) == (0, 0)


KEY = '[[controller_keys]]\nkty = "OKP"\ncrv = "Ed25519"\nx = "abc"\n'
PLACES = 'folder = "state"\nevents = "events.jsonl"\n'


def test_each_process_has_its_share_and_every_station_is_somebodys(tmp_path: Path) -> None:
    (tmp_path / "fleet.toml").write_text("count = 7\nprocesses = 3\n" + PLACES + KEY)
    settings = load(tmp_path / "fleet.toml")
    shares = [settings.part(number) for number in range(3)]
    assert sorted(name for share in shares for name in share) == [f"cum-loa-{n}" for n in range(7)]
    assert settings.folder == tmp_path / "state"


@pytest.mark.parametrize(
    "text",
    [
        PLACES + KEY,
        'count = 2\nstations = ["a"]\n' + PLACES + KEY,
        "count = 2\n" + PLACES,
        'stations = ["Không"]\n' + PLACES + KEY,
        "count = 2\nspeed = 9\n" + PLACES + KEY,
        "count = ",
    ],
    ids=["no station", "both", "no key", "bad id", "unknown setting", "no toml"],
)
def test_a_fleet_that_makes_no_sense_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "fleet.toml").write_text(text)
    with pytest.raises(SettingsRefused):
        load(tmp_path / "fleet.toml")
