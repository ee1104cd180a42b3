"""Between boards in memory and the database, which is the truth afterwards."""

import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy.orm import Session

from controller.boards import queries
from controller.dispatch import queries as documents
from controller.dispatch.rules import content_digest
from controller.emergency.acts import Act
from controller.emergency.tables import AlertRevision, AlertRow
from wire import topics
from wire.alerts import Alert, AlertBoard, AlertReceipt
from wire.ids import AlertProgress

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Issued:
    """A signed board, and whether a broker of ours has acknowledged it."""

    board: AlertBoard
    token: bytes
    acknowledged: bool = False


@dataclass(frozen=True)
class HeardReceipt:
    receipt: AlertReceipt
    at: datetime
    """On our clock."""


def digest_of(area_id: str, alerts: tuple[Alert, ...]) -> str:
    """Of a board with these alerts on it."""
    anything = datetime.fromtimestamp(0, UTC)
    return content_digest(AlertBoard(area=area_id, version=1, issued_at=anything, alerts=alerts))


def acts(session: Session, now: datetime, alert_ids: Collection[str]) -> dict[str, Act]:
    """The newest recorded act of each alert that sounds or may sound, and of those named, by alert."""
    found = (_act(alert, revision) for alert, revision in queries.newest_acts(session, now, alert_ids))
    return {act.alert_id: act for act in found if act}


def act_of(session: Session, alert_id: str, revision: int) -> Act | None:
    """What was recorded as this revision."""
    found = queries.carried_out(session, alert_id, revision)
    return _act(*found) if found else None


def any_over(session: Session, now: datetime) -> bool:
    return queries.any_over(session, now)


def expire(session: Session, now: datetime) -> int:
    """Active alerts that are over become *expired*, also where the clock has jumped; returns how many."""
    return queries.expire(session, now)


def note(session: Session, now: datetime, issued: Iterable[Issued]) -> int:
    """Keep each board that is newer than its row, so that a broker that forgot it is given it again.

    One that no broker has acknowledged becomes due for publishing. Returns how many rows were written.
    """
    kept = queries.boards(session)
    return sum(_note_one(session, now, one, kept.get(one.board.area)) for one in issued)


def areas(session: Session, area_ids: Iterable[str]) -> set[str]:
    """Those that there are."""
    return queries.areas(session, sorted(area_ids))


def kept_boards(session: Session) -> dict[str, queries.KeptBoard]:
    """By area."""
    return queries.boards(session)


def soundings(session: Session, alert_ids: Collection[str]) -> set[tuple[str, str]]:
    """Everything that was ever sounded of these alerts, with its alert."""
    return queries.soundings(session, alert_ids)


def keep_receipts(session: Session, heard: Sequence[HeardReceipt]) -> int:
    """What each station has told of each sounding, one row for the two. The stations must be known."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for one in heard:
        row = _receipt_row(one)
        before = rows.setdefault((one.receipt.sounding, one.receipt.station), row)
        before.update({name: value for name, value in row.items() if before[name] is None})
    return queries.save_receipts(session, [rows[key] for key in sorted(rows)])


def _receipt_row(heard: HeardReceipt) -> dict[str, Any]:
    receipt = heard.receipt
    return {
        "sounding": receipt.sounding,
        "station_id": receipt.station,
        "alert_id": receipt.alert,
        "received_at": heard.at,
        "sounding_at": heard.at if receipt.progress is AlertProgress.SOUNDING else None,
        "first_frame_at": receipt.first_frame_at,
        "clock": receipt.clock,
    }


def _act(alert: AlertRow, revision: AlertRevision) -> Act | None:
    try:
        return Act.model_validate(
            {
                "alert_id": alert.id,
                "revision": revision.revision,
                "what": revision.act,
                "person_id": revision.done_by,
                "at": revision.done_at or revision.made_at,
                "content": revision.content,
                "area_ids": alert.area_ids,
                "alert": revision.wire,
                "seconds": revision.seconds,
            }
        )
    except ValidationError:
        _log.exception("alert %s cannot be read from the database", alert.id)
        return None


def _note_one(session: Session, now: datetime, issued: Issued, kept: queries.KeptBoard | None) -> bool:
    version = issued.board.version
    if kept is not None and kept.version >= version:
        return False
    values = {
        "version": version,
        "digest": content_digest(issued.board),
        "token": issued.token.decode(),
        "changed_at": now,
        "published_version": version if issued.acknowledged else 0,
        "published_at": now if issued.acknowledged else None,
        "claimed_by": None,
        "claimed_until": None,
    }
    topic = topics.alerts(issued.board.area)
    if kept is None:
        return documents.add_document(session, {"topic": topic, **values})
    return documents.replace_document(session, topic, kept.version, values)
