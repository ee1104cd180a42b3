"""Sound for an alert, made at once in the thread that asks: nobody waits behind an upload of two hours.

Transactions are short and of our own, so none may be open in the same thread.
"""

import hashlib
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Final

from audio_library import Bomb, Budget, IngestOptions, Limits, Loudness, TooLong, digest, display_name, ingest
from audio_library import Sound as Made
from audio_library.limits import MB, MIB
from audio_library.spoken_vietnamese import spoken
from controller.context import Context
from controller.emergency.content import LONGEST_TEXT
from controller.emergency.errors import language_key
from controller.errors import Invalid
from controller.media import queries as media
from controller.media.recipe import Recipe
from controller.media.tables import Sound
from controller.programmes.rules import LANGUAGES
from wire.messages import Item

MOST_BYTES: Final = 20 * MB
MOST_SECONDS: Final = 300.0
_LIMITS: Final = Limits(
    max_bytes=MOST_BYTES,
    max_seconds=MOST_SECONDS,
    work=Budget(cpu_s=60, wall_s=120, memory_bytes=1_024 * MIB, file_bytes=200 * MIB),
)
_RECIPE: Final = Recipe(opening_chime=False, closing_chime=False).name
_SPEECH: Final = "speech-1"
"""Raise its number when the same words come to sound otherwise."""


def item_of(sound: Sound) -> Item:
    """As it stands in messages to stations."""
    return Item(sha256=sound.sha256, seconds=sound.seconds, size_bytes=sound.size_bytes)


def from_file(context: Context, path: Path, name: str) -> Sound:
    """A recording in any format, brought to the norm; the file stays where it is. The same file is made once.

    Raises Invalid `sound.too_long_for_alert`, and BadUpload (TooLarge over 20 MB, …), StoreFull, ToolFailed.
    """
    display_name(name)
    return _once(context, path, digest(path), _RECIPE)


def from_text(context: Context, text: str, language: str) -> Sound:
    """The text as the machine reads it aloud; `words_of` tells which words. The same text is read once.

    Raises Invalid `sound.text_missing`, `sound.text_too_long`, `sound.no_voice`, `sound.too_long_for_alert`,
    and SpeechFailed, StoreFull, ToolFailed.
    """
    words = words_of(text, language)
    if language not in context.speech.languages():
        raise _no_voice(language)
    source = f"{context.speech.name}\n{language}\n{words}"
    key = hashlib.sha256(source.encode()).hexdigest()
    known = _known(context, key, _SPEECH)
    if known:
        return known
    with tempfile.TemporaryDirectory(prefix="loaban-speech-") as folder:
        wav = Path(folder) / "speech.wav"
        context.speech.read_aloud(words, language, wav)
        return _once(context, wav, key, _SPEECH)


def words_of(text: str, language: str) -> str:
    """What will be read: Vietnamese with its figures and abbreviations in words, other languages as typed.

    Raises Invalid `sound.text_missing`, `sound.text_too_long`.
    """
    plain = " ".join(text.split())
    if not any(letter.isalnum() for letter in plain):
        raise Invalid("sound.text_missing", field="text")
    if len(plain) > LONGEST_TEXT:
        raise text_too_long()
    return spoken(plain) if language == "vi" else plain


def text_too_long() -> Invalid:
    return Invalid("sound.text_too_long", field="text", most=LONGEST_TEXT)


def row_of(made: Made, source: Loudness, source_sha256: str, recipe: str, now: datetime) -> Sound:
    """A sound of the library as a row; `source` is how loud it was before."""
    return Sound(
        sha256=made.sha256,
        source_sha256=source_sha256,
        recipe=recipe,
        seconds=made.seconds,
        size_bytes=made.size_bytes,
        source_lufs=source.lufs,
        source_true_peak_dbtp=source.true_peak_dbtp,
        lufs=made.after.lufs,
        true_peak_dbtp=made.after.true_peak_dbtp,
        peaks=list(made.peaks),
        created_at=now,
    )


def _once(context: Context, path: Path, source_sha256: str, recipe: str) -> Sound:
    known = _known(context, source_sha256, recipe)
    if known:
        return _short(known)
    made = _ingested(context, path)
    row = row_of(made, made.before, source_sha256, recipe, context.now())
    with context.database.write() as session:
        if media.add_sound(session, row):
            return row
        return _short(media.sound(session, made.sha256) or row)


def _known(context: Context, source_sha256: str, recipe: str) -> Sound | None:
    with context.database.read() as session:
        known = media.sound_from(session, source_sha256, recipe)
        return known if known and context.store.has(known.sha256) else None


def _ingested(context: Context, path: Path) -> Made:
    try:
        return ingest(path, context.store, _LIMITS, IngestOptions(), lambda _done: None)
    except (TooLong, Bomb) as error:
        raise _too_long() from error


def _short(sound: Sound) -> Sound:
    """One that came in as an upload may be longer than an alert may be."""
    if sound.seconds > MOST_SECONDS:
        raise _too_long()
    return sound


def _no_voice(language: str) -> Invalid:
    name = language_key(language) if language in LANGUAGES else language[:16]
    return Invalid("sound.no_voice", field="text", language=name)


def _too_long() -> Invalid:
    return Invalid("sound.too_long_for_alert", field="file", most_minutes=round(MOST_SECONDS / 60))
