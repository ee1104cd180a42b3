"""What is heard before the press is what a station will sound: signal, voices, pauses, closing, no more."""

import os
import subprocess
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import imageio_ffmpeg
import numpy as np
import pytest

from audio_library import Chime, IngestOptions, Limits, Signal, Store, UnknownSound, compose, ingest
from audio_library.compose import Part
from audio_library.speech import EspeakNg
from controller.context import Context
from controller.emergency import preview
from controller.errors import Invalid
from wire.alerts import Alert, Voice
from wire.ids import AlertKind, LatenessRule, Severity
from wire.messages import Item, Lateness

RATE_HZ = 48_000
TEXTS = {
    "vi-notice": "Đây là diễn tập.",
    "vi-text": "Nước đang lên nhanh, bà con lên chỗ cao ngay.",
    "en-notice": "This is a drill.",
    "en-text": "The river is rising. Go to higher ground now.",
}
NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("library"))


@pytest.fixture(scope="module")
def made(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Item]:
    """The sounds of a drill in two languages; made once, the tests only listen."""
    folder = tmp_path_factory.mktemp("speech")
    around: Mapping[str, Part] = {"drill": Signal.DRILL, "closing": Chime.CLOSING}
    kept = {name: compose([part], store, Limits(), lambda _done: None) for name, part in around.items()}
    for name, text in TEXTS.items():
        wav = folder / f"{name}.wav"
        EspeakNg().read_aloud(text, name.partition("-")[0], wav)
        kept[name] = ingest(wav, store, Limits(), IngestOptions(), lambda _done: None)
    return {
        name: Item(sha256=one.sha256, seconds=one.seconds, size_bytes=one.size_bytes)
        for name, one in kept.items()
    }


@pytest.fixture
def context(context: Context, store: Store) -> Context:
    return replace(context, store=store)


@pytest.fixture
def alert(made: Mapping[str, Item]) -> Alert:
    """A drill in two languages, twice, with a notice before each voice."""
    said = {language: (made[f"{language}-notice"], made[f"{language}-text"]) for language in ("vi", "en")}
    return Alert(
        id="kc-20261123-00000001",
        revision=1,
        sounding="kc-20261123-00000001-r1@20261123T020000Z",
        kind=AlertKind.FLOOD,
        severity=Severity.SEVERE,
        drill=True,
        sent_at=NOW,
        expires_at=NOW + timedelta(hours=1),
        signal=made["drill"],
        voices=tuple(Voice(language=one, items=items) for one, items in said.items()),
        closing=made["closing"],
        repeats=2,
        gap_s=0.7,
        lateness=Lateness(rule=LatenessRule.CONTINUE, grace_s=3600.0),
    )


def heard(path: Any) -> Any:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", path]
    output = ["-ac", "1", "-ar", f"{RATE_HZ}", "-f", "f32le", "-"]
    done = subprocess.run([*command, *output], capture_output=True, check=True)
    return np.frombuffer(done.stdout, "<f4").astype(np.float64)


def meant(context: Context, alert: Alert, languages: list[str]) -> Any:
    """The sequence as the contract has it, item by item."""
    voices = {voice.language: voice.items for voice in alert.voices}
    once = [item for language in languages for item in voices[language]]
    gap = np.zeros(round(alert.gap_s * RATE_HZ))
    closing = [alert.closing] if alert.closing else []
    parts: list[Item | None] = [alert.signal, *once, None, *once, *closing]
    sound = {item: heard(context.store.existing(item.sha256)) for item in parts if item}
    return np.concatenate([sound[item] if item else gap for item in parts])


@pytest.mark.parametrize(
    ("languages", "said"),
    [(("vi",), ["vi"]), (("en", "vi"), ["en", "vi"]), (("hmn",), ["vi", "en"]), (("hmn", "en"), ["en"])],
)
def test_it_is_what_a_station_with_these_languages_sounds(
    context: Context, alert: Alert, languages: tuple[str, ...], said: list[str]
) -> None:
    joined, sequence = heard(preview.make(context, alert, languages)), meant(context, alert, said)
    assert joined.size == sequence.size
    assert abs(joined.size / RATE_HZ - preview.seconds_of(alert, languages)) < 0.001
    assert np.corrcoef(joined, sequence)[0, 1] > 0.97
    assert abs(np.sqrt(np.square(joined).mean() / np.square(sequence).mean()) - 1) < 0.03


def test_it_is_made_once_for_the_same_sounds(context: Context, alert: Alert) -> None:
    first = preview.make(context, alert, ["vi"])
    made_at = first.stat().st_mtime_ns
    again = preview.make(context, alert.model_copy(update={"revision": 2, "title": "Diễn tập"}), ["vi"])
    assert (again, again.stat().st_mtime_ns) == (first, made_at)
    assert preview.make(context, alert, ["en"]) != first
    assert preview.make(context, alert.model_copy(update={"repeats": 3}), ["vi"]) != first


def test_two_minutes_of_sound_are_there_in_two_seconds(context: Context, alert: Alert) -> None:
    long = alert.model_copy(update={"repeats": 13})
    assert preview.seconds_of(long, ["vi", "en"]) > 120
    begun_s = time.process_time() + sum(os.times()[2:4])
    preview.make(context, long, ["vi", "en"])
    assert time.process_time() + sum(os.times()[2:4]) - begun_s < 2.0, "seconds of processor, all helpers"


def test_old_ones_go_and_half_made_ones_stay_nowhere(context: Context, alert: Alert) -> None:
    old = preview.make(context, alert, ["vi"])
    os.utime(old, (time.time() - 90_000, time.time() - 90_000))
    new = preview.make(context, alert, ["en"])
    assert not old.exists()
    gone = alert.model_copy(update={"signal": alert.signal.model_copy(update={"sha256": "ab" * 32})})
    with pytest.raises(UnknownSound):
        preview.make(context, gone, ["vi"])
    assert list(new.parent.iterdir()) == [new]


def test_hours_of_it_are_refused(context: Context, alert: Alert) -> None:
    long = alert.model_copy(update={"signal": alert.signal.model_copy(update={"seconds": 3_601.0})})
    with pytest.raises(Invalid) as refused:
        preview.make(context, long, ["vi"])
    assert (refused.value.key, refused.value.params) == ("sound.preview_too_long", {"most_minutes": 60})
