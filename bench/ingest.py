"""How fast a recording becomes a sound, and how much memory that takes: `python -m bench.ingest [minutes…]`.

Memory is the resident memory of this process and all its helpers together, looked at every 50 ms; pages that
they share count for each, so the true figure is a little lower. The floor is ffmpeg encoding the same file
with the same encoder and nothing else, in the same run. Ends with 1 where a recording needs over 300 MB.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import imageio_ffmpeg
import psutil

from audio_library import IngestOptions, Limits, Store, compose, ingest, programme

MOST_MB = 300.0
MINUTES = (10, 120)
LOOK_EVERY_S = 0.05
Result = TypeVar("Result")
SPEECH = (
    "aevalsrc='0.25*(sin(2*PI*170*t+3*sin(2*PI*0.4*t))+0.7*sin(2*PI*510*t+9*sin(2*PI*0.4*t)+1)"
    "+0.5*sin(2*PI*1190*t+21*sin(2*PI*0.4*t)+2)+0.2*random(0))*max(0,sin(2*PI*3.3*t)+0.4)"
    "*gt(sin(2*PI*0.13*t),-0.75)':s=44100"
)


@dataclass(frozen=True, slots=True)
class Cost:
    seconds: float
    peak_mb: float


class MemoryWatch:
    """Adds up the resident memory of this process and its children until it is told to stop."""

    def __init__(self) -> None:
        self.peak_bytes = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> MemoryWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        me = psutil.Process()
        while not self._stop.wait(LOOK_EVERY_S):
            family = [me, *me.children(recursive=True)]
            self.peak_bytes = max(self.peak_bytes, sum(map(_resident_bytes, family)))


def main(minutes: tuple[int, ...]) -> int:
    with tempfile.TemporaryDirectory() as place:
        peaks_mb = [_case(Path(place), length) for length in minutes]
    return int(max(peaks_mb) > MOST_MB)


def _case(folder: Path, minutes: int) -> float:
    """Ingest one recording, put chimes around it, and give the higher of the two peaks of memory."""
    source, store = _recording(folder, minutes), Store(folder / f"library-{minutes}")
    _, floor = _measured(partial(_plain_encode, source, folder / "plain.opus"))
    body, alone = _measured(partial(ingest, source, store, Limits(), IngestOptions(), _unheard))
    _line("ingest", minutes, alone, floor)
    parts = programme([body.sha256], opening=True, closing=True)
    _, whole = _measured(partial(compose, parts, store, Limits(), _unheard))
    _line("chimes", minutes, whole, floor)
    return max(alone.peak_mb, whole.peak_mb)


def _line(name: str, minutes: int, cost: Cost, floor: Cost) -> None:
    speed, share = minutes * 60 / cost.seconds, cost.seconds / floor.seconds
    print(
        f"{name:<8}{minutes:>4} min {speed:7.1f} × real time   peak {cost.peak_mb:4.0f} MB   "
        f"{share:4.1f} × the time of a plain encode ({minutes * 60 / floor.seconds:.0f} × real time)",
        flush=True,
    )


def _measured(work: Callable[[], Result]) -> tuple[Result, Cost]:
    with MemoryWatch() as watch:
        started = time.perf_counter()
        result = work()
        seconds = time.perf_counter() - started
    return result, Cost(seconds, watch.peak_bytes / 1e6)


def _unheard(_: float) -> None:
    pass


def _plain_encode(source: Path, target: Path) -> None:
    encoder = "-ac 1 -c:a libopus -b:a 24k -application voip"
    _ffmpeg("-i", source, *encoder.split(" "), target)


def _recording(folder: Path, minutes: int) -> Path:
    """Something like speech, as MP3 of 96 kbit/s: a minute of it, over and over."""
    minute, whole = folder / "minute.mp3", folder / f"{minutes}.mp3"
    _ffmpeg("-f", "lavfi", "-i", SPEECH, "-t", "60", "-b:a", "96k", minute)
    _ffmpeg("-stream_loop", minutes - 1, "-i", minute, "-c", "copy", whole)
    return whole


def _ffmpeg(*arguments: object) -> None:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-nostdin", "-v", "error", *map(str, arguments)]
    subprocess.run(command, check=True)


def _resident_bytes(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


if __name__ == "__main__":
    sys.exit(main(tuple(int(minutes) for minutes in sys.argv[1:]) or MINUTES))
