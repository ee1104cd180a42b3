"""A small life of a station's files, cut at every single sync of it: what had been promised must hold.

`python -m tests.support.power_points <folder> <times>`, with the shim loaded: each sync is cut at once
strictly, and so many times with some of the rest surviving. One line for each broken promise, and at the end
how many cuts there were.
"""

import asyncio
import hashlib
import os
import random
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from agent.board_store import BoardStore
from agent.files import make_folder
from agent.journal import Journal
from agent.journal_opening import open_journal
from agent.sound_files import SoundFiles, hash_of
from agent.store import PlanStore
from firmware_sim.power.supply import PowerSupply
from wire.alerts import AlertBoard, StandingLayer
from wire.ids import LatenessRule, Outcome, OutcomeReason, StationKind
from wire.messages import Item, Lateness, PlanLayer, PlannedOccurrence, PlaybackReport, StationCard
from wire.signing import Keyring, SigningKey

AT = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
KEY = SigningKey.generate()
KEYRING = Keyring.of(KEY.public_jwk())
SOUND = random.Random(5).randbytes(40_000)
SHA256 = hashlib.sha256(SOUND).hexdigest()
DIED = 9


class NothingLeft(Exception):
    """The life had no such sync any more."""


@dataclass(frozen=True)
class Step:
    """`do` returns when it is promised; `holds` is asked after the cut, of the state folder."""

    name: str
    do: Callable[[Path], None]
    holds: Callable[[Path], bool]


def card(version: int) -> Step:
    document = StationCard(
        station="cum-loa-1",
        version=version,
        issued_at=AT,
        name="Cụm loa bản 1",
        kind=StationKind.VILLAGE_CLUSTER,
        areas=("lao-cai", "ta-van"),
        zone="Asia/Ho_Chi_Minh",
        media_url="http://127.0.0.1:9/media",
    )

    def holds(state: Path) -> bool:
        held = plan_store(state).card
        return held is not None and held.version >= version

    token = KEY.sign(document)
    return Step(f"card {version}", lambda state: PlanStore(state, KEYRING).keep_card(document, token), holds)


def layer(version: int) -> Step:
    document = PlanLayer(
        area="ta-van",
        version=version,
        issued_at=AT,
        expires_at=AT + timedelta(days=14),
        occurrences=tuple(occurrence(number) for number in range(20)),
    )

    def holds(state: Path) -> bool:
        held = plan_store(state).layer("ta-van")
        return held is not None and held.version >= version

    token = KEY.sign(document)
    return Step(f"plan {version}", lambda state: PlanStore(state, KEYRING).keep_layer(document, token), holds)


def standing(version: int) -> Step:
    document = StandingLayer(area="lao-cai", version=version, issued_at=AT)

    def holds(state: Path) -> bool:
        store = BoardStore(state, KEYRING)
        store.load()
        held = store.standing("lao-cai")
        return held is not None and held.version >= version

    token = KEY.sign(document)
    return Step(
        f"standing {version}",
        lambda state: BoardStore(state, KEYRING).keep_standing(document, token),
        holds,
    )


def board(version: int) -> Step:
    document = AlertBoard(area="lao-cai", version=version, issued_at=AT)

    def holds(state: Path) -> bool:
        store = BoardStore(state, KEYRING)
        store.load()
        held = store.board("lao-cai")
        return held is not None and held.version >= version

    token = KEY.sign(document)

    def do(state: Path) -> None:
        store = BoardStore(state, KEYRING)
        store.hold_board(document, token)
        asyncio.run(store.write())

    return Step(f"board {version}", do, holds)


def sound() -> Step:
    def do(state: Path) -> None:
        files = SoundFiles(state / "sound")
        files.part(SHA256).write_bytes(SOUND)
        assert files.accept(SHA256)

    return Step("sound", do, lambda state: SoundFiles(state / "sound").has(SHA256))


def begin(number: int) -> Step:
    planned = occurrence(number)

    def known(journal: Journal) -> bool:
        return planned.id in journal.begun() or planned.id in journal.ended()

    return journal_step(f"begun {number}", lambda one: one.begin(planned, "ta-van", AT), known)


def sounded(number: int, seconds: float) -> Step:
    id_ = occurrence(number).id

    def known(journal: Journal) -> bool:
        row = journal.begun().get(id_)
        return id_ in journal.ended() or (row is not None and row.sounded_s >= seconds)

    return journal_step(f"sounded {number}", lambda one: one.sounded(id_, seconds), known)


def interrupt(number: int) -> Step:
    id_ = occurrence(number).id

    def known(journal: Journal) -> bool:
        row = journal.begun().get(id_)
        return id_ in journal.ended() or (row is not None and row.interrupted)

    return journal_step(
        f"interrupted {number}",
        lambda one: one.interrupted(id_, 7.0, OutcomeReason.HIGHER_PRIORITY),
        known,
    )


def end(number: int) -> Step:
    id_ = occurrence(number).id
    report = PlaybackReport(
        id=f"r{number}", occurrence=id_, outcome=Outcome.PLAYED, seconds_played=9.0, ended_at=AT
    )

    def known(journal: Journal) -> bool:
        told = {one.id for one in (*journal.outbox(100), *journal.delivered())}
        return id_ in journal.ended() and id_ not in journal.begun() and report.id in told

    return journal_step(f"ended {number}", lambda one: one.end([report], AT), known)


def acknowledge(number: int) -> Step:
    def known(journal: Journal) -> bool:
        return f"r{number}" not in {one.id for one in journal.outbox(100)}

    return journal_step(f"acknowledged {number}", lambda one: one.acknowledge([f"r{number}"]), known)


def journal_step(name: str, do: Callable[[Journal], None], known: Callable[[Journal], bool]) -> Step:
    def done(state: Path) -> None:
        with closing(open_journal(state / "journal.sqlite")) as journal:
            do(journal)

    def holds(state: Path) -> bool:
        with closing(open_journal(state / "journal.sqlite")) as journal:
            return known(journal)

    return Step(name, done, holds)


def occurrence(number: int) -> PlannedOccurrence:
    start = AT + timedelta(minutes=number)
    return PlannedOccurrence(
        id=f"ban-tin@{start:%Y%m%dT%H%M%SZ}",
        schedule="ban-tin",
        start=start,
        items=(Item(sha256=SHA256, seconds=9.0, size_bytes=len(SOUND)),),
        lateness=Lateness(rule=LatenessRule.SKIP),
    )


def plan_store(state: Path) -> PlanStore:
    store = PlanStore(state, KEYRING)
    store.load()
    return store


STEPS = (
    layer(1),
    card(1),
    begin(1),
    sounded(1, 5.0),
    board(1),
    layer(2),
    end(1),
    sound(),
    begin(2),
    interrupt(2),
    acknowledge(1),
    card(2),
    standing(1),
    end(2),
    layer(3),
    board(2),
    acknowledge(2),
)


def live(state: Path, promises: int) -> None:
    """All steps; each one that is promised is told on `promises`."""
    make_folder(state)
    for step in STEPS:
        step.do(state)
        os.write(promises, b".")


def one_life(state: Path, when: str, sync: int) -> tuple[bool, int]:
    """Whether it was cut, and how many steps had been promised by then."""
    out, into = os.pipe()
    process = os.fork()
    if process == 0:
        os.environ[when] = str(sync)
        code = 1
        try:
            live(state, into)
            code = 0
        finally:
            os._exit(code)
    os.close(into)
    with os.fdopen(out, "rb") as pipe:
        promised = len(pipe.read())
    _, status = os.waitpid(process, 0)
    code = os.waitstatus_to_exitcode(status)
    if code not in {0, -DIED}:
        raise RuntimeError(f"life ended with {code}")
    return code == -DIED, promised


def broken(state: Path, promised: int) -> Iterator[str]:
    for step in STEPS[:promised]:
        if not step.holds(state):
            yield step.name
    if (state / "journal.sqlite.damaged").exists():
        yield "journal damaged"
    files = SoundFiles(state / "sound")
    if files.has(SHA256) and hash_of(files.path(SHA256)) != SHA256:
        yield "sound not whole"


def one_cut(supply: PowerSupply, state: Path, when: str, sync: int, luck: random.Random | None) -> list[str]:
    """The broken promises. Raises `NothingLeft` where the life was over before."""
    shutil.rmtree(state, ignore_errors=True)
    supply.switch_on()
    was_cut, promised = one_life(state, when, sync)
    if not was_cut:
        raise NothingLeft
    supply.cut(luck)
    return list(broken(state, promised))


def cuts_at_all(supply: PowerSupply, state: Path, when: str, times: int) -> Iterator[list[str]]:
    for sync in count(1):
        for luck in (None, *(random.Random(f"{sync} {time}") for time in range(times))):
            try:
                yield [f"{when} {sync}: {promise}" for promise in one_cut(supply, state, when, sync, luck)]
            except NothingLeft:
                return


def main(folder: Path, times: int) -> int:
    state = folder / "state"
    supply = PowerSupply(state, folder / "workshop")
    found = [
        one
        for when in ("LOABAN_POWER_CUT_AT", "LOABAN_POWER_CUT_AFTER")
        for one in cuts_at_all(supply, state, when, times)
    ]
    failures = [promise for one in found for promise in one]
    print(*failures, f"cuts={len(found)} broken={len(failures)}", sep="\n")  # noqa: T201
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
