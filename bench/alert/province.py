"""A province of the size that is asked for, put into the database as people would: through the services."""

import secrets
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sqlalchemy.orm import Session

from controller.accounts import service as accounts
from controller.accounts.tables import Role
from controller.app import compose
from controller.areas import service as areas
from controller.areas.tables import AreaLevel
from controller.context import Context
from controller.emergency import signals, sounds
from controller.programmes import service as programmes
from controller.settings import Settings
from controller.stations import service as stations
from schedules.category import Category
from wire.ids import StationKind

PROVINCE = areas.LAO_CAI
OFFICER = "truc-ban"
EDITOR = "bien-tap"
VOICE_S = 4.0
BROADCAST_S = 60.0
_RATE_HZ = 48_000


@dataclass(frozen=True, slots=True)
class Province:
    """What the bench needs to know of it. `voices` are sounds for alerts, `programme_id` airs before one."""

    password: str
    station_ids: tuple[str, ...]
    controller_key: dict[str, str]
    voices: tuple[str, str]
    programme_id: str


def fill(settings: Settings, count: int) -> Province:
    """99 communes, and `count` villages under them, each with a loudspeaker cluster of its own."""
    context, _ = compose(settings)
    password = secrets.token_urlsafe(12)
    try:
        with context.database.write() as session:
            areas.load_lao_cai(session)
            station_ids = _add_stations(session, context, count)
            _add_people(session, context, password)
        signals.ensure(context)
        voices = tuple(_tone(context, VOICE_S, pitch_hz) for pitch_hz in (440.0, 550.0))
        programme_id = _programme(context)
        key = context.signing_key.public_jwk()
    finally:
        context.database.close()
    return Province(password, station_ids, key, (voices[0], voices[1]), programme_id)


def _add_stations(session: Session, context: Context, count: int) -> tuple[str, ...]:
    communes = areas.children(session, PROVINCE)
    for number in range(count):
        commune = communes[number % len(communes)]
        village = areas.add_area(
            session,
            parent_id=commune.id,
            level=AreaLevel.VILLAGE,
            name=f"Thôn {number}",
            area_id=f"thon-{number}",
        )
        stations.add(
            session,
            context.now(),
            f"cum-loa-{number}",
            village.id,
            f"Cụm loa thôn {number}",
            kind=StationKind.VILLAGE_CLUSTER,
        )
    return tuple(f"cum-loa-{number}" for number in range(count))


def _add_people(session: Session, context: Context, password: str) -> None:
    roles: dict[str, Sequence[Role]] = {
        OFFICER: (Role.ALERT_OFFICER, Role.TECHNICIAN),
        EDITOR: (Role.OPERATOR,),
        "phe-duyet": (Role.APPROVER,),
    }
    for username, held in roles.items():
        grants = [(role, PROVINCE) for role in held]
        accounts.add_person(session, context.now(), username, username, password=password, grants=grants)


def _programme(context: Context) -> str:
    """Approved, to be on the air when an alert comes."""
    sha256 = _tone(context, BROADCAST_S, 330.0)
    with context.database.write() as session:
        editor = accounts.principal_named(session, EDITOR)
        made = programmes.create(
            session,
            context.now(),
            editor,
            area_id=PROVINCE,
            title="Bản tin đang phát",
            category=Category.GENERAL,
            language="vi",
            sound_sha256=sha256,
        )
        programmes.submit(session, context.now(), editor, made.id)
        approver = accounts.principal_named(session, "phe-duyet")
        programmes.approve(session, context.now(), approver, made.id)
        return made.id


def _tone(context: Context, seconds: float, pitch_hz: float) -> str:
    """A sound of the library; its sha256."""
    path = context.settings.data_dir / f"tone-{pitch_hz:.0f}.wav"
    _write_tone(path, seconds, pitch_hz)
    return sounds.from_file(context, path, path.name).sha256


def _write_tone(path: Path, seconds: float, pitch_hz: float) -> None:
    times_s = np.arange(int(seconds * _RATE_HZ)) / _RATE_HZ
    samples = (np.sin(2 * np.pi * pitch_hz * times_s) * 8_000).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(_RATE_HZ)
        file.writeframes(samples.tobytes())
