"""From a planned occurrence to frames at the speaker: items in order, repeats, gaps, gain."""

import asyncio
import itertools
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from agent.decoder import decode
from agent.errors import AgentError, SoundMissing, SoundUnreadable, SpeakerFailed
from agent.first_blocks import FirstBlocks
from agent.performer import Order
from agent.sound_files import SoundFiles
from agent.speakers.contract import SAMPLE_RATE_HZ, Frames, Sounding, Speaker
from agent.timeline import Segment, segments
from wire.messages import Item

log = logging.getLogger(__name__)

_BLOCK_FRAMES = SAMPLE_RATE_HZ // 4


class Player:
    """The performer whose sound comes from files and goes to a speaker."""

    def __init__(self, speaker: Speaker, files: SoundFiles, beginnings: FirstBlocks) -> None:
        self._speaker = speaker
        self._files = files
        self._beginnings = beginnings

    def perform(self, order: Order, group: asyncio.TaskGroup, changed: Callable[[], None]) -> "Playback":
        reel = Reel(order, self._files, self._beginnings)
        return Playback(reel, self._speaker, group, changed)

    async def close(self) -> None:
        await self._speaker.close()


class Playback:
    """One run of one occurrence, in a task of `group`. `problem` is what ended it before its time."""

    def __init__(
        self, reel: "Reel", speaker: Speaker, group: asyncio.TaskGroup, changed: Callable[[], None]
    ) -> None:
        self.order = reel.order
        self.problem: AgentError | None = None
        self._reel = reel
        self._speaker = speaker
        self._changed = changed
        self._sounding: Sounding | None = None
        self._task = group.create_task(self._play(), name=f"play {self.order.planned.id}")
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
        return frozenset(self._reel.replaced)

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _play(self) -> None:
        try:
            await self._sound()
        except (SoundMissing, SoundUnreadable, SpeakerFailed) as problem:
            self.problem = problem

    async def _sound(self) -> None:
        blocks = self._reel.blocks()
        at_hand = self._reel.begins_in_memory
        first = next(blocks, None) if at_hand else await asyncio.to_thread(next, blocks, None)
        self._sounding = await self._speaker.begin(self.order.start_at_s, self.order.planned.id)
        try:
            await self._play_out(self._sounding, first, blocks)
        finally:
            await self._sounding.stop()

    async def _play_out(self, sounding: Sounding, first: Frames | None, blocks: Iterator[Frames]) -> None:
        """What was read before a sound turned out missing or unreadable is still heard."""
        block, told = first, False
        try:
            while block is not None:
                await sounding.write(block)
                if not told and sounding.played_frames:
                    told = True
                    self._changed()
                block = await asyncio.to_thread(next, blocks, None)
        except (SoundMissing, SoundUnreadable):
            await sounding.finish()
            raise
        await sounding.finish()


def gain_of(volume: int) -> float:
    """Amplitude for a volume of 0 to 100: square law, so that 50 is about half as loud (-12 dB)."""
    return (volume / 100) ** 2


class Reel:
    """The samples of an order, read as they are needed. `replaced` grows with what had to stand in."""

    def __init__(self, order: Order, files: SoundFiles, beginnings: FirstBlocks) -> None:
        self.order = order
        self.replaced = set(order.replaced)
        self._files = files
        self._beginnings = beginnings
        self._gain = gain_of(order.volume)

    @property
    def begins_in_memory(self) -> bool:
        """Its first block needs no file."""
        opening = self.order.planned.opening
        return not self.order.from_s and bool(opening) and self._beginnings.of(opening[0].sha256) is not None

    def blocks(self) -> Iterator[Frames]:
        """About a quarter of a second each. Raises `SoundMissing` or `SoundUnreadable` in its turn."""
        order = self.order
        wanted = segments(order.planned, order.from_s, order.replaced, self._choose)
        pending: list[Frames] = []
        try:
            for frames in itertools.chain.from_iterable(map(self._segment, wanted)):
                pending.append(frames)
                if sum(map(len, pending)) >= _BLOCK_FRAMES:
                    yield _joined(pending, self._gain)
        except (SoundMissing, SoundUnreadable):
            if pending:
                yield _joined(pending, self._gain)
            raise
        if pending:
            yield _joined(pending, self._gain)

    def _choose(self, slot: int, item: Item) -> Item:
        """Fresh sound if it has come by now and can be decoded, what stands in for it if not."""
        instead = item.instead
        if instead is None or not self._files.has(instead.sha256) or self._can_sound(item):
            self.replaced.discard(slot)
            return item
        log.warning("standing sound instead: occurrence=%s of=%s", self.order.planned.id, item.sha256)
        self.replaced.add(slot)
        return instead

    def _can_sound(self, item: Item) -> bool:
        """Its first samples are decoded for that."""
        if not self._files.has(item.sha256):
            return False
        try:
            return next(decode(self._files.path(item.sha256)), None) is not None
        except SoundUnreadable as error:
            log.warning("fresh sound cannot be decoded: sha256=%s problem=%s", item.sha256, error)
            return False

    def _segment(self, segment: Segment) -> Iterator[Frames]:
        left = round(segment.seconds * SAMPLE_RATE_HZ)
        for frames in self._sound(segment):
            yield frames[:left]
            left -= len(frames)
            if left <= 0:
                return

    def _sound(self, segment: Segment) -> Iterator[Frames]:
        if segment.item is None:
            return itertools.repeat(np.zeros(_BLOCK_FRAMES, dtype=np.int16))
        sha256 = segment.item.sha256
        beginning = self._beginnings.of(sha256)
        if beginning is not None and not segment.skip_s:
            return _after_beginning(beginning, self._files.path(sha256))
        if not self._files.has(sha256):
            raise SoundMissing(sha256=sha256)
        return decode(self._files.path(sha256), segment.skip_s)


def _after_beginning(beginning: Frames, path: Path) -> Iterator[Frames]:
    """The block held in memory, then the file without it: sample for sample what the file alone gives."""
    yield beginning[:_BLOCK_FRAMES]
    yield beginning[_BLOCK_FRAMES:]
    left = len(beginning)
    for frames in decode(path):
        yield frames[left:]
        left = max(left - len(frames), 0)


def _joined(pending: list[Frames], gain: float) -> Frames:
    """One block out of all that is pending, which is empty afterwards."""
    block = np.concatenate(pending)
    pending.clear()
    if gain == 1.0:
        return block
    scaled: Frames = np.rint(block * np.float32(gain)).astype(np.int16)
    return scaled
