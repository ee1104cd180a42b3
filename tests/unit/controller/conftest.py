"""A migrated database with a small area tree and a person of each role.

lao-cai                     Tỉnh Lào Cai
├── bat-xat-02683           Xã Bát Xát
│   ├── bat-xat-thon-1      Thôn 1
│   └── bat-xat-thon-2      Thôn 2
└── muong-hum-02728         Xã Mường Hum
"""

import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pwdlib import PasswordHash

from audio_library import Store
from controller.accounts.rules import Principal
from controller.accounts.tables import Grant, Person, Role
from controller.areas.tables import Area, AreaLevel
from controller.context import Context
from controller.db.migrate import upgrade
from controller.db.session import Database
from controller.media.tables import Sound
from controller.programmes.tables import Programme, ProgrammeState
from controller.settings import Settings
from controller.web.texts import Texts
from schedules.category import Category
from wire.signing import SigningKey

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
PASSWORD = "nui-cao-suong-mu"
TREE = (
    ("lao-cai", None, AreaLevel.PROVINCE, "Tỉnh Lào Cai"),
    ("bat-xat-02683", "lao-cai", AreaLevel.COMMUNE, "Xã Bát Xát"),
    ("bat-xat-thon-1", "bat-xat-02683", AreaLevel.VILLAGE, "Thôn 1"),
    ("bat-xat-thon-2", "bat-xat-02683", AreaLevel.VILLAGE, "Thôn 2"),
    ("muong-hum-02728", "lao-cai", AreaLevel.COMMUNE, "Xã Mường Hum"),
)
ROLES = (
    ("viewer", Role.VIEWER, "lao-cai"),
    ("operator", Role.OPERATOR, "bat-xat-02683"),
    ("approver", Role.APPROVER, "bat-xat-02683"),
    ("alert_officer", Role.ALERT_OFFICER, "lao-cai"),
    ("technician", Role.TECHNICIAN, "lao-cai"),
    ("administrator", Role.ADMINISTRATOR, "lao-cai"),
    ("neighbour", Role.OPERATOR, "muong-hum-02728"),
)


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, made once and copied for each test."""
    path = tmp_path_factory.mktemp("schema") / "empty.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def database_url(tmp_path: Path, migrated_file: Path) -> str:
    path = tmp_path / "loaban.db"
    shutil.copyfile(migrated_file, path)
    return f"sqlite:///{path}"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def area_tree(database: Database) -> tuple[str, ...]:
    """The ids of the areas drawn above, which are now in the database."""
    with database.write() as session:
        for area_id, parent_id, level, name in TREE:
            session.add(Area(id=area_id, parent_id=parent_id, level=level, name=name))
            session.flush()
    return tuple(row[0] for row in TREE)


@pytest.fixture(scope="session")
def password_hash() -> str:
    return PasswordHash.recommended().hash(PASSWORD)


@pytest.fixture
def password() -> str:
    """Everybody's password."""
    return PASSWORD


@pytest.fixture
def people(
    database: Database, area_tree: tuple[str, ...], password_hash: str, now: datetime
) -> Mapping[str, Principal]:
    """One principal per role, by the role's name, and the `neighbour`: the operator of Mường Hum.

    Operator and approver hold Bát Xát; the others the whole province. Person id, username and name are alike.
    """
    with database.write() as session:
        for name, role, area_id in ROLES:
            person = Person(
                id=name, username=name, full_name=name, password_hash=password_hash, created_at=now
            )
            person.grants.append(Grant(role=role, area_id=area_id))
            session.add(person)
    return {
        name: Principal(name, name, name, language="vi", grants=((role, area_id),))
        for name, role, area_id in ROLES
    }


@pytest.fixture
def sound(database: Database, now: datetime) -> str:
    """The digest of a sound of 60 s that the database knows (there is no file of it)."""
    digest = "5a" * 32
    with database.write() as session:
        session.add(
            Sound(
                sha256=digest,
                source_sha256="c3" * 32,
                recipe="plain",
                seconds=60.0,
                size_bytes=180_000,
                source_lufs=-23.0,
                source_true_peak_dbtp=-3.0,
                lufs=-16.2,
                true_peak_dbtp=-2.0,
                peaks=[0, 100, 50],
                created_at=now,
            )
        )
    return digest


@pytest.fixture
def approved_programme(database: Database, people: Mapping[str, Principal], sound: str, now: datetime) -> str:
    """The id of an approved programme of Bát Xát, 60 s long."""
    with database.write() as session:
        session.add(
            Programme(
                id="ban-tin-sang",
                area_id="bat-xat-02683",
                title="Bản tin sáng",
                category=Category.GENERAL,
                language="vi",
                sound_sha256=sound,
                state=ProgrammeState.APPROVED,
                created_by=people["operator"].person_id,
                created_at=now,
                decided_by=people["approver"].person_id,
                decided_at=now,
            )
        )
    return "ban-tin-sang"


@pytest.fixture
def now() -> datetime:
    """Where the clock of `context` begins: Monday 23 November 2026, 09:00 in Lào Cai."""
    return NOW


@pytest.fixture
def clock(now: datetime) -> list[datetime]:
    """One element, what `context.now()` says; a test moves time by `clock[0] = …`."""
    return [now]


@pytest.fixture
def wakes() -> list[str]:
    """The names that `context.wake` was called with."""
    return []


@pytest.fixture
def context(
    tmp_path: Path, database_url: str, database: Database, clock: list[datetime], wakes: list[str]
) -> Context:
    return Context(
        settings=Settings(data_dir=tmp_path / "data", database_url=database_url),
        database=database,
        store=Store(tmp_path / "data" / "library"),
        texts=Texts(),
        signing_key=SigningKey.generate(),
        wake=wakes.append,
        now=lambda: clock[0],
    )
