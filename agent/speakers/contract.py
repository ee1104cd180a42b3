"""The seam between the station program and whatever makes air move.

A *speaker* plays one *sounding* at a time: mono 16-bit frames at 48 kHz, placed on the monotonic clock.
Every speaker passes `tests/contract/test_speaker_contract.py`.

1. `begin(start_at_s)` announces a sounding; nothing is heard yet. A second `begin` before the first sounding
   is over raises `SpeakerMisuse`.
2. `write` takes frames and waits while more than about half a second is held, so that a long sound stays
   short in memory. If the first frames arrive before `start_at_s`, the first one leaves the speaker at that
   instant; if they arrive late, at once. When they run dry in the middle, silence is heard and not counted.
3. `finish` returns when the last frame has left the speaker. `stop` silences it at once: what is not heard
   within the output's own buffer (40 to 60 ms) is never heard. One of them ends the sounding; a `stop` after
   the end does nothing, any other call raises `SpeakerMisuse`.
4. `played_frames` counts frames that have left the speaker, never silence and never frames that only wait.
   It only grows, and keeps its last value after the end.
5. A speaker that takes no more sound raises `SpeakerFailed` from `begin`, `write` or `finish`:
   it never hangs.
"""

from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE_HZ: Final = 48_000
HELD_S: Final = 0.5

Frames = NDArray[np.int16]


class Sounding(Protocol):
    """One run of sound, from its first frame to its end."""

    @property
    def played_frames(self) -> int: ...

    @property
    def first_frame_at_s(self) -> float | None:
        """Monotonic instant at which the first frame left the speaker; None until that is known."""

    async def write(self, frames: Frames) -> None: ...

    async def finish(self) -> None: ...

    async def stop(self) -> None: ...


class Speaker(Protocol):
    async def begin(self, start_at_s: float, label: str) -> Sounding:
        """`start_at_s` is on the monotonic clock; `label` names the sounding in logs and recordings."""

    async def close(self) -> None: ...
