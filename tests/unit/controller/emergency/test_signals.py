"""The sounds around every alert: made once, kept, and an error where they are not there."""

import pytest

from controller.context import Context
from controller.emergency import signals
from controller.errors import Conflict


def test_they_are_made_once_and_kept(context: Context) -> None:
    signals.ensure(context)
    with context.database.read() as session:
        first = signals.items(session)
    made = {path: path.stat().st_mtime_ns for path in context.store.root.rglob("*.opus")}
    signals.ensure(context)
    with context.database.read() as session:
        assert signals.items(session) == first
    assert {path: path.stat().st_mtime_ns for path in context.store.root.rglob("*.opus")} == made
    assert (
        len({first.attention.sha256, first.drill.sha256, first.all_clear.sha256, first.closing.sha256}) == 4
    )
    assert (first.attention.seconds, first.drill.seconds, first.all_clear.seconds) == (8.0, 6.0, 5.0)
    assert all(context.store.has(path.stem) for path in made)


def test_before_they_are_made_nobody_can_alert(context: Context) -> None:
    with context.database.read() as session, pytest.raises(Conflict) as refused:
        signals.items(session)
    assert refused.value.key == "sound.signals_missing"


def test_a_lost_file_is_made_again_and_is_the_same(context: Context) -> None:
    """Stations hold the old one, so the new one must not have another name."""
    signals.ensure(context)
    with context.database.read() as session:
        before = signals.items(session)
    context.store.path_of(before.drill.sha256).unlink()
    signals.ensure(context)
    with context.database.read() as session:
        assert signals.items(session) == before
    assert context.store.has(before.drill.sha256)
