"""Sound: probe, normalise, encode, keep by content, chimes. The only user of pydub and ffmpeg."""

from audio_library.chimes import Chime
from audio_library.compose import Part, Recording, compose, programme
from audio_library.errors import (
    BadName,
    BadUpload,
    Bomb,
    EmptyFile,
    NoAudioTrack,
    NothingToJoin,
    NotSound,
    ProbeTimeout,
    Silent,
    SoundError,
    StoreFull,
    TooLarge,
    ToolFailed,
    TooLong,
    TooShort,
    Truncated,
    UnknownSound,
    UnusualFormat,
)
from audio_library.ingest import IngestOptions, ingest
from audio_library.limits import Budget, Limits
from audio_library.probe import probe
from audio_library.signals import Signal
from audio_library.sound import NORM, Ingested, Loudness, Norm, Probe, Sound
from audio_library.store import Store, digest, display_name

__all__ = [
    "NORM",
    "BadName",
    "BadUpload",
    "Bomb",
    "Budget",
    "Chime",
    "EmptyFile",
    "IngestOptions",
    "Ingested",
    "Limits",
    "Loudness",
    "NoAudioTrack",
    "Norm",
    "NotSound",
    "NothingToJoin",
    "Part",
    "Probe",
    "ProbeTimeout",
    "Recording",
    "Signal",
    "Silent",
    "Sound",
    "SoundError",
    "Store",
    "StoreFull",
    "TooLarge",
    "TooLong",
    "TooShort",
    "ToolFailed",
    "Truncated",
    "UnknownSound",
    "UnusualFormat",
    "compose",
    "digest",
    "display_name",
    "ingest",
    "probe",
    "programme",
]
