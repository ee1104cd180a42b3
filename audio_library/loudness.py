"""Measuring with ffmpeg's ebur128 filter (EBU R128, ITU-R BS.1770-4), and reading the summary it prints."""

from __future__ import annotations

import re

from audio_library.errors import ToolFailed
from audio_library.sound import Loudness

NUMBER = r"(-?(?:\d+(?:\.\d+)?|inf|nan))"
INTEGRATED = re.compile(rf"\bI:\s+{NUMBER} LUFS")
RANGE = re.compile(rf"\bLRA:\s+{NUMBER} LU\b")
PEAK = re.compile(rf"\bPeak:\s+{NUMBER} dBFS")
SUMMARY = "Summary:"


def meter(name: str) -> str:
    """The filter that measures all of what flows through it; its summary is found again by `name`."""
    return f"ebur128@{name}=peak=true:framelog=quiet"


def quick_meter(name: str) -> str:
    """Loudness alone; peaks between samples cost as much again."""
    return f"ebur128@{name}=framelog=quiet"


def read_meter(log: str, name: str) -> Loudness:
    """What the meter `name` measured. Raises ToolFailed where it has no summary."""
    summary = _summary(log, name)
    return Loudness(_number(INTEGRATED, summary), _number(PEAK, summary), _number(RANGE, summary))


def read_lufs(log: str, name: str) -> float:
    """What the quick meter `name` measured. Raises ToolFailed where it has no summary."""
    return _number(INTEGRATED, _summary(log, name))


def _summary(log: str, name: str) -> str:
    blocks = [block for block in log.split("[ebur128@") if block.startswith(f"{name} @") and SUMMARY in block]
    if not blocks:
        raise ToolFailed(log)
    return blocks[-1].partition(SUMMARY)[2]


def _number(pattern: re.Pattern[str], summary: str) -> float:
    found = pattern.search(summary)
    if found is None:
        raise ToolFailed(summary)
    return float(found[1])
