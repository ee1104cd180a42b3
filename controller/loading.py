"""Programmes from a timetable file into the library: the file's sounds and speeches, waiting for approval."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from controller.accounts.rules import Principal
from controller.context import Context
from controller.errors import Invalid, LoabanError
from controller.media import service as media
from controller.media.tables import Upload, UploadState
from controller.programmes import service as programmes
from schedules.timetable_file import ProgrammeEntry, TimetableFile

_PATIENCE_S: Final = 3 * 3600.0
_LOOK_EVERY_S: Final = 0.5


def load_programmes(
    context: Context,
    principal: Principal,
    timetable: TimetableFile,
    folder: Path,
    tell: Callable[[str], None],
) -> list[str]:
    """Upload, create and submit each programme that has a sound or a speech and is not there yet.

    `folder` is where the file lies; `tell` hears each title as its turn comes. Returns the new ids. Raises
    what an upload or a programme in the browser raises; programmes made before stay.
    """
    made = []
    for entry in timetable.programmes:
        if (entry.sound or entry.speech) and not _is_there(context, entry.id):
            tell(entry.title)
            _load_one(context, principal, entry, timetable.area_of(entry), folder)
            made.append(entry.id)
    return made


def _is_there(context: Context, programme_id: str) -> bool:
    with context.database.read() as session:
        return programmes.exists(session, programme_id)


def _load_one(
    context: Context, principal: Principal, entry: ProgrammeEntry, area_id: str | None, folder: Path
) -> None:
    if area_id is None:
        raise Invalid("programmes.file_without_area", field="area", programme=entry.id)
    sha256 = _sound_of(context, principal, entry, folder)
    with context.database.write() as session:
        programme = programmes.create(
            session,
            context.now(),
            principal,
            area_id=area_id,
            title=entry.title,
            category=entry.category,
            language=entry.language,
            sound_sha256=sha256,
            id=entry.id,
        )
        programmes.submit(session, context.now(), principal, programme.id)


def _sound_of(context: Context, principal: Principal, entry: ProgrammeEntry, folder: Path) -> str:
    with tempfile.TemporaryDirectory() as temporary:
        if entry.speech is not None:
            source = Path(temporary) / f"{entry.id}.wav"
            context.speech.read_aloud(entry.speech, entry.language, source)
        else:
            source = folder / (entry.sound or "")
        if not source.is_file():
            raise Invalid("programmes.file_without_sound", field="sound", file=entry.sound or "")
        with context.database.write() as session:
            upload = media.receive_file(session, context, principal, source)
    return _ingested(context, principal, upload.id)


def _ingested(context: Context, principal: Principal, upload_id: str) -> str:
    """Work through waiting uploads until this one is done, here or in a controller that runs beside us."""
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        upload = _upload(context, principal, upload_id)
        if upload.state is UploadState.READY and upload.sound_sha256:
            return upload.sound_sha256
        if upload.state is UploadState.REFUSED:
            raise refused(upload)
        if not media.work_once(context):
            time.sleep(_LOOK_EVERY_S)
    raise Invalid("media.ingest_failed")


def refused(upload: Upload) -> LoabanError:
    """Why an upload was refused, as the error that the browser shows."""
    return Invalid(upload.error_key or "media.ingest_failed", field="file", **upload.error_params)


def _upload(context: Context, principal: Principal, upload_id: str) -> Upload:
    with context.database.read() as session:
        return media.upload_of(session, principal, upload_id)
