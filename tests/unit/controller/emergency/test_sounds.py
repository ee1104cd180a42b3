"""Sound for alerts from files and from text: at once, at the norm, within limits, and once only."""

import wave
from pathlib import Path

import numpy as np
import pytest

from audio_library import NORM, BadName, EmptyFile, Loudness, NotSound, Silent, TooLarge
from audio_library.speech import EspeakNg
from controller.context import Context
from controller.emergency import sounds
from controller.errors import Invalid
from controller.media import queries as media
from controller.media.tables import Sound

RATE_HZ = 16_000


def recording(path: Path, seconds: float, silence_s: float = 0.0) -> Path:
    """A hum that comes and goes like syllables, between two silences."""
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    hum = np.sin(2 * np.pi * 440 * time_s) + 0.5 * np.sin(2 * np.pi * 1_320 * time_s)
    voice = 0.1 * hum * (np.sin(2 * np.pi * 3 * time_s) > -0.5)
    still = np.zeros(round(silence_s * RATE_HZ))
    samples = np.round(np.concatenate([still, voice, still]) * 32_767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        file.writeframes(samples.tobytes())
    return path


def at_the_norm(sound: Sound) -> bool:
    return NORM.holds(Loudness(sound.lufs, sound.true_peak_dbtp, 0.0))


def test_a_file_becomes_a_sound_at_once_and_stays_where_it_is(context: Context, tmp_path: Path) -> None:
    path = recording(tmp_path / "rec.wav", 4.0, silence_s=3.0)
    made = sounds.from_file(context, path, "Báo động.wav")
    assert path.exists()
    assert at_the_norm(made)
    assert 4.0 <= made.seconds < 5.0, "the silence around it is cut"
    item = sounds.item_of(made)
    assert (item.sha256, item.seconds, item.size_bytes) == (made.sha256, made.seconds, made.size_bytes)
    assert context.store.existing(item.sha256).stat().st_size == item.size_bytes
    with context.database.read() as session:
        assert media.sound(session, made.sha256) is not None


def test_the_same_file_is_made_once(context: Context, tmp_path: Path) -> None:
    path = recording(tmp_path / "rec.wav", 2.0)
    first = sounds.from_file(context, path, "rec.wav")
    kept = context.store.existing(first.sha256)
    made_at = kept.stat().st_mtime_ns
    assert sounds.from_file(context, path, "another name.wav").sha256 == first.sha256
    assert kept.stat().st_mtime_ns == made_at


def test_a_file_lost_from_the_library_is_made_again(context: Context, tmp_path: Path) -> None:
    path = recording(tmp_path / "rec.wav", 2.0)
    first = sounds.from_file(context, path, "rec.wav")
    context.store.existing(first.sha256).unlink()
    assert sounds.from_file(context, path, "rec.wav").sha256 == first.sha256
    assert context.store.has(first.sha256)


def test_longer_than_five_minutes_is_refused(context: Context, tmp_path: Path) -> None:
    with pytest.raises(Invalid) as refused:
        sounds.from_file(context, recording(tmp_path / "long.wav", 302.0), "long.wav")
    assert (refused.value.key, refused.value.params) == ("sound.too_long_for_alert", {"most_minutes": 5})
    assert not list(context.store.root.rglob("*.opus"))


def test_a_long_recording_that_was_uploaded_before_is_refused_too(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = recording(tmp_path / "rec.wav", 3.0)
    sounds.from_file(context, path, "rec.wav")
    monkeypatch.setattr(sounds, "MOST_SECONDS", 2.0)
    with pytest.raises(Invalid) as refused:
        sounds.from_file(context, path, "rec.wav")
    assert refused.value.key == "sound.too_long_for_alert"


def test_what_is_no_recording_is_refused(context: Context, tmp_path: Path) -> None:
    files = {name: tmp_path / name for name in ("large.wav", "empty.wav", "text.wav", "silent.wav")}
    with files["large.wav"].open("wb") as large:
        large.truncate(20_000_001)
    files["empty.wav"].touch()
    files["text.wav"].write_text("Lũ quét!" * 100, encoding="utf-8")
    recording(files["silent.wav"], 0.0, silence_s=2.0)
    for name, kind in zip(files, (TooLarge, EmptyFile, NotSound, Silent), strict=True):
        with pytest.raises(kind):
            sounds.from_file(context, files[name], name)
    with pytest.raises(BadName):
        sounds.from_file(context, recording(tmp_path / "rec.wav", 2.0), "../rec.wav")
    assert not list(context.store.root.rglob("*.opus"))


def test_text_is_read_aloud_with_its_figures_in_words(context: Context) -> None:
    text = "Lúc 22h30 ngày 15/11, gió cấp 6-7.\nBà con vào nhà ngay."
    words = sounds.words_of(text, "vi")
    assert words == (
        "Lúc hai mươi hai giờ ba mươi phút ngày mười lăm tháng mười một, gió cấp sáu đến bảy. "
        "Bà con vào nhà ngay."
    )
    made = sounds.from_text(context, text, "vi")
    assert at_the_norm(made)
    assert sounds.from_text(context, words, "vi").sha256 == made.sha256


def test_the_same_words_are_read_once(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    made = sounds.from_text(context, "Nước đang lên nhanh.", "vi")
    monkeypatch.setattr(EspeakNg, "read_aloud", _must_not_read)
    assert sounds.from_text(context, " Nước đang\nlên nhanh. ", "vi").sha256 == made.sha256


def test_another_language_is_another_sound_and_is_read_as_typed(context: Context) -> None:
    assert sounds.words_of("Call 114 at 22h30", "en") == "Call 114 at 22h30"
    vietnamese, english = (sounds.from_text(context, "Sa Pa, Lào Cai", one) for one in ("vi", "en"))
    assert vietnamese.sha256 != english.sha256


def test_text_that_cannot_be_read_is_refused(context: Context) -> None:
    for text, key in (("  \n ", "sound.text_missing"), ("?!...", "sound.text_missing")):
        with pytest.raises(Invalid) as refused:
            sounds.from_text(context, text, "vi")
        assert (refused.value.key, refused.value.field) == (key, "text")
    with pytest.raises(Invalid) as refused:
        sounds.from_text(context, "a" * 2_001, "vi")
    assert refused.value.params == {"most": 2_000}
    for language, named in (("hmn", "label.language.hmn"), ("zz", "zz")):
        with pytest.raises(Invalid) as unread:
            sounds.from_text(context, "Nyob zoo sawv daws", language)
        assert (unread.value.key, unread.value.params) == ("sound.no_voice", {"language": named})


def _must_not_read(*_arguments: object) -> None:
    raise AssertionError("read aloud a second time")
