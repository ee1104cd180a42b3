"""Reads the summary that ffmpeg's ebur128 filter prints at its end."""

from __future__ import annotations

import re

from audio_library.errors import ToolFailed
from audio_library.sound import Loudness

NUMBER = r"(-?(?:\d+(?:\.\d+)?|inf|nan))"
SUMMARY = re.compile(
    r"\[ebur128@(?P<name>\w+) @ [^\]]*\] Summary:\s+"
    rf"Integrated loudness:\s+I:\s+(?P<lufs>{NUMBER}) LUFS.*?"
    rf"LRA:\s+(?P<range>{NUMBER}) LU.*?"
    rf"Peak:\s+(?P<peak>{NUMBER}) dBFS",
    re.DOTALL,
)


def meter(name: str) -> str:
    """The filter that measures what flows through it; its summary is found again by `name`."""
    return f"ebur128@{name}=peak=true:framelog=quiet"


def read_meter(log: str, name: str) -> Loudness:
    """The last summary of the meter `name`. Raises ToolFailed where there is none."""
    found = [match for match in SUMMARY.finditer(log) if match["name"] == name]
    if not found:
        raise ToolFailed(log)
    last = found[-1]
    return Loudness(float(last["lufs"]), float(last["peak"]), float(last["range"]))
