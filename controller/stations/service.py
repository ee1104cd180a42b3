"""Stations: adding them, keeping what is heard of them, and judging their state."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any

from sqlalchemy.orm import Session

from controller.accounts import service as accounts
from controller.accounts.rules import Action, Principal
from controller.areas import service as areas
from controller.errors import Conflict, Invalid, NotFound
from controller.stations import queries, views
from controller.stations.rules import HEARTBEAT_TIMEOUT_S, Picture, Verdict, judge
from controller.stations.schemas import StationView
from controller.stations.tables import Station, StationPicture, StationStateChange
from wire.ids import AREA_PATTERN, StationKind
from wire.messages import Heartbeat, Presence, QuietHours

_HISTORY_KEPT = timedelta(days=400)


@dataclass(frozen=True)
class HeardPresence:
    """`retained`: the broker told it from memory; it proves nothing about this moment."""

    presence: Presence
    at: datetime
    retained: bool = False


@dataclass(frozen=True)
class HeardHeartbeat:
    heartbeat: Heartbeat
    at: datetime


def add(
    session: Session,
    now: datetime,
    id: str,  # noqa: A002
    area_id: str,
    name: str,
    *,
    kind: StationKind,
    installed: bool = True,
    volume_min: int = 0,
    volume_max: int = 100,
    quiet: QuietHours | None = None,
    languages: Sequence[str] = (),
) -> Station:
    """A new station. Raises Invalid, Conflict `stations.id_taken`, NotFound `areas.unknown`."""
    areas.get(session, area_id)
    _check(id, name, volume_min, volume_max)
    if queries.by_id(session, id):
        raise Conflict("stations.id_taken", field="id", station=id)
    station = Station(
        id=id,
        area_id=area_id,
        name=name.strip(),
        kind=kind,
        installed=installed,
        volume_min=volume_min,
        volume_max=volume_max,
        quiet_begins=quiet.begins if quiet else None,
        quiet_ends=quiet.ends if quiet else None,
        languages=list(languages),
        created_at=now,
    )
    session.add(station)
    session.flush()
    return station


def get(session: Session, station_id: str) -> Station:
    """Raises NotFound `stations.unknown`."""
    station = queries.by_id(session, station_id)
    if station is None:
        raise NotFound("stations.unknown", station=station_id[:63])
    return station


def known(session: Session, station_ids: Collection[str]) -> set[str]:
    """Which of these ids are stations of ours."""
    return queries.known(session, station_ids)


def keep(session: Session, presences: Sequence[HeardPresence], heartbeats: Sequence[HeardHeartbeat]) -> None:
    """The newest of each station, into its picture. At most one of each kind for a station.

    Written in the order of ids: two processes that write at once wait for each other and never in a circle,
    as long as a transaction keeps one kind only.
    """
    by_station = itemgetter("station_id")
    queries.save_presences(session, sorted(map(_presence_row, presences), key=by_station))
    queries.save_heartbeats(session, sorted(map(_heartbeat_row, heartbeats), key=by_station))


def listing(
    session: Session, now: datetime, principal: Principal, timeout_s: float = HEARTBEAT_TIMEOUT_S
) -> list[StationView]:
    """The stations of the person's realm, by name."""
    realm = accounts.realm(session, principal, Action.SEE_HEALTH)
    return views.of(session, now, queries.pictured_in(session, realm), timeout_s)


def one(
    session: Session,
    now: datetime,
    principal: Principal,
    station_id: str,
    timeout_s: float = HEARTBEAT_TIMEOUT_S,
) -> StationView:
    """Raises NotFound `stations.unknown`, Forbidden."""
    pictured = queries.pictured_one(session, station_id)
    if pictured is None:
        raise NotFound("stations.unknown", station=station_id[:63])
    accounts.require(session, principal, Action.SEE_HEALTH, pictured[0].area_id)
    return views.of(session, now, [pictured], timeout_s)[0]


def under(session: Session, area_id: str) -> list[tuple[Station, StationPicture | None]]:
    """Every station in the tree of an area. Raises NotFound `areas.unknown`."""
    return queries.pictured_in(session, {area.id for area in areas.subtree(session, area_id)})


def within(session: Session, area_ids: Collection[str]) -> list[Station]:
    """The stations of just these areas."""
    return [station for station, _picture in queries.pictured_in(session, area_ids)]


def verdict(
    station: Station, picture: StationPicture | None, now: datetime, timeout_s: float = HEARTBEAT_TIMEOUT_S
) -> Verdict:
    return judge(picture_of(station, picture), now, timeout_s)


def picture_of(station: Station, row: StationPicture | None) -> Picture:
    if row is None:
        return Picture(installed=station.installed)
    return Picture(station.installed, row.online, row.presence_at, row.heartbeat_at)


def sweep(session: Session, now: datetime, timeout_s: float = HEARTBEAT_TIMEOUT_S) -> int:
    """Write down each state that differs from the last one known; returns how many."""
    before = queries.latest_states(session)
    judged = {id_: judge(picture, now, timeout_s) for id_, picture in queries.evidence(session).items()}
    changes = [
        _change(station_id, verdict_, now)
        for station_id, verdict_ in judged.items()
        if before.get(station_id) != verdict_.state
    ]
    queries.add_changes(session, changes)
    return len(changes)


def forget_old(session: Session, now: datetime) -> None:
    """Drop state changes of more than 400 days ago."""
    queries.forget_changes(session, now - _HISTORY_KEPT)


def check_volume(volume_min: int, volume_max: int) -> None:
    """Raises Invalid `stations.bad_volume_bounds`."""
    if not 0 <= volume_min <= volume_max <= 100:
        raise Invalid("stations.bad_volume_bounds", field="volume_max")


def _change(station_id: str, judged: Verdict, now: datetime) -> StationStateChange:
    reason = judged.reason.value if judged.reason else None
    return StationStateChange(station_id=station_id, state=judged.state.value, reason=reason, at=now)


def _presence_row(heard: HeardPresence) -> dict[str, Any]:
    presence = heard.presence
    at: datetime | None = heard.at
    if heard.retained and presence.online:
        at = min(presence.at, heard.at) if presence.at else None
    return {
        "station_id": presence.station,
        "online": presence.online,
        "presence_at": at,
        "boot_id": presence.boot_id,
        "program_version": presence.program_version,
    }


def _heartbeat_row(heard: HeardHeartbeat) -> dict[str, Any]:
    return {
        "station_id": heard.heartbeat.station,
        "boot_id": heard.heartbeat.boot_id,
        "heartbeat_at": heard.at,
        "heartbeat": heard.heartbeat.model_dump(mode="json", exclude_none=True),
    }


def _check(station_id: str, name: str, volume_min: int, volume_max: int) -> None:
    if not re.fullmatch(AREA_PATTERN, station_id):
        raise Invalid("stations.bad_id", field="id", station=station_id[:63])
    if not name.strip():
        raise Invalid("stations.name_missing", field="name")
    check_volume(volume_min, volume_max)
