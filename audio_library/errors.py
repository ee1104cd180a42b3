"""What can go wrong with sound. Each error carries a catalogue `key` and the `params` of its sentence.

SoundError
├── BadUpload            what was handed in cannot become a broadcast
│   ├── BadName          a name that tries to be a path
│   ├── EmptyFile        zero bytes
│   ├── TooLarge         more bytes than allowed
│   ├── NotSound         nothing that can be decoded as sound
│   ├── NoAudioTrack     a film or picture without sound
│   ├── Truncated        the file ends before the sound it announces
│   ├── TooLong          more seconds than allowed
│   ├── TooShort         fewer seconds than allowed
│   ├── Silent           decodes, and holds nothing to hear
│   ├── Bomb             a small file that unpacks into an absurd amount of sound
│   ├── UnusualFormat    channels or sample rate that no recording has
│   └── ProbeTimeout     used up its time or memory while it was being read
├── StoreFull            no room on the disk; nothing half-made is left
├── UnknownSound         no sound with this sha256 in the store
├── NothingToJoin        no parts, or too many
└── ToolFailed           ffmpeg failed on sound that was already accepted
"""

from __future__ import annotations

from typing import ClassVar

Param = str | int | float


class SoundError(Exception):
    key: ClassVar[str] = "sound.failed"

    def __init__(self, **params: Param) -> None:
        self.params: dict[str, Param] = dict(params)
        super().__init__(self.key, self.params)


class BadUpload(SoundError):
    key = "sound.bad_upload"


class BadName(BadUpload):
    key = "sound.bad_name"


class EmptyFile(BadUpload):
    key = "sound.empty_file"


class TooLarge(BadUpload):
    key = "sound.too_large"


class NotSound(BadUpload):
    key = "sound.not_sound"


class NoAudioTrack(BadUpload):
    key = "sound.no_audio_track"


class Truncated(BadUpload):
    key = "sound.truncated"


class TooLong(BadUpload):
    key = "sound.too_long"


class TooShort(BadUpload):
    key = "sound.too_short"


class Silent(BadUpload):
    key = "sound.silent"


class Bomb(BadUpload):
    key = "sound.bomb"


class UnusualFormat(BadUpload):
    key = "sound.unusual_format"


class ProbeTimeout(BadUpload):
    key = "sound.probe_timeout"


class StoreFull(SoundError):
    key = "sound.store_full"


class UnknownSound(SoundError):
    key = "sound.unknown_sound"


class NothingToJoin(SoundError):
    key = "sound.nothing_to_join"


class ToolFailed(SoundError):
    """ffmpeg ended badly. `log` is its own last words, in English, for the journal and not for a page."""

    key = "sound.tool_failed"

    def __init__(self, log: str) -> None:
        super().__init__()
        self.log = log
        self.add_note(log[-2000:])
