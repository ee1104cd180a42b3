"""Writing down an act that stations may be sounding already: once, whatever is there before, and whole."""

import logging
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from controller.context import Context
from controller.dispatch.tree import AreaTree
from controller.emergency import as_cap, drafts, queries
from controller.emergency.acts import Act
from controller.emergency.tables import ActKind, AlertRevision, AlertRow, AlertState, RevisionState
from controller.stations import queries as stations
from controller.stations.rules import StationState, judge

_log = logging.getLogger(__name__)


def record(context: Context, act: Act) -> bool:
    """In a transaction of its own. False if it was on record already. Raises what the database raises."""
    with context.database.write() as session:
        return keep(session, context, act)


def keep(session: Session, context: Context, act: Act) -> bool:
    """In a transaction with what led to it, such as a CAP message. False if it was on record already."""
    if queries.is_recorded(session, act.alert_id, act.revision):
        return False
    row = _alert_row(session, act)
    revision = _revision_row(session, act)
    _apply(session, row, act)
    if act.what is not ActKind.CANCEL:
        _add_targets(session, context, act)
    if act.cap_message_id is not None:
        queries.link_cap_message(session, act.cap_message_id, act.alert_id)
    session.flush()
    _add_cap(session, context, act, revision)
    return True


def _alert_row(session: Session, act: Act) -> AlertRow:
    row = queries.alert(session, act.alert_id)
    if row is None:
        row = AlertRow(
            id=act.alert_id,
            state=AlertState.ACTIVE,
            revision=0,
            created_by=act.person_id,
            created_at=act.at,
        )
        drafts.describe(row, act.content)
        session.add(row)
        session.flush()
    return row


def _revision_row(session: Session, act: Act) -> AlertRevision:
    """The prepared one, or a new one for an act that nobody prepared."""
    queries.take_over(session, act.alert_id, act.what, act.revision)
    row = session.get(AlertRevision, (act.alert_id, act.revision), populate_existing=True)
    if row is None:
        row = AlertRevision(
            alert_id=act.alert_id,
            revision=act.revision,
            act=act.what,
            made_by=act.person_id,
            made_at=act.at,
        )
        session.add(row)
    row.state = RevisionState.DONE
    row.content = act.content.model_dump(mode="json")
    row.done_by, row.done_at = act.person_id, act.at
    row.seconds = act.seconds
    if act.alert is not None:
        row.sounding, row.expires_at = act.alert.sounding, act.alert.expires_at
        row.wire = act.alert.model_dump(mode="json")
    session.flush()
    return row


def _apply(session: Session, row: AlertRow, act: Act) -> None:
    """Acts may be written in another order than they were made; the newest says how the alert stands."""
    if row.sent_at is None or act.at < row.sent_at:
        row.sent_at = act.at
    if act.revision <= row.revision:
        return
    drafts.describe(row, act.content)
    row.revision, row.area_ids = act.revision, list(act.area_ids)
    if act.what is ActKind.CANCEL:
        if row.state is not AlertState.CANCELLED:  # Later ones only take its all-clear back.
            row.ended_at = act.at
        row.state = AlertState.CANCELLED
        queries.discard_open(session, act.alert_id)
    elif act.alert is not None:
        row.state, row.expires_at, row.ended_at = AlertState.ACTIVE, act.alert.expires_at, None


def _add_targets(session: Session, context: Context, act: Act) -> None:
    tree, timeout_s = AreaTree.read(session), context.settings.heartbeat_timeout_s
    queries.add_targets(session, targets(session, act, tree, act.at, timeout_s))


def targets(
    session: Session, act: Act, tree: AreaTree, now: datetime, timeout_s: float
) -> list[dict[str, Any]]:
    """Every installed station under the areas, as a row."""
    places, evidence, chosen = stations.places(session), stations.evidence(session), set(act.area_ids)
    return [
        {
            "alert_id": act.alert_id,
            "station_id": station_id,
            "revision": act.revision,
            "reachable": judge(evidence[station_id], now, timeout_s).state is StationState.OK,
        }
        for station_id, area_id in sorted(places.items())
        if evidence[station_id].installed and not chosen.isdisjoint(tree.chain(area_id))
    ]


def _add_cap(session: Session, context: Context, act: Act, revision: AlertRevision) -> None:
    """An alert on record without its CAP form is better than none."""
    try:
        with session.begin_nested():
            revision.cap_identifier, revision.cap_xml = as_cap.xml_of(session, context, act)
    except Exception:  # noqa: BLE001  (whatever breaks the export, the record of the alert must stand)
        _log.exception("%s r%d has no CAP form", act.alert_id, act.revision)
        session.refresh(revision)
