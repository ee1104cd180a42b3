"""The seam between the self-test and whatever carries its sound to the air and back.

Every ear passes `tests/contract/test_ear_contract.py`.

1. `hear` plays `sound` (mono 16-bit at 48 kHz) once at `level_db` below full scale, and returns what the
   microphone took from `LEAD_S` before the first sample to `TAIL_S` after the last one: always
   `len(sound) + (LEAD_S + TAIL_S) * 48000` frames. The amplifier is on and settled before, off afterwards.
2. It raises `SpeakerFailed` or `MicrophoneFailed` when the sound card does not do its part, and never hangs.
3. Cancelled, it is silent at once.
4. `lines` plays `sound` in the same way and returns what each loudspeaker line drew meanwhile, in mA; nothing
   where there is no amplifier board. Raises `SpeakerFailed` or `AmplifierFailed`.
"""

from typing import Final, Protocol

from agent.speakers.contract import Frames

LEAD_S: Final = 0.5
TAIL_S: Final = 0.5


class Ear(Protocol):
    async def hear(self, sound: Frames, level_db: float) -> Frames: ...

    async def lines(self, sound: Frames, level_db: float) -> tuple[float, ...]: ...
