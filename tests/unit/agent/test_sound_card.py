"""Opening the sound card, with a PortAudio that takes its time or refuses."""

import asyncio
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from agent.errors import SpeakerFailed
from agent.settings import SpeakerSettings
from agent.speakers.sound_card import SoundCard


class PortAudioError(Exception):
    pass


class Library:
    """Streams that open when `may_open` is set, and start unless they are `broken`."""

    PortAudioError = PortAudioError

    def __init__(self) -> None:
        self.may_open = threading.Event()
        self.broken = False
        self.is_opening = threading.Event()
        self.streams: list[SimpleNamespace] = []

    def OutputStream(self, **_: Any) -> SimpleNamespace:  # noqa: N802
        self.is_opening.set()
        assert self.may_open.wait(5)
        stream = SimpleNamespace(started=False, closed=False)

        def start() -> None:
            if self.broken:
                raise PortAudioError("device unavailable")
            stream.started = True

        def close(ignore_errors: bool) -> None:
            stream.closed = True

        stream.start, stream.close, stream.abort = start, close, lambda ignore_errors: None
        self.streams.append(stream)
        return stream


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Library:
    made = Library()
    monkeypatch.setattr("agent.speakers.sound_card._portaudio", lambda: made)
    return made


async def test_a_start_that_is_cancelled_while_opening_leaves_no_stream_behind(library: Library) -> None:
    card = SoundCard(SpeakerSettings())
    start = asyncio.create_task(card.begin(0.0, "ban-tin"))
    assert await asyncio.to_thread(library.is_opening.wait, 5)
    start.cancel()
    library.may_open.set()
    with pytest.raises(asyncio.CancelledError):
        await start
    assert [(stream.started, stream.closed) for stream in library.streams] == [(True, True)]
    await (await card.begin(0.0, "ban-tin")).stop()


async def test_whoever_comes_while_a_cancelled_start_still_opens_waits_for_its_end(library: Library) -> None:
    card = SoundCard(SpeakerSettings())
    test = asyncio.create_task(card.begin(0.0, "self-test"))
    assert await asyncio.to_thread(library.is_opening.wait, 5)
    test.cancel()
    alert = asyncio.create_task(card.begin(0.0, "kc-1"))
    await asyncio.sleep(0)
    library.may_open.set()
    sounding = await alert
    assert test.cancelled()
    assert [stream.closed for stream in library.streams] == [True, False]
    await sounding.stop()


async def test_a_refusal_that_comes_after_the_cancellation_is_not_lost(library: Library) -> None:
    library.broken = True
    start = asyncio.create_task(SoundCard(SpeakerSettings()).begin(0.0, "ban-tin"))
    assert await asyncio.to_thread(library.is_opening.wait, 5)
    start.cancel()
    library.may_open.set()
    with pytest.raises(asyncio.CancelledError):
        await start
    assert [stream.closed for stream in library.streams] == [True]


async def test_a_stream_that_does_not_start_is_closed(library: Library) -> None:
    library.broken = True
    library.may_open.set()
    with pytest.raises(SpeakerFailed):
        await SoundCard(SpeakerSettings()).begin(0.0, "ban-tin")
    assert [stream.closed for stream in library.streams] == [True]


async def test_a_card_that_does_not_answer_is_given_up_and_not_asked_again_until_it_does(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.speakers.sound_card._OPEN_WITHIN_S", 0.1)
    card = SoundCard(SpeakerSettings())
    for _ in range(3):
        with pytest.raises(SpeakerFailed):
            await card.begin(0.0, "ban-tin")
    library.may_open.set()
    async with asyncio.timeout(5):
        while True:
            try:
                sounding = await card.begin(0.0, "ban-tin")
                break
            except SpeakerFailed:
                await asyncio.sleep(0.01)
    assert [stream.closed for stream in library.streams] == [True, False]
    await sounding.stop()


async def test_the_next_sound_waits_until_the_last_stream_is_closed(library: Library) -> None:
    """Many a card serves one stream at a time."""
    library.may_open.set()
    card = SoundCard(SpeakerSettings())
    first = await card.begin(0.0, "thu-loa")
    is_closing, may_close = threading.Event(), threading.Event()
    close = library.streams[0].close

    def slowly(ignore_errors: bool) -> None:
        is_closing.set()
        assert may_close.wait(5)
        close(ignore_errors)

    library.streams[0].close = slowly
    stopping = asyncio.create_task(first.stop())
    starting = asyncio.create_task(card.begin(0.0, "bao-dong"))
    assert await asyncio.to_thread(is_closing.wait, 5)
    assert len(library.streams) == 1
    may_close.set()
    await stopping
    await (await starting).stop()
    assert [stream.closed for stream in library.streams] == [True, True]
