"""From a planned occurrence to frames at the speaker: items in order, repeats, gaps, gain."""

import asyncio
import itertools
import logging
from collections.abc import Callable, Iterator

import numpy as np

from agent.decoder import decode
from agent.errors import AgentError, SoundMissing, SoundUnreadable, SpeakerFailed
from agent.performer import Order
from agent.sound_files import SoundFiles
from agent.speakers.contract import SAMPLE_RATE_HZ, Frames, Sounding, Speaker
from agent.timeline import Segment, segments
from wire.messages import PlannedOccurrence

log = logging.getLogger(__name__)

_BLOCK_FRAMES = SAMPLE_RATE_HZ // 4


class Player:
    """The performer whose sound comes from files and goes to a speaker."""

    def __init__(self, speaker: Speaker, files: SoundFiles) -> None:
        self._speaker = speaker
        self._files = files

    def perform(self, order: Order, group: asyncio.TaskGroup, changed: Callable[[], None]) -> "Playback":
        return Playback(order, self._speaker, self._files, group, changed)

    async def close(self) -> None:
        await self._speaker.close()


class Playback:
    """One run of one occurrence, in a task of `group`. `problem` is what ended it before its time."""

    def __init__(
        self,
        order: Order,
        speaker: Speaker,
        files: SoundFiles,
        group: asyncio.TaskGroup,
        changed: Callable[[], None],
    ) -> None:
        self.order = order
        self.problem: AgentError | None = None
        self._speaker = speaker
        self._files = files
        self._changed = changed
        self._sounding: Sounding | None = None
        self._task = group.create_task(self._play(), name=f"play {order.planned.id}")
        self._task.add_done_callback(lambda _: changed())

    @property
    def is_over(self) -> bool:
        return self._task.done()

    @property
    def sounded_s(self) -> float:
        return 0.0 if self._sounding is None else self._sounding.played_frames / SAMPLE_RATE_HZ

    @property
    def first_frame_at_s(self) -> float | None:
        return None if self._sounding is None else self._sounding.first_frame_at_s

    @property
    def replaced(self) -> frozenset[int]:
        return self.order.replaced

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _play(self) -> None:
        try:
            await self._sound()
        except (SoundMissing, SoundUnreadable, SpeakerFailed) as problem:
            self.problem = problem

    async def _sound(self) -> None:
        planned = self.order.planned
        blocks = _blocks(planned, self.order.from_s, self._files, gain_of(self.order.volume))
        first = await asyncio.to_thread(next, blocks, None)
        self._sounding = await self._speaker.begin(self.order.start_at_s, planned.id)
        try:
            await self._play_out(self._sounding, first, blocks)
        finally:
            await self._sounding.stop()

    async def _play_out(self, sounding: Sounding, first: Frames | None, blocks: Iterator[Frames]) -> None:
        """What was read before a sound turned out missing or unreadable is still heard."""
        block = first
        try:
            while block is not None:
                await sounding.write(block)
                block = await asyncio.to_thread(next, blocks, None)
        except (SoundMissing, SoundUnreadable):
            await sounding.finish()
            raise
        await sounding.finish()


def gain_of(volume: int) -> float:
    """Amplitude for a volume of 0 to 100: square law, so that 50 is about half as loud (-12 dB)."""
    return (volume / 100) ** 2


def _blocks(planned: PlannedOccurrence, from_s: float, files: SoundFiles, gain: float) -> Iterator[Frames]:
    """About a quarter of a second each. Raises `SoundMissing` or `SoundUnreadable` where it comes to it."""
    pending: list[Frames] = []
    try:
        for frames in itertools.chain.from_iterable(
            _segment(one, files) for one in segments(planned, from_s)
        ):
            pending.append(frames)
            if sum(map(len, pending)) >= _BLOCK_FRAMES:
                yield _joined(pending, gain)
    except (SoundMissing, SoundUnreadable):
        if pending:
            yield _joined(pending, gain)
        raise
    if pending:
        yield _joined(pending, gain)


def _joined(pending: list[Frames], gain: float) -> Frames:
    """One block out of all that is pending, which is empty afterwards."""
    block = np.concatenate(pending)
    pending.clear()
    if gain == 1.0:
        return block
    scaled: Frames = np.rint(block * np.float32(gain)).astype(np.int16)
    return scaled


def _segment(segment: Segment, files: SoundFiles) -> Iterator[Frames]:
    left = round(segment.seconds * SAMPLE_RATE_HZ)
    for frames in _sound(segment, files):
        yield frames[:left]
        left -= len(frames)
        if left <= 0:
            return


def _sound(segment: Segment, files: SoundFiles) -> Iterator[Frames]:
    if segment.item is None:
        silence = np.zeros(_BLOCK_FRAMES, dtype=np.int16)
        return itertools.repeat(silence)
    if not files.has(segment.item.sha256):
        raise SoundMissing(sha256=segment.item.sha256)
    return decode(files.path(segment.item.sha256), segment.skip_s)
