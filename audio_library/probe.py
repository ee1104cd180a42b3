"""The first look at an upload: what it is, without believing what it says."""

from __future__ import annotations

import re
from pathlib import Path

from audio_library.errors import (
    Bomb,
    EmptyFile,
    NoAudioTrack,
    NotSound,
    TooLarge,
    ToolFailed,
    TooLong,
    Truncated,
    UnusualFormat,
)
from audio_library.limits import MB, Limits
from audio_library.missing import missing_bytes
from audio_library.sound import Probe
from audio_library.tool import ignore_output, run, safe_input

INPUT = re.compile(r"^Input #0, (?P<container>[\w,]+), from ", re.MULTILINE)
DURATION = re.compile(r"^  Duration: (\d+):(\d\d):(\d\d(?:\.\d+)?)", re.MULTILINE)
AUDIO = re.compile(r"^  Stream #0:\d+[^\n]*?: Audio: (?P<codec>\w+)", re.MULTILINE)
MANY_CHANNELS = re.compile(r"^  Stream #0:\d+[^\n]*?: Audio: [^\n]*?(\d+) Hz, (\d+) channels", re.MULTILINE)
FRAME = re.compile(r"\[ashowinfo@frame @ [^\]]*\] n:0 .*? channels:(\d+) .*?rate:(\d+) ")
VIDEO = re.compile(r"^  Stream #0:\d+[^\n]*?: Video: [^\n]*", re.MULTILINE)
PICTURE = "(attached pic)"
ESTIMATED = "Estimating duration from bitrate"
NO_AUDIO = "matches no streams"
NO_INDEX = "moov atom not found"


def probe(path: Path, limits: Limits) -> Probe:
    """What the file is, seen by decoding its first moments in a subprocess with limits.

    Raises EmptyFile, TooLarge, NotSound, NoAudioTrack, Truncated, UnusualFormat, TooLong, Bomb, ProbeTimeout.
    """
    size_bytes = _size(path, limits)
    found = _read(_first_frames(path, limits), size_bytes, limits)
    if missing_bytes(path):
        raise Truncated
    _refuse_absurd(found, limits)
    return found


def refuse_length(seconds: float, size_bytes: int, limits: Limits) -> None:
    """Raises TooLong, or Bomb where so few bits per second can hold no speech."""
    if seconds <= limits.max_seconds:
        return
    if size_bytes * 8 / seconds < limits.min_bits_per_second:
        raise Bomb(hours=round(seconds / 3600, 1))
    raise TooLong(hours=round(seconds / 3600, 1), limit_hours=round(limits.max_seconds / 3600, 1))


def _size(path: Path, limits: Limits) -> int:
    if not path.is_file():
        raise NotSound
    size_bytes = path.stat().st_size
    if size_bytes == 0:
        raise EmptyFile
    if size_bytes > limits.max_bytes:
        raise TooLarge(size_mb=-(-size_bytes // MB), limit_mb=limits.max_bytes // MB)
    return size_bytes


def _first_frames(path: Path, limits: Limits) -> str:
    output = ["-map", "0:a:0", "-map_metadata", "-1", "-af", "ashowinfo@frame", "-frames:a", "3"]
    output += ["-f", "null", "-"]
    try:
        return run([*safe_input(path), *output], limits.probe, ignore_output)
    except ToolFailed as failure:
        raise _reason(failure.log, limits) from failure


def _reason(log: str, limits: Limits) -> Exception:
    many = MANY_CHANNELS.search(log)
    if many and int(many[2]) > limits.max_channels:
        return UnusualFormat(rate_hz=int(many[1]), channels=int(many[2]))
    if INPUT.search(log) and NO_AUDIO in log:
        return NoAudioTrack()
    return Truncated() if NO_INDEX in log else NotSound()


def _read(log: str, size_bytes: int, limits: Limits) -> Probe:
    container, codec, frame = INPUT.search(log), AUDIO.search(log), FRAME.search(log)
    if not (container and codec and frame):
        raise NotSound
    channels, rate_hz = int(frame[1]), int(frame[2])
    if not (1 <= channels <= limits.max_channels and limits.min_rate_hz <= rate_hz <= limits.max_rate_hz):
        raise UnusualFormat(rate_hz=rate_hz, channels=channels)
    return Probe(
        container=container["container"],
        codec=codec["codec"],
        channels=channels,
        rate_hz=rate_hz,
        claimed_seconds=_claimed(log),
        has_cover_art=PICTURE in log,
        has_film=any(PICTURE not in stream for stream in VIDEO.findall(log)),
        size_bytes=size_bytes,
    )


def _claimed(log: str) -> float | None:
    claim = DURATION.search(log)
    if claim is None or ESTIMATED in log:
        return None
    hours, minutes, seconds = claim.groups()
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def _refuse_absurd(found: Probe, limits: Limits) -> None:
    if found.claimed_seconds is not None:
        refuse_length(found.claimed_seconds, found.size_bytes, limits)
