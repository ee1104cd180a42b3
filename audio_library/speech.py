"""Typed text read aloud by machine: what an engine has to offer, and the one that is always there.

espeak-ng is robotic, knows Vietnamese and English but none of the province's other languages, and needs no
network. It is a C library with one global state, so each reading is a process of its own.
"""

import ctypes
import re
import subprocess
import sys
import wave
from functools import cached_property
from pathlib import Path
from typing import Protocol

import espeakng_loader

from audio_library.errors import SoundError

_SYNCHRONOUS = 2
_UTF8 = 1
_WORDS_A_MINUTE = 140
_RATE_PARAMETER = 1
_TIMEOUT_S = 120.0
_SYNTH_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)
_CODE = re.compile(r"[a-z]{2,3}")


class SpeechFailed(SoundError):
    """The engine does not know the language, or did not come to an end. Its own last words are a note."""

    key = "sound.speech_failed"

    def __init__(self, language: str, log: str) -> None:
        super().__init__(language=language)
        self.add_note(log[-300:])


class Speech(Protocol):
    """A machine that reads aloud. It says which languages it can, and refuses the others."""

    @property
    def name(self) -> str:
        """Engine and version of its voice: the same name reads the same words in the same way."""

    def languages(self) -> frozenset[str]:
        """Codes as in messages to stations (`vi`, `en`); what is not in it has to be recorded."""

    def read_aloud(self, text: str, language: str, wav: Path) -> None:
        """Write `text`, spoken in `language`, to a mono 16-bit WAV. Raises `SpeechFailed`."""


class EspeakNg:
    """Voices and library come with the `espeakng-loader` wheel."""

    name = f"espeak-ng-{_WORDS_A_MINUTE}"

    def languages(self) -> frozenset[str]:
        return self._languages

    def read_aloud(self, text: str, language: str, wav: Path) -> None:
        if language not in self._languages:
            raise SpeechFailed(language, f"no voice for {language}")
        command = [sys.executable, "-m", "audio_library.speech", language, str(wav)]
        try:
            subprocess.run(command, input=text.encode(), capture_output=True, timeout=_TIMEOUT_S, check=True)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            log = (error.stderr or b"").decode(errors="replace").strip()
            raise SpeechFailed(language, log) from error

    @cached_property
    def _languages(self) -> frozenset[str]:
        """Those with a voice and a dictionary by their code. Dialects are left out: they are worse."""
        data = Path(espeakng_loader.get_data_path())
        voices = (file.name for file in (data / "lang").rglob("*") if file.is_file())
        return frozenset(
            name for name in voices if _CODE.fullmatch(name) and (data / f"{name}_dict").is_file()
        )


def _synthesise(text: str, language: str) -> tuple[int, bytes]:
    """Sample rate in Hz and mono 16-bit samples."""
    engine = ctypes.CDLL(espeakng_loader.get_library_path())
    rate = engine.espeak_Initialize(_SYNCHRONOUS, 0, str(espeakng_loader.get_data_path()).encode(), 0)
    if rate <= 0 or engine.espeak_SetVoiceByName(language.encode()) != 0:
        raise SpeechFailed(language, f"no voice for {language}")
    samples = bytearray()

    def collect(block: int | None, count: int, _events: int | None) -> int:
        if block and count > 0:
            samples.extend(ctypes.string_at(block, count * 2))
        return 0

    callback = _SYNTH_CALLBACK(collect)
    engine.espeak_SetSynthCallback(callback)
    engine.espeak_SetParameter(_RATE_PARAMETER, _WORDS_A_MINUTE, 0)
    words = text.encode()
    engine.espeak_Synth(words, len(words) + 1, 0, 0, 0, _UTF8, None, None)
    engine.espeak_Synchronize()
    return rate, bytes(samples)


def _main(language: str, target: str) -> None:
    rate, samples = _synthesise(sys.stdin.buffer.read().decode(), language)
    with wave.open(target, "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes(samples)


if __name__ == "__main__":
    _main(*sys.argv[1:3])
