"""The values this package gives back: what a file is, how loud it is, and a sound kept in the store."""

from __future__ import annotations

from dataclasses import dataclass

RATE_HZ = 48_000


@dataclass(frozen=True, slots=True)
class Loudness:
    """EBU R128 / ITU-R BS.1770-4. Silence has `true_peak_dbtp` of minus infinity."""

    lufs: float
    true_peak_dbtp: float
    range_lu: float


@dataclass(frozen=True, slots=True)
class Norm:
    """The library's norm for horns, met by the encoded file."""

    lufs: float = -16.0
    tolerance_lu: float = 1.0
    max_true_peak_dbtp: float = -1.5

    def holds(self, loudness: Loudness) -> bool:
        loud_enough = abs(loudness.lufs - self.lufs) <= self.tolerance_lu
        return loud_enough and loudness.true_peak_dbtp <= self.max_true_peak_dbtp


NORM = Norm()


@dataclass(frozen=True, slots=True)
class Probe:
    """What a file says about itself. `claimed_seconds` is a claim: only decoding tells the truth."""

    container: str
    codec: str
    channels: int
    rate_hz: int
    claimed_seconds: float | None
    has_cover_art: bool
    has_film: bool
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Sound:
    """One Ogg Opus file in the store. `seconds`: decoded samples; `peaks` are 0 to 100, at most 1000."""

    sha256: str
    seconds: float
    size_bytes: int
    before: Loudness
    after: Loudness
    peaks: tuple[int, ...]

    @property
    def meets_norm(self) -> bool:
        return NORM.holds(self.after)


@dataclass(frozen=True, slots=True)
class Ingested(Sound):
    """A sound made from an upload, with what is known of the upload itself."""

    source_sha256: str
    source: Probe
    source_seconds: float
