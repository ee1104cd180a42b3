"""The only SQL about alerts and standing messages."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast

from sqlalchemy import ColumnElement, CursorResult, and_, case, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session, defer

from controller.cap.tables import CapMessageRow
from controller.db.upsert import insert_missing
from controller.emergency.tables import (
    ActKind,
    AlertReceiptRow,
    AlertRevision,
    AlertRow,
    AlertState,
    AlertTarget,
    RevisionState,
    StandingMessage,
    StandingState,
)
from controller.media.tables import Sound
from controller.playback.tables import Playback
from controller.stations.tables import Station, StationPicture
from wire.ids import Outcome, OutcomeReason, StationKind

OPEN = (RevisionState.DRAFT, RevisionState.WAITING)
_URGENT = (AlertState.ACTIVE, AlertState.WAITING)
_CHUNK = 500


def alert(session: Session, alert_id: str) -> AlertRow | None:
    return session.get(AlertRow, alert_id, populate_existing=True)


def alerts(session: Session, states: Collection[AlertState], limit: int) -> Sequence[AlertRow]:
    """In these states: first all that are active or wait for somebody, then the newest."""
    urgent = case((AlertRow.state.in_(_URGENT), 0), else_=1)
    statement = select(AlertRow).order_by(urgent, AlertRow.created_at.desc(), AlertRow.id).limit(limit)
    return session.scalars(statement.where(AlertRow.state.in_(states))).all()


def revisions(session: Session, alert_id: str) -> Sequence[AlertRevision]:
    """Every one of them, the newest first."""
    return session.scalars(
        select(AlertRevision)
        .where(AlertRevision.alert_id == alert_id)
        .order_by(AlertRevision.revision.desc())
        .execution_options(populate_existing=True)
    ).all()


def revisions_of(session: Session, alert_ids: Sequence[str]) -> dict[str, list[AlertRevision]]:
    """Without their documents, by alert, the newest first."""
    found: dict[str, list[AlertRevision]] = {}
    for start in range(0, len(alert_ids), _CHUNK):
        rows = session.scalars(
            select(AlertRevision)
            .where(AlertRevision.alert_id.in_(alert_ids[start : start + _CHUNK]))
            .order_by(AlertRevision.alert_id, AlertRevision.revision.desc())
            .options(defer(AlertRevision.cap_xml))
        )
        for row in rows:
            found.setdefault(row.alert_id, []).append(row)
    return found


def is_recorded(session: Session, alert_id: str, revision: int) -> bool:
    state = session.scalar(
        select(AlertRevision.state).where(
            AlertRevision.alert_id == alert_id, AlertRevision.revision == revision
        )
    )
    return state is RevisionState.DONE


def take_over(session: Session, alert_id: str, act: ActKind, revision: int) -> bool:
    """The prepared act becomes this revision; False if none was prepared."""
    statement = (
        update(AlertRevision)
        .where(AlertRevision.alert_id == alert_id, AlertRevision.act == act, AlertRevision.state.in_(OPEN))
        .values(revision=revision)
    )
    return _rows(session.execute(statement, execution_options={"synchronize_session": False})) == 1


def discard_open(session: Session, alert_id: str) -> int:
    statement = (
        update(AlertRevision)
        .where(AlertRevision.alert_id == alert_id, AlertRevision.state.in_(OPEN))
        .values(state=RevisionState.DISCARDED)
    )
    return _rows(session.execute(statement, execution_options={"synchronize_session": False}))


def add_targets(session: Session, rows: Sequence[dict[str, Any]]) -> int:
    """Stations that are not among the alert's yet."""
    return insert_missing(session, AlertTarget, rows)


def link_cap_message(session: Session, message_id: int, alert_id: str) -> None:
    session.execute(update(CapMessageRow).where(CapMessageRow.id == message_id).values(alert_id=alert_id))


def sounds(session: Session, digests: Collection[str]) -> dict[str, Sound]:
    return {sound.sha256: sound for sound in session.scalars(select(Sound).where(Sound.sha256.in_(digests)))}


class StationRow(NamedTuple):
    """A station as the board sees it, and what it has said of one sounding."""

    id: str
    name: str
    kind: StationKind
    area_id: str
    installed: bool
    online: bool | None
    presence_at: datetime | None
    heartbeat_at: datetime | None
    target_revision: int | None
    reachable_at_press: bool | None
    received_at: datetime | None
    sounding_at: datetime | None
    first_frame_at: datetime | None
    outcome: Outcome | None
    reason: OutcomeReason | None
    seconds_played: float | None
    reported_at: datetime | None


def on_board(session: Session, alert_id: str, sounding: str) -> list[StationRow]:
    """Every station with its part in the alert, if any; one look for all, by name."""
    target = and_(AlertTarget.station_id == Station.id, AlertTarget.alert_id == alert_id)
    receipt = and_(AlertReceiptRow.station_id == Station.id, AlertReceiptRow.sounding == sounding)
    report = and_(Playback.station_id == Station.id, Playback.occurrence_id == sounding)
    rows = session.execute(
        select(
            Station.id,
            Station.name,
            Station.kind,
            Station.area_id,
            Station.installed,
            StationPicture.online,
            StationPicture.presence_at,
            StationPicture.heartbeat_at,
            AlertTarget.revision,
            AlertTarget.reachable,
            AlertReceiptRow.received_at,
            AlertReceiptRow.sounding_at,
            AlertReceiptRow.first_frame_at,
            Playback.outcome,
            Playback.reason,
            Playback.seconds_played,
            Playback.received_at,
        )
        .select_from(Station)
        .outerjoin(StationPicture, StationPicture.station_id == Station.id)
        .outerjoin(AlertTarget, target)
        .outerjoin(AlertReceiptRow, receipt)
        .outerjoin(Playback, report)
        .order_by(Station.name, Station.id)
    )
    return [StationRow._make(row) for row in rows]


def others_begun(session: Session, alert_id: str) -> dict[str, datetime]:
    """By station, when it last began another active alert of which it has not told the end."""
    active = select(AlertRow.id).where(AlertRow.state == AlertState.ACTIVE, AlertRow.id != alert_id)
    return _begun(session, AlertReceiptRow.station_id, AlertReceiptRow.alert_id.in_(active))


def last_begun(session: Session, soundings: Collection[str]) -> dict[str, datetime]:
    """By sounding, when the last of the stations that have not told the end of it began."""
    return _begun(session, AlertReceiptRow.sounding, AlertReceiptRow.sounding.in_(soundings))


def _begun(
    session: Session, by: InstrumentedAttribute[str], where: ColumnElement[bool]
) -> dict[str, datetime]:
    """When the latest of these began that have not told the end, by one of their columns."""
    report = and_(
        Playback.station_id == AlertReceiptRow.station_id,
        Playback.occurrence_id == AlertReceiptRow.sounding,
    )
    open_ended = or_(Playback.outcome.is_(None), Playback.outcome == Outcome.UNKNOWN)
    rows = session.execute(
        select(by, AlertReceiptRow.sounding_at)
        .outerjoin(Playback, report)
        .where(where, AlertReceiptRow.sounding_at.is_not(None), open_ended)
        .order_by(AlertReceiptRow.sounding_at)
    )
    return {name: at for name, at in rows if at is not None}


def standing(session: Session, message_id: str) -> StandingMessage | None:
    return session.get(StandingMessage, message_id, populate_existing=True)


def standing_in(session: Session, area_ids: Collection[str]) -> Sequence[tuple[StandingMessage, Sound]]:
    """Every standing message of these areas with its sound, the newest first."""
    wanted = sorted(area_ids)
    found: list[tuple[StandingMessage, Sound]] = []
    for start in range(0, len(wanted), _CHUNK):
        rows = session.execute(
            select(StandingMessage, Sound)
            .join(Sound, Sound.sha256 == StandingMessage.sound_sha256)
            .where(StandingMessage.area_id.in_(wanted[start : start + _CHUNK]))
        )
        found += [(message, sound) for message, sound in rows]
    return sorted(found, key=lambda pair: (pair[0].made_at, pair[0].id), reverse=True)


def waiting_standing(session: Session) -> Sequence[StandingMessage]:
    return session.scalars(
        select(StandingMessage).where(StandingMessage.state == StandingState.WAITING)
    ).all()


def approved_standing(
    session: Session, area_ids: Collection[str], uses: Collection[str]
) -> Sequence[tuple[StandingMessage, Sound]]:
    """Approved ones of these areas and uses, the latest approved last."""
    rows = session.execute(
        select(StandingMessage, Sound)
        .join(Sound, Sound.sha256 == StandingMessage.sound_sha256)
        .where(
            StandingMessage.area_id.in_(area_ids),
            StandingMessage.use.in_(uses),
            StandingMessage.state == StandingState.APPROVED,
        )
        .order_by(StandingMessage.decided_at, StandingMessage.made_at, StandingMessage.id)
    )
    return [(message, sound) for message, sound in rows]


def change_standing(
    session: Session, message_id: str, sources: Collection[StandingState], values: dict[str, Any]
) -> bool:
    """False if somebody else was faster."""
    statement = (
        update(StandingMessage)
        .where(StandingMessage.id == message_id, StandingMessage.state.in_(sources))
        .values(**values)
    )
    return _rows(session.execute(statement, execution_options={"synchronize_session": False})) == 1


class Holding(NamedTuple):
    """A station and its last heartbeat, for what it holds in advance."""

    id: str
    name: str
    area_id: str
    languages: list[str]
    standing: dict[str, Any] | None
    """The heartbeat's `CacheState` of standing sounds alone."""


def holdings(session: Session) -> list[Holding]:
    """Every installed station, by name."""
    rows = session.execute(
        select(
            Station.id,
            Station.name,
            Station.area_id,
            Station.languages,
            StationPicture.heartbeat["standing"],
        )
        .outerjoin(StationPicture, StationPicture.station_id == Station.id)
        .where(Station.installed)
        .order_by(Station.name, Station.id)
    )
    return [Holding._make(row) for row in rows]


def _rows(result: Any) -> int:
    return cast("CursorResult[Any]", result).rowcount
