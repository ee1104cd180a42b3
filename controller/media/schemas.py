"""Uploads and sounds as JSON."""

from datetime import datetime

from pydantic import BaseModel

from controller.media.tables import Sound, Upload, UploadState
from controller.web.texts import Texts


class Problem(BaseModel):
    """Why an upload was refused, or waits: the members of RFC 9457, `detail` in the person's language."""

    type: str
    detail: str
    params: dict[str, str | int | float]


class LoudnessView(BaseModel):
    lufs: float
    true_peak_dbtp: float


class SoundView(BaseModel):
    sha256: str
    url: str
    seconds: float
    size_bytes: int
    before: LoudnessView
    after: LoudnessView
    peaks: list[int]
    """Waveform, 0 to 100."""

    @classmethod
    def of(cls, sound: Sound) -> "SoundView":
        return cls(
            sha256=sound.sha256,
            url=url_of(sound.sha256),
            seconds=sound.seconds,
            size_bytes=sound.size_bytes,
            before=LoudnessView(lufs=sound.source_lufs, true_peak_dbtp=sound.source_true_peak_dbtp),
            after=LoudnessView(lufs=sound.lufs, true_peak_dbtp=sound.true_peak_dbtp),
            peaks=sound.peaks,
        )


class UploadView(BaseModel):
    id: str
    file_name: str
    size_bytes: int
    state: UploadState
    progress: float
    """0 to 1."""
    known_already: bool
    """The same recording was uploaded before; nothing had to be made."""
    sound_sha256: str | None
    sound_url: str | None
    problem: Problem | None
    created_at: datetime

    @classmethod
    def of(cls, upload: Upload, texts: Texts, language: str) -> "UploadView":
        return cls(
            id=upload.id,
            file_name=upload.file_name,
            size_bytes=upload.size_bytes,
            state=upload.state,
            progress=upload.progress,
            known_already=upload.known_already,
            sound_sha256=upload.sound_sha256,
            sound_url=url_of(upload.sound_sha256) if upload.sound_sha256 else None,
            problem=_problem(upload, texts, language),
            created_at=upload.created_at,
        )


def url_of(sha256: str) -> str:
    return f"/media/{sha256}.opus"


def _problem(upload: Upload, texts: Texts, language: str) -> Problem | None:
    if upload.error_key is None:
        return None
    return Problem(
        type=f"urn:loaban:error:{upload.error_key}",
        detail=texts.say(language, upload.error_key, **upload.error_params),
        params=upload.error_params,
    )
