"""Uploads: receiving them, and turning one after the other into a sound of the library."""

from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from sqlalchemy.orm import Session

from audio_library import digest, display_name
from controller.accounts import service as accounts
from controller.accounts.rules import Action, Principal
from controller.context import Context
from controller.media import errors, queries
from controller.media.inbox import Arrived, Inbox
from controller.media.ingest_job import IngestJob, claim_next
from controller.media.recipe import Recipe
from controller.media.tables import Sound, Upload, UploadState


def inbox_of(context: Context) -> Inbox:
    return Inbox(context.settings.data_dir / "uploads")


def receive(
    session: Session,
    context: Context,
    principal: Principal,
    arrived: Arrived,
    *,
    opening_chime: bool = True,
    closing_chime: bool = True,
) -> Upload:
    """An upload that waits; ready at once if the same sound was made before. Raises Forbidden."""
    accounts.require_anywhere(principal, Action.UPLOAD)
    recipe = Recipe(opening_chime, closing_chime)
    known = known_sound(session, context, arrived.source_sha256, recipe)
    upload = Upload(
        id=str(uuid4()),
        person_id=principal.person_id,
        file_name=arrived.file_name,
        size_bytes=arrived.size_bytes,
        source_sha256=arrived.source_sha256,
        opening_chime=opening_chime,
        closing_chime=closing_chime,
        state=UploadState.READY if known else UploadState.WAITING,
        progress=1.0 if known else 0.0,
        sound_sha256=known.sha256 if known else None,
        known_already=known is not None,
        created_at=context.now(),
    )
    session.add(upload)
    session.flush()
    if known is None:
        inbox_of(context).take(arrived.path, upload.id)
    return upload


def receive_file(
    session: Session,
    context: Context,
    principal: Principal,
    path: Path,
    *,
    opening_chime: bool = True,
    closing_chime: bool = True,
) -> Upload:
    """The same for a file on this machine, which stays where it is. Raises BadName, StoreFull, too."""
    copy = inbox_of(context).copy_in(path)
    try:
        arrived = Arrived(copy, display_name(path.name), copy.stat().st_size, digest(copy))
        return receive(
            session, context, principal, arrived, opening_chime=opening_chime, closing_chime=closing_chime
        )
    finally:
        copy.unlink(missing_ok=True)


def known_sound(session: Session, context: Context, source_sha256: str, recipe: Recipe) -> Sound | None:
    """What the same source became before, if its file is still in the library."""
    known = queries.sound_from(session, source_sha256, recipe.name)
    return known if known and context.store.has(known.sha256) else None


def work_once(context: Context, stopping: Callable[[], bool] = lambda: False) -> bool:
    """Take one waiting upload to its end, in this thread. False if none waits.

    Each step is a short transaction of its own. When `stopping()` turns true, the upload goes back in line.
    """
    claimed = claim_next(context)
    if claimed is None:
        return False
    IngestJob(context, inbox_of(context), claimed, stopping).run()
    return True


def sweep(context: Context) -> int:
    """Remove files that killed processes left behind. Returns how many."""
    with context.database.read() as session:
        wanted = set(queries.unfinished(session))
    return inbox_of(context).sweep(wanted) + context.store.clean_temp()


def upload_of(session: Session, principal: Principal, upload_id: str) -> Upload:
    """A person's own upload. Raises NotFound for those of others, too."""
    upload = queries.upload(session, upload_id)
    if upload is None or upload.person_id != principal.person_id:
        raise errors.unknown_upload()
    return upload


def get_sound(session: Session, sha256: str) -> Sound:
    """Raises NotFound `media.unknown_sound`."""
    sound = queries.sound(session, sha256)
    if sound is None:
        raise errors.unknown_sound()
    return sound
