"""How long the dispatch job needs for a whole province: 99 communes, 2,340 stations, 14 days.

Seconds of processor time. The floor, in the same run: encoding and signing the same documents, nothing else.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

from sqlalchemy.orm import Session

from controller.accounts.tables import Person
from controller.areas.tables import Area, AreaLevel
from controller.db.migrate import upgrade
from controller.db.session import Database
from controller.dispatch import service as dispatch
from controller.dispatch.service import Change
from controller.media.tables import Sound
from controller.programmes.tables import Programme, ProgrammeState
from controller.settings import Settings
from controller.stations.tables import Station
from controller.timetable import service as timetable
from controller.timetable.tables import Schedule, ScheduleItem, ScheduleState
from schedules.category import Category
from schedules.rule import Frequency, Rule
from wire.ids import LatenessRule, Priority, StationKind
from wire.messages import PlanLayer
from wire.signing import SigningKey

COMMUNES = 99
STATIONS = 2_340
DAYS = 14
ROUNDS = 5
NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
START = date(2026, 1, 1)


def daily(*times: str, **more: object) -> Rule:
    values = {"frequency": Frequency.DAILY, "start_date": START, "times": times, **more}
    return Rule.model_validate(values)


COMMUNE_DAY = (
    ("sang", daily("05:30"), Priority.NORMAL, 2),
    ("chieu", daily("17:00"), Priority.NORMAL, 3),
    ("suc-khoe", daily("06:15", frequency=Frequency.WEEKDAYS, weekdays=(0, 2, 4)), Priority.NORMAL, 1),
    ("cho-phien", daily("08:30", "10:30", frequency=Frequency.WEEKDAYS, weekdays=(6,)), Priority.NORMAL, 1),
    ("tiem-chung", daily("06:30", frequency=Frequency.MONTHLY, month_days=(1, 24, 25)), Priority.PRIORITY, 1),
)


def fill(session: Session) -> None:
    session.add(Person(id="p", username="p", full_name="P", password_hash="-", created_at=NOW))
    session.add(Area(id="lao-cai", level=AreaLevel.PROVINCE, name="Tỉnh Lào Cai"))
    session.flush()
    for number in range(COMMUNES):
        session.add(
            Area(id=f"xa-{number}", parent_id="lao-cai", level=AreaLevel.COMMUNE, name=f"Xã {number}")
        )
    session.flush()
    add_stations(session)
    add_schedule(session, "lao-cai", "tiep-am", daily("06:00", "18:00"), Priority.RELAY, 1)
    for number in range(COMMUNES):
        for name, rule, priority, items in COMMUNE_DAY:
            add_schedule(session, f"xa-{number}", f"{name}-{number}", rule, priority, items)


def add_stations(session: Session) -> None:
    for number in range(STATIONS):
        village, commune = f"thon-{number}", f"xa-{number % COMMUNES}"
        session.add(Area(id=village, parent_id=commune, level=AreaLevel.VILLAGE, name=village))
    session.flush()
    for number in range(STATIONS):
        session.add(
            Station(
                id=f"cum-loa-{number}",
                area_id=f"thon-{number}",
                name=f"Cụm loa thôn {number}",
                kind=StationKind.VILLAGE_CLUSTER,
                created_at=NOW,
            )
        )
    session.flush()


def add_schedule(  # noqa: PLR0917
    session: Session, area_id: str, schedule_id: str, rule: Rule, priority: Priority, items: int
) -> None:
    session.add(
        Schedule(
            id=schedule_id,
            area_id=area_id,
            title=f"Bản tin {schedule_id}",
            rule=rule.model_dump(mode="json"),
            priority=int(priority),
            lateness=LatenessRule.RESUME,
            state=ScheduleState.ACTIVE,
            created_by="p",
            created_at=NOW,
            changed_at=NOW,
        )
    )
    programmes = [add_programme(session, area_id, f"{schedule_id}-{index}") for index in range(items)]
    session.add_all(
        ScheduleItem(schedule_id=schedule_id, position=index, programme_id=id_)
        for index, id_ in enumerate(programmes)
    )
    session.flush()


def add_programme(session: Session, area_id: str, programme_id: str) -> str:
    digest = programme_id.encode().hex().rjust(64, "0")[-64:]
    sound = dict.fromkeys(("source_lufs", "source_true_peak_dbtp", "lufs", "true_peak_dbtp"), -16.0)
    session.add(
        Sound(
            sha256=digest,
            source_sha256=digest,
            recipe="plain",
            seconds=600.0,
            size_bytes=1_850_000,
            peaks=[],
            created_at=NOW,
            **sound,
        )
    )
    session.flush()
    session.add(
        Programme(
            id=programme_id,
            area_id=area_id,
            title=programme_id,
            category=Category.GENERAL,
            language="vi",
            sound_sha256=digest,
            state=ProgrammeState.APPROVED,
            created_by="p",
            created_at=NOW,
        )
    )
    session.flush()
    return programme_id


def seconds_of(work: Callable[[], object]) -> float:
    begun_s = time.process_time()
    work()
    return time.process_time() - begun_s


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'bench.db'}"
        upgrade(url)
        database, key = Database(url), SigningKey.generate()
        with database.write() as session:
            fill(session)
        settings = Settings(data_dir=Path(folder), plan_days=DAYS)
        print(measured(database, key, settings))
        database.close()


def measured(database: Database, key: SigningKey, settings: Settings) -> str:
    wanted: list[Change] = []

    def first_time() -> None:
        with database.write() as session:
            timetable.expand_all(session, NOW, DAYS)
        with database.read() as session:
            wanted.extend(dispatch.changes(session, NOW, settings))
        with database.write() as session:
            dispatch.issue(session, NOW, key, wanted)

    def nothing_new() -> None:
        with database.read() as session:
            if timetable.expansion(session, NOW, DAYS) or dispatch.changes(session, NOW, settings):
                raise SystemExit("a second compile found something to change")

    first_s = seconds_of(first_time)
    again_s = statistics.median(seconds_of(nothing_new) for _ in range(ROUNDS))
    floor_s = statistics.median(
        seconds_of(lambda: [key.sign(change.document) for change in wanted]) for _ in range(ROUNDS)
    )
    layers = [len(key.sign(one.document)) for one in wanted if isinstance(one.document, PlanLayer)]
    occurrences = sum(len(one.document.occurrences) for one in wanted if isinstance(one.document, PlanLayer))
    return (
        f"plan_compile: stations={STATIONS} communes={COMMUNES} days={DAYS} layers={len(layers)} "
        f"occurrences={occurrences} all_new_cpu_s={first_s:.2f} unchanged_cpu_s={again_s:.2f} "
        f"floor_sign_cpu_s={floor_s:.2f} ratio={first_s / floor_s:.1f} "
        f"bytes_per_layer_median={statistics.median(layers):.0f} bytes_per_layer_max={max(layers)}"
    )


if __name__ == "__main__":
    main()
