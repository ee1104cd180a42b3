"""A controller that takes CAP messages in: database, desk, areas with stations and standing messages.

lao-cai                     Tỉnh Lào Cai, code 15
├── bat-xat-02683           Xã Bát Xát, code 02683
│   ├── bat-xat-thon-1      Thôn 1, where there is a station
│   └── bat-xat-thon-2      Thôn 2
└── muong-hum-02728         Xã Mường Hum, code 02728, where there is a station
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from audio_library import Store
from audio_library.speech import SpeechFailed
from controller.accounts.rules import Principal
from controller.accounts.tables import Grant, Person, Role
from controller.areas.tables import Area, AreaLevel
from controller.boards.desk import Desk
from controller.cap.service import Arrival, Reception
from controller.cap.sources import Rule, RuleAction, Source
from controller.cap.tables import CapMessageRow, Via
from controller.context import Context
from controller.db.migrate import upgrade
from controller.db.session import Database
from controller.emergency import recording, signals
from controller.emergency.acts import Act
from controller.emergency.tables import AlertRow, AlertState, StandingMessage, StandingState
from controller.media.tables import Sound
from controller.settings import Settings
from controller.stations import service as stations
from controller.web.texts import Texts
from tests.support.cap import SENDER
from wire.ids import AlertKind, StationKind
from wire.signing import SigningKey

AREAS = (
    ("lao-cai", None, AreaLevel.PROVINCE, "Tỉnh Lào Cai", "15", 22.34, 104.15),
    ("bat-xat-02683", "lao-cai", AreaLevel.COMMUNE, "Xã Bát Xát", "02683", 22.54, 103.89),
    ("bat-xat-thon-1", "bat-xat-02683", AreaLevel.VILLAGE, "Thôn 1", None, 22.55, 103.90),
    ("bat-xat-thon-2", "bat-xat-02683", AreaLevel.VILLAGE, "Thôn 2", None, None, None),
    ("muong-hum-02728", "lao-cai", AreaLevel.COMMUNE, "Xã Mường Hum", "02728", 22.52, 103.70),
)
STATIONS = (("loa-1", "bat-xat-thon-1"), ("loa-mh", "muong-hum-02728"))
FIRES = Rule(action=RuleAction.FIRE, areas=("lao-cai",))
SOURCE = Source(name="kttv", senders=(SENDER,), rule=(FIRES,), token="a-token-of-the-source")


class Mute:
    """A speech engine that can read nothing."""

    name = "mute"

    def languages(self) -> frozenset[str]:
        return frozenset()

    def read_aloud(self, text: str, language: str, wav: Path) -> None:
        raise SpeechFailed(language, "mute")


@dataclass
class CapWorld:
    context: Context
    desk: Desk
    clock: list[datetime]
    source: Source = SOURCE
    performed: list[Act] = field(default_factory=list)
    """What went to the desk, in order."""

    def __post_init__(self) -> None:
        self.reception = Reception(self.context, self.desk)
        perform = self.desk.perform

        def noted(act: Act, wait_s: float = 2.0) -> Any:
            self.performed.append(act)
            return perform(act, wait_s)

        self.desk.perform = noted  # type: ignore[method-assign]

    def take(self, raw: bytes, via: Via = Via.HTTP, **changes: Any) -> CapMessageRow:
        values: dict[str, Any] = {"source": self.source, "by": self.source.name}
        return self.reception.take(Arrival(raw, via, **(values | changes)))

    def bring(self, raw: bytes, realm: str = "lao-cai") -> CapMessageRow:
        """By an officer of this area."""
        grants = ((Role.ALERT_OFFICER, realm),)
        officer = Principal("alert_officer", "alert_officer", "Cán bộ cảnh báo", "vi", grants)
        return self.take(raw, source=None, by="alert_officer", officer=officer)

    def alerts(self) -> Sequence[AlertRow]:
        with self.context.database.read() as session:
            return session.query(AlertRow).order_by(AlertRow.created_at, AlertRow.id).all()

    def in_force(self) -> list[str]:
        now = self.clock[0]
        return [
            row.id
            for row in self.alerts()
            if row.state is AlertState.ACTIVE and row.expires_at is not None and row.expires_at > now
        ]

    def messages(self) -> Sequence[CapMessageRow]:
        with self.context.database.read() as session:
            return session.query(CapMessageRow).order_by(CapMessageRow.id).all()

    def close(self) -> None:
        self.desk.close()
        self.context.database.close()


def prepared_database(folder: Path, now: datetime) -> Path:
    """A database file with all that is drawn above; to be made once and copied."""
    path = folder / "prepared.db"
    upgrade(f"sqlite:///{path}")
    context = _context(folder, path, [now])
    with context.database.write() as session:
        for id_, parent, level, name, code, latitude, longitude in AREAS:
            session.add(
                Area(
                    id=id_,
                    parent_id=parent,
                    level=level,
                    name=name,
                    code=code,
                    latitude=latitude,
                    longitude=longitude,
                )
            )
            session.flush()
        person = Person(
            id="alert_officer",
            username="alert_officer",
            full_name="Cán bộ cảnh báo",
            password_hash="x",
            created_at=now,
        )
        person.grants.append(Grant(role=Role.ALERT_OFFICER, area_id="lao-cai"))
        session.add(person)
        for station_id, area_id in STATIONS:
            kind = StationKind.VILLAGE_CLUSTER
            stations.add(session, now, station_id, area_id, station_id, kind=kind, languages=())
    signals.ensure(context)
    with context.database.write() as session:
        for number, use in enumerate((*(kind.value for kind in AlertKind), "drill_notice", "all_clear")):
            _add_standing(session, use, f"{number:02x}" * 32, now)
    context.database.close()
    return path


def make_world(folder: Path, prepared: Path, now: datetime, source: Source = SOURCE) -> CapWorld:
    """Everything fresh in `folder`, at `now`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "loaban.db"
    shutil.copyfile(prepared, path)
    clock = [now]
    context = _context(folder, path, clock)
    return CapWorld(context, Desk(context, None, recording.record), clock, source)


def _context(folder: Path, path: Path, clock: list[datetime]) -> Context:
    return Context(
        settings=Settings(data_dir=folder / "data", database_url=f"sqlite:///{path}"),
        database=Database(f"sqlite:///{path}"),
        store=Store(folder / "data" / "library"),
        texts=Texts(),
        signing_key=SigningKey.generate(),
        wake=lambda _name: None,
        now=lambda: clock[0],
        speech=Mute(),
    )


def _add_standing(session: Any, use: str, digest: str, now: datetime) -> None:
    session.add(
        Sound(
            sha256=digest,
            source_sha256=digest,
            recipe="plain",
            seconds=10.0,
            size_bytes=30_000,
            source_lufs=-20.0,
            source_true_peak_dbtp=-3.0,
            lufs=-16.0,
            true_peak_dbtp=-2.0,
            peaks=[0],
            created_at=now,
        )
    )
    session.flush()
    session.add(
        StandingMessage(
            id=use,
            use=use,
            language="vi",
            area_id="lao-cai",
            text=f"Lời mẫu {use}.",
            sound_sha256=digest,
            state=StandingState.APPROVED,
            made_by="alert_officer",
            made_at=now - timedelta(days=1),
            decided_by="alert_officer",
            decided_at=now - timedelta(days=1),
        )
    )
