"""The four sounds around the voices of every alert: made once, and kept as sounds of the library."""

import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from sqlalchemy.orm import Session

from audio_library import Chime, Limits, Signal
from audio_library import Sound as Made
from audio_library.compose import compose
from controller.context import Context
from controller.emergency.sounds import item_of, row_of
from controller.errors import Conflict
from controller.media import queries as media
from controller.media.tables import Sound
from wire.messages import Item

_RECIPE: Final = "signal-1"
"""Raise its number when the library makes another sound by the same name."""
_PARTS: Final[Mapping[str, Signal | Chime]] = {
    "attention": Signal.ATTENTION,
    "drill": Signal.DRILL,
    "all_clear": Signal.ALL_CLEAR,
    "closing": Chime.CLOSING,
}


@dataclass(frozen=True, slots=True)
class Signals:
    attention: Item
    drill: Item
    all_clear: Item
    closing: Item


def ensure(context: Context) -> None:
    """Make those that are not there yet, side by side. Raises SoundError."""
    with context.database.read() as session:
        missing = [name for name in _PARTS if not _is_whole(session, context, name)]
    if not missing:
        return
    with ThreadPoolExecutor(len(missing), thread_name_prefix="signals") as pool:
        made = list(pool.map(lambda name: _make(context, name), missing))
    with context.database.write() as session:
        for name, sound in zip(missing, made, strict=True):
            row = row_of(sound, sound.before, _source(name), _RECIPE, context.now())
            media.add_sound(session, row)


def items(session: Session) -> Signals:
    """Raises Conflict `sound.signals_missing` before `ensure` has run."""
    return Signals(**{name: item_of(_known(session, name)) for name in _PARTS})


def _known(session: Session, name: str) -> Sound:
    sound = media.sound_from(session, _source(name), _RECIPE)
    if sound is None:
        raise Conflict("sound.signals_missing")
    return sound


def _is_whole(session: Session, context: Context, name: str) -> bool:
    sound = media.sound_from(session, _source(name), _RECIPE)
    return sound is not None and context.store.has(sound.sha256)


def _make(context: Context, name: str) -> Made:
    return compose([_PARTS[name]], context.store, Limits(), lambda _done: None)


def _source(name: str) -> str:
    """A signal has no source file; its name stands for one."""
    return hashlib.sha256(name.encode()).hexdigest()
