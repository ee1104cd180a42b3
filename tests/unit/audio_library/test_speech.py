import wave
from pathlib import Path

import pytest

from audio_library import SoundError
from audio_library.speech import EspeakNg


def test_reads_vietnamese_aloud_and_longer_text_takes_longer(tmp_path: Path) -> None:
    EspeakNg().read_aloud("Kính chào bà con.", "vi", tmp_path / "short.wav")
    EspeakNg().read_aloud(
        "Kính chào bà con. Đây là đài truyền thanh xã Bát Xát.", "vi", tmp_path / "long.wav"
    )
    short, long = (_seconds(tmp_path / name) for name in ("short.wav", "long.wav"))
    assert 0.5 < short < long < 10


def test_says_so_when_the_language_has_no_voice(tmp_path: Path) -> None:
    with pytest.raises(SoundError) as refused:
        EspeakNg().read_aloud("anything", "zz", tmp_path / "none.wav")
    assert (refused.value.key, refused.value.params) == ("sound.speech_failed", {"language": "zz"})
    assert not (tmp_path / "none.wav").exists()


def _seconds(path: Path) -> float:
    with wave.open(str(path)) as file:
        samples = file.readframes(file.getnframes())
        assert any(samples), "all silence"
        return float(file.getnframes() / file.getframerate())
