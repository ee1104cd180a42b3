"""One upload on its way into the library: claimed, worked on with a lease, and brought to one of its ends."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from audio_library import Limits, SoundError, StoreFull
from controller.context import Context
from controller.media import queries
from controller.media.errors import INGEST_FAILED, NO_ROOM_YET, SOURCE_LOST
from controller.media.inbox import Inbox
from controller.media.recipe import Made, Recipe
from controller.media.tables import Sound, UploadState

_LEASE: Final = timedelta(seconds=120)
_RENEW_EVERY_S: Final = 1.0
_MOST_ATTEMPTS: Final = 3
_PAUSE_WITHOUT_ROOM: Final = timedelta(minutes=1)
_ROOM_AWAITED: Final = timedelta(days=1)
logger = logging.getLogger(__name__)


class ClaimLost(Exception):
    """Another process has the upload now; what we made of it is not written down."""


class Stopping(Exception):
    """The process is about to end; the upload goes back in line."""


@dataclass(frozen=True, slots=True)
class Claimed:
    upload_id: str
    source_sha256: str
    recipe: Recipe
    attempt: int
    created_at: datetime


def claim_next(context: Context) -> Claimed | None:
    with context.database.write() as session:
        now = context.now()
        upload = queries.claim(session, now, context.process_id, now + _LEASE)
        if upload is None:
            return None
        recipe = Recipe(upload.opening_chime, upload.closing_chime)
        return Claimed(upload.id, upload.source_sha256, recipe, upload.attempts, upload.created_at)


class IngestJob:
    def __init__(
        self, context: Context, inbox: Inbox, claimed: Claimed, stopping: Callable[[], bool]
    ) -> None:
        self._context = context
        self._inbox = inbox
        self._claimed = claimed
        self._stopping = stopping
        self._renewed_s = time.monotonic()

    def run(self) -> None:
        """Ends as ready, refused, or back in line; never by an error of the upload's own."""
        try:
            self._work()
        except StoreFull as error:
            self._wait_for_room(error)
        except SoundError as error:
            logger.info("upload %s refused: %s %s", self._claimed.upload_id, error.key, error.params)
            self._refuse(error.key, error.params)
        except Stopping:
            self._back_in_line(attempts=self._claimed.attempt - 1)
        except ClaimLost:
            logger.warning("upload %s was taken over by another process", self._claimed.upload_id)
        except Exception:
            logger.exception("upload %s failed, attempt %d", self._claimed.upload_id, self._claimed.attempt)
            self._back_in_line(attempts=self._claimed.attempt)

    def _wait_for_room(self, error: StoreFull) -> None:
        """Nobody sends a file over a slow line again because our disk is full."""
        if self._context.now() - self._claimed.created_at > _ROOM_AWAITED:
            self._refuse(error.key, error.params)
            return
        logger.error("no room for upload %s; again in %s", self._claimed.upload_id, _PAUSE_WITHOUT_ROOM)
        self._back_in_line(
            attempts=self._claimed.attempt - 1,
            waits_until=self._context.now() + _PAUSE_WITHOUT_ROOM,
            error_key=NO_ROOM_YET,
        )

    def _work(self) -> None:
        known = self._known()
        source = self._inbox.path_of(self._claimed.upload_id)
        if known:
            self._ready(known, known_already=True)
        elif self._claimed.attempt > _MOST_ATTEMPTS:
            self._refuse(INGEST_FAILED, {})
        elif not source.is_file():
            self._refuse(SOURCE_LOST, {})
        else:
            self._keep(self._make(source))

    def _known(self) -> str | None:
        """The sound of an identical upload that was finished while this one waited."""
        with self._context.database.read() as session:
            known = queries.sound_from(session, self._claimed.source_sha256, self._claimed.recipe.name)
            return known.sha256 if known and self._context.store.has(known.sha256) else None

    def _make(self, source: Path) -> Made:
        settings = self._context.settings
        limits = Limits(max_bytes=settings.upload_max_bytes, max_seconds=settings.sound_max_s)
        return self._claimed.recipe.make(source, self._context.store, limits, self._progress)

    def _progress(self, done: float) -> None:
        if self._stopping():
            raise Stopping
        if time.monotonic() - self._renewed_s < _RENEW_EVERY_S:
            return
        self._renewed_s = time.monotonic()
        if not self._change({"progress": done, "claimed_until": self._context.now() + _LEASE}):
            raise ClaimLost

    def _keep(self, made: Made) -> None:
        """A sound that another source became before keeps its first entry."""
        with self._context.database.write() as session:
            new = queries.add_sound(session, self._row(made))
        self._ready(made.sound.sha256, known_already=not new)

    def _ready(self, sha256: str, *, known_already: bool) -> None:
        self._settle(
            {
                "state": UploadState.READY,
                "progress": 1.0,
                "sound_sha256": sha256,
                "known_already": known_already,
            }
        )

    def _refuse(self, key: str, params: dict[str, str | int | float]) -> None:
        self._settle({"state": UploadState.REFUSED, "error_key": key, "error_params": params})

    def _settle(self, end: dict[str, Any]) -> None:
        """The end is written first: a crash in between leaves a file to sweep, never a lost upload."""
        if self._change({**end, "claimed_by": None, "claimed_until": None}):
            self._inbox.drop(self._claimed.upload_id)

    def _back_in_line(self, attempts: int, **why: datetime | str) -> None:
        self._change(
            {
                "state": UploadState.WAITING,
                "attempts": attempts,
                "progress": 0.0,
                "claimed_by": None,
                "claimed_until": None,
                **why,
            }
        )

    def _change(self, values: dict[str, Any]) -> bool:
        """False if the upload is no longer ours."""
        with self._context.database.write() as session:
            return queries.change_claimed(session, self._claimed.upload_id, self._context.process_id, values)

    def _row(self, made: Made) -> Sound:
        return Sound(
            sha256=made.sound.sha256,
            source_sha256=self._claimed.source_sha256,
            recipe=self._claimed.recipe.name,
            seconds=made.sound.seconds,
            size_bytes=made.sound.size_bytes,
            source_lufs=made.source.lufs,
            source_true_peak_dbtp=made.source.true_peak_dbtp,
            lufs=made.sound.after.lufs,
            true_peak_dbtp=made.sound.after.true_peak_dbtp,
            peaks=list(made.sound.peaks),
            created_at=self._context.now(),
        )
