"""What stations report about occurrences, counted once, and the board that shows it."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from controller.accounts import service as accounts
from controller.accounts.rules import Principal
from controller.dispatch.tree import AreaTree
from controller.errors import NotFound
from controller.playback import queries
from controller.playback.rules import Standing, Window, countable, standing
from controller.playback.schemas import BoardRow, OccurrenceBoard
from controller.playback.tables import Playback
from controller.stations import queries as station_queries
from controller.stations import service as stations
from controller.stations.rules import HEARTBEAT_TIMEOUT_S, StationState
from controller.stations.tables import FedCluster, Station, StationPicture
from controller.timetable import queries as timetable_queries
from controller.timetable import service as timetable
from controller.timetable.tables import OccurrenceRow
from wire.messages import PlaybackReport

_log = logging.getLogger(__name__)

REPORT_DEADLINE_S = 24 * 3600.0


def apply_reports(
    session: Session, now: datetime, station_id: str, reports: Sequence[PlaybackReport]
) -> list[str]:
    """Count each occurrence's first report; returns the ids that the station may forget, of repeats too.

    The station must be known.
    """
    counted = sorted(countable(reports), key=lambda report: report.occurrence)
    queries.save(session, [_row(now, station_id, report) for report in counted])
    if len(counted) < len(reports):
        _log.info("%s: %d of %d reports not counted", station_id, len(reports) - len(counted), len(reports))
    return list(dict.fromkeys(report.id for report in reports))


def board(
    session: Session,
    now: datetime,
    principal: Principal,
    occurrence_id: str,
    *,
    heartbeat_timeout_s: float = HEARTBEAT_TIMEOUT_S,
    report_deadline_s: float = REPORT_DEADLINE_S,
) -> OccurrenceBoard:
    """Every station of the person's realm that should play it.

    Raises NotFound `playback.unknown_occurrence`, also for one that no area of the realm hears.
    """
    occurrence = timetable_queries.occurrence(session, occurrence_id)
    tree, realm = AreaTree.read(session), accounts.realm(session, principal)
    if occurrence is None or realm.isdisjoint(tree.related(occurrence.area_id)):
        raise NotFound("playback.unknown_occurrence", occurrence=occurrence_id[:80])
    window = _window(occurrence, report_deadline_s)
    reported = queries.of_occurrence(session, occurrence_id)
    fed = station_queries.fed(session, at=occurrence.start)
    look = _Look(occurrence, window, now, tree, heartbeat_timeout_s, fed)
    rows = tuple(
        look.at(station, picture, reported.get(station.id))
        for station, picture in stations.under(session, occurrence.area_id)
        if station.area_id in realm and concerned(station, window, reported.get(station.id))
    )
    counts = Counter(row.state.value for row in rows)
    (shown,) = timetable.occurrence_views(session, now, principal, [occurrence], tree)
    return OccurrenceBoard(
        occurrence=shown, rows=rows, counts=dict(counts), fed=sum(len(row.fed) for row in rows)
    )


@dataclass(frozen=True)
class _Look:
    """One occurrence at one moment."""

    occurrence: OccurrenceRow
    window: Window
    now: datetime
    tree: AreaTree
    heartbeat_timeout_s: float
    fed: Mapping[str, Sequence[FedCluster]]

    def at(self, station: Station, picture: StationPicture | None, report: Playback | None) -> BoardRow:
        state = stations.verdict(station, picture, self.now, self.heartbeat_timeout_s).state
        reported = Standing(report.outcome, report.reason) if report else None
        stands = standing(self.window, self.now, reported, reachable=state is StationState.OK)
        return BoardRow(
            station_id=station.id,
            station_name=station.name,
            area_id=station.area_id,
            area_name=self.tree.name(station.area_id),
            kind=station.kind,
            state=stands.state,
            reason=stands.reason,
            seconds_played=report.seconds_played if report else None,
            started_at=report.started_at if report else None,
            start_error_ms=report.start_error_ms if report else None,
            reported_at=report.received_at if report else None,
            heard_playing=report is None and state is StationState.OK and self._is_playing(picture),
            station_state=state,
            fed=tuple(cluster.name for cluster in self.fed.get(station.id, ())),
        )

    def _is_playing(self, picture: StationPicture | None) -> bool:
        heartbeat = picture.heartbeat if picture else None
        playing = heartbeat.get("playing") if heartbeat else None
        return playing is not None and playing["occurrence"] == self.occurrence.id


def _window(occurrence: OccurrenceRow, report_deadline_s: float) -> Window:
    end = occurrence.start + timedelta(seconds=occurrence.seconds)
    return Window(occurrence.start, end, report_deadline_s, occurrence.withdrawn_at)


def concerned(station: Station, window: Window, report: Playback | None) -> bool:
    """A station that came after its end has nothing to answer for, even if it says so."""
    if report is not None and report.seconds_played > 0:
        return True
    return (station.installed or report is not None) and station.created_at < window.end


def _row(now: datetime, station_id: str, report: PlaybackReport) -> dict[str, Any]:
    return {
        "station_id": station_id,
        "occurrence_id": report.occurrence,
        "report_id": report.id,
        "outcome": report.outcome,
        "reason": report.reason,
        "seconds_played": report.seconds_played,
        "seconds_planned": report.seconds_planned,
        "started_at": report.started_at,
        "ended_at": report.ended_at,
        "start_error_ms": report.start_error_ms,
        "received_at": now,
    }
