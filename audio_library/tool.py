"""ffmpeg in a subprocess with limits: a clean environment, files only, known formats and sound codecs."""

from __future__ import annotations

import errno
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

import imageio_ffmpeg

from audio_library.errors import ProbeTimeout, StoreFull, ToolFailed
from audio_library.limits import Budget

JAIL = Path(__file__).with_name("jail.py")
CHUNK_BYTES = 1 << 16
LOG_BYTES = 1 << 15
CLEAN_ENVIRONMENT = {"LC_ALL": "C", "PATH": "/usr/bin:/bin", "MALLOC_ARENA_MAX": "2"}

FORMATS = (
    "mp3,wav,w64,flac,ogg,opus,mov,mp4,m4a,3gp,3g2,mj2,aac,amr,amrnb,amrwb,aiff,au,caf,asf,"
    "matroska,webm,avi,mpeg,mpegts,ac3,eac3,flv,ape,wv,tta"
)
CODECS = (
    "mp3float,mp3,mp2float,mp2,mp1float,mp1,aac,aac_latm,alac,flac,opus,libopus,vorbis,libvorbis,"
    "pcm_s8,pcm_u8,pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,pcm_f32le,pcm_f32be,"
    "pcm_f64le,pcm_f64be,pcm_alaw,pcm_mulaw,adpcm_ms,adpcm_ima_wav,adpcm_ima_qt,gsm,gsm_ms,"
    "amrnb,amrwb,libopencore_amrnb,libopencore_amrwb,wmav1,wmav2,wmapro,wmalossless,wmavoice,"
    "ac3,eac3,ape,wavpack,tta,libspeex,speex"
)


def safe_input(path: Path, *options: str) -> list[str]:
    """Arguments that open one file and nothing else: no network, no playlist, no picture or video decoder."""
    whitelists = [
        "-protocol_whitelist",
        "file,pipe",
        "-format_whitelist",
        FORMATS,
        "-codec_whitelist",
        CODECS,
    ]
    bounds = ["-max_streams", "8", "-probesize", "5M", "-analyzeduration", "5M", "-threads", "1"]
    return [*whitelists, *bounds, *options, "-i", f"file:{path.absolute()}"]


def run(arguments: Sequence[str], budget: Budget, on_output: Callable[[bytes], None]) -> str:
    """Run ffmpeg to its end, handing its standard output over piece by piece, and return its log.

    If `on_output` raises, ffmpeg is killed and the exception goes on: that is how work is cancelled.
    Raises ProbeTimeout (time, memory), StoreFull, ToolFailed.
    """
    child = _start(arguments, budget)
    try:
        log = _pump(child, time.monotonic() + budget.wall_s, on_output)
        code = child.wait()
    finally:
        child.kill()
        child.wait()
        for pipe in (child.stdout, child.stderr):
            if pipe is not None:
                pipe.close()
    _judge(code, log)
    return log


def _start(arguments: Sequence[str], budget: Budget) -> subprocess.Popen[bytes]:
    bounds = [os.getpid(), budget.cpu_s, budget.memory_bytes, budget.file_bytes]
    ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-nostdin", "-nostats", "-y"]
    command = [sys.executable, "-I", "-S", str(JAIL), *map(str, bounds), *ffmpeg, *arguments]
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=CLEAN_ENVIRONMENT,
        bufsize=0,
    )


def _pump(child: subprocess.Popen[bytes], deadline: float, on_output: Callable[[bytes], None]) -> str:
    log = _Log()
    with selectors.DefaultSelector() as selector:
        _register(selector, child.stdout, on_output)
        _register(selector, child.stderr, log.write)
        while selector.get_map():
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise ProbeTimeout
            for ready, _ in selector.select(left_s):
                piece = os.read(ready.fd, CHUNK_BYTES)
                if piece:
                    ready.data(piece)
                else:
                    selector.unregister(ready.fileobj)
    return log.text()


def _register(
    selector: selectors.BaseSelector, pipe: IO[bytes] | None, take: Callable[[bytes], None]
) -> None:
    if pipe is not None:
        selector.register(pipe, selectors.EVENT_READ, take)


def _judge(code: int, log: str) -> None:
    """A signal that ended ffmpeg is negative; an error number it met is the exit code's low byte, negated."""
    number = 256 - code
    if code == 0:
        return
    if number in {errno.ENOSPC, errno.EDQUOT}:
        raise StoreFull
    if code in {-signal.SIGXCPU, -signal.SIGKILL} or number in {errno.ENOMEM, errno.EAGAIN}:
        raise ProbeTimeout
    raise ToolFailed(log)


class _Log:
    """The first and last part of what ffmpeg writes: a file full of faults cannot fill our memory."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._tail = bytearray()

    def write(self, piece: bytes) -> None:
        room = max(0, LOG_BYTES - len(self._head))
        self._head += piece[:room]
        self._tail += piece[room:]
        del self._tail[:-LOG_BYTES]

    def text(self) -> str:
        return (self._head + b"\n" + self._tail).decode("utf-8", "replace")


class ProgressReader:
    """Understands ffmpeg's `-progress pipe:1` and reports the share of `seconds` that is done, 0 to 1."""

    def __init__(self, seconds: float, report: Callable[[float], None]) -> None:
        self._seconds = max(seconds, 0.001)
        self._report = report
        self._rest = b""

    def __call__(self, piece: bytes) -> None:
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            name, _, value = line.partition(b"=")
            if name == b"out_time_us" and value.strip().isdigit():
                self._report(min(1.0, int(value) / 1e6 / self._seconds))


class Rising:
    """Reports every time, but never less than before: a second try does not turn the bar back.

    Callers renew leases and stop work by this call, so no call is left out.
    """

    def __init__(self, report: Callable[[float], None]) -> None:
        self._report = report
        self._furthest = 0.0

    def __call__(self, done: float) -> None:
        self._furthest = max(self._furthest, done)
        self._report(self._furthest)


def ignore_output(_: bytes) -> None:
    """For a run whose standard output says nothing of interest."""
