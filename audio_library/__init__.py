"""Sound: probe, normalise, encode, keep by content, chimes. The only user of pydub and ffmpeg."""

from audio_library.errors import BadUpload, SoundError
from audio_library.ingest import IngestOptions, ingest
from audio_library.limits import Budget, Limits
from audio_library.probe import probe
from audio_library.sound import NORM, Ingested, Loudness, Norm, Probe, Sound
from audio_library.store import Store, digest, display_name

__all__ = [
    "NORM",
    "BadUpload",
    "Budget",
    "IngestOptions",
    "Ingested",
    "Limits",
    "Loudness",
    "Norm",
    "Probe",
    "Sound",
    "SoundError",
    "Store",
    "digest",
    "display_name",
    "ingest",
    "probe",
]
