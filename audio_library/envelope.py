"""The outline of a sound, taken while its samples stream by: length, silent edges, and a waveform to draw."""

from __future__ import annotations

import math
from array import array

import numpy as np

from audio_library.sound import RATE_HZ

BIN_SAMPLES = RATE_HZ // 100
RUN_BINS = 5
FULL_SCALE = 32_768


class Envelope:
    """Takes 16-bit mono samples as bytes of any length; keeps a peak and a mean square per 10 ms."""

    def __init__(self) -> None:
        self.samples = 0
        self._rest = b""
        self._peaks = array("H")
        self._squares = array("f")

    def __call__(self, piece: bytes) -> None:
        data = self._rest + piece
        whole = len(data) // (2 * BIN_SAMPLES) * (2 * BIN_SAMPLES)
        self._rest = data[whole:]
        self.samples += whole // 2
        self._take(data[:whole])

    def finish(self) -> None:
        """Count the last, incomplete 10 ms."""
        count = len(self._rest) // 2
        self.samples += count
        if count:
            self._take(self._rest[: 2 * count].ljust(2 * BIN_SAMPLES, b"\0"))
        self._rest = b""

    @property
    def seconds(self) -> float:
        return self.samples / RATE_HZ

    def audible(self, threshold_dbfs: float) -> tuple[float, float] | None:
        """Seconds at which sound louder than the threshold begins and ends; None where there is none.

        Loud means 50 ms in a row, so that the click of a switch is not taken for speech.
        """
        squares = np.frombuffer(self._squares, np.float32)
        loud = squares > 10 ** (threshold_dbfs / 10)
        runs = (
            np.convolve(loud, np.ones(RUN_BINS), "valid") >= RUN_BINS if loud.size >= RUN_BINS else loud[:0]
        )
        hits = np.flatnonzero(runs)
        if not hits.size:
            return None
        bin_s = BIN_SAMPLES / RATE_HZ
        return float(hits[0]) * bin_s, min(self.seconds, float(hits[-1] + RUN_BINS) * bin_s)

    def waveform(self, points: int = 800) -> tuple[int, ...]:
        """At most `points` peaks, 0 to 100 of full scale."""
        peaks = np.frombuffer(self._peaks, np.uint16)
        if not peaks.size:
            return ()
        step = math.ceil(peaks.size / points)
        starts = np.arange(0, peaks.size, step)
        heights = np.maximum.reduceat(peaks, starts) * (100 / FULL_SCALE)
        return tuple(int(height) for height in np.round(heights))

    def _take(self, data: bytes) -> None:
        if not data:
            return
        bins = np.frombuffer(data, "<i2").reshape(-1, BIN_SAMPLES).astype(np.float32)
        self._peaks.extend(np.abs(bins).max(axis=1).astype(np.uint16).tolist())
        self._squares.extend(np.square(bins / FULL_SCALE).mean(axis=1).tolist())
