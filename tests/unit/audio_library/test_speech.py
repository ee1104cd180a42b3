"""The contract of a machine that reads aloud, and the one that is always there."""

import subprocess
import wave
from pathlib import Path

import pytest

from audio_library import SoundError
from audio_library.speech import EspeakNg, Speech, SpeechFailed

LOCAL_LANGUAGES = ("hmn", "ium", "tyz", "pcc", "nut", "blt", "hni")


@pytest.fixture
def speech() -> Speech:
    return EspeakNg()


@pytest.mark.parametrize(
    ("language", "short", "long"),
    [
        ("vi", "Kính chào bà con.", "Kính chào bà con. Đây là đài truyền thanh xã Bát Xát."),
        ("en", "Flood warning.", "Flood warning. Leave low ground and go to higher ground now."),
    ],
)
def test_reads_aloud_and_longer_text_takes_longer(
    speech: Speech, tmp_path: Path, language: str, short: str, long: str
) -> None:
    for name, text in (("short.wav", short), ("long.wav", long)):
        speech.read_aloud(text, language, tmp_path / name)
    seconds = [_seconds(tmp_path / name) for name in ("short.wav", "long.wav")]
    assert 0.5 < seconds[0] < seconds[1] < 10


def test_says_which_languages_it_can(speech: Speech) -> None:
    """No engine of ours has the languages of the mountains; nobody is promised them."""
    can = speech.languages()
    assert {"vi", "en"} <= can
    assert not can & set(LOCAL_LANGUAGES)
    assert all(2 <= len(code) <= 3 for code in can)


def test_every_language_it_promises_has_a_voice(speech: Speech, tmp_path: Path) -> None:
    for language in sorted(speech.languages())[::12]:
        speech.read_aloud("112", language, tmp_path / f"{language}.wav")
        assert _seconds(tmp_path / f"{language}.wav") > 0.2


@pytest.mark.parametrize("language", [*LOCAL_LANGUAGES, "zz", "", "vi; rm -rf", "../vi"])
def test_says_so_when_the_language_has_no_voice(speech: Speech, tmp_path: Path, language: str) -> None:
    with pytest.raises(SoundError) as refused:
        speech.read_aloud("anything", language, tmp_path / "none.wav")
    assert (refused.value.key, refused.value.params) == ("sound.speech_failed", {"language": language})
    assert not (tmp_path / "none.wav").exists()


def test_an_engine_that_breaks_says_why(
    speech: Speech, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that is not there stands for any failure inside the engine's own process."""
    with pytest.raises(SpeechFailed) as refused:
        speech.read_aloud("anything", "vi", tmp_path / "nowhere" / "none.wav")
    assert any(note.strip() for note in refused.value.__notes__)
    monkeypatch.setattr(subprocess, "run", _never_ends)
    with pytest.raises(SpeechFailed):
        speech.read_aloud("anything", "vi", tmp_path / "none.wav")


def _never_ends(*_arguments: object, **_options: object) -> None:
    raise subprocess.TimeoutExpired("speech", 120)


def _seconds(path: Path) -> float:
    with wave.open(str(path)) as file:
        samples = file.readframes(file.getnframes())
        assert any(samples), "all silence"
        return float(file.getnframes() / file.getframerate())
