"""Who keeps the amplifier as it should be: on for whoever sounds, silent and off for the rest of the day."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from agent.amplifier.contract import WATCHDOG_S, Amplifier
from agent.amplifier.none import NoAmplifier
from agent.clock import Clock
from agent.errors import AmplifierFailed
from wire.evidence import AmplifierState

log = logging.getLogger(__name__)

HOLD_S = 2.0
"""Between two sounds that follow so soon it stays on."""
STALL_S = 5.0
"""No frame has left for so long: whoever wanted the amplifier does not sound."""
ROUND_S = 1.0
READ_ON_S = 5.0
READ_IDLE_S = 30.0
FORGET_S = 3600.0
"""A latched fault is shown for so long, then the board may let go of it if its cause is gone."""
_CLOSE_WITHIN_S = 3.0


@dataclass
class _User:
    """Somebody who sounds, or is about to."""

    progress: Callable[[], float]
    seen: float
    advanced_at_s: float

    def has_advanced(self, now_s: float) -> bool:
        """Since this was last asked."""
        value = self.progress()
        if value <= self.seen:
            return False
        self.seen, self.advanced_at_s = value, now_s
        return True

    def is_stalled(self, now_s: float) -> bool:
        return now_s - self.advanced_at_s > STALL_S


class AmplifierGuard:
    """Trouble with the board is told in `state` and in the log, and never keeps anybody from sounding."""

    def __init__(self, amplifier: Amplifier, clock: Clock) -> None:
        self._amplifier = amplifier
        self._clock = clock
        self._known = not isinstance(amplifier, NoAmplifier)
        self._users: list[_User] = []
        self._board = asyncio.Lock()
        self._wake = asyncio.Event()
        self._is_on = False
        self._may_be_on = False
        self._is_open = False
        self._is_hungry = False
        self._ready_at_s = 0.0
        self._fed_at_s = 0.0
        self._idle_since_s = clock.monotonic_s()
        self._read_at_s: float | None = None
        self._faults_since_s: float | None = None
        self._state: AmplifierState | None = None
        self._problem: str | None = None
        self.on_change: Callable[[], None] = lambda: None

    @property
    def settle_s(self) -> float:
        return self._amplifier.settle_s

    @property
    def off_for_s(self) -> float:
        """How long from now until the lines are ready for sound, in seconds; 0 while they are open."""
        if self._is_open:
            return 0.0
        left_s = self._ready_at_s - self._clock.monotonic_s()
        return max(left_s, 0.0) if self._is_on else self.settle_s

    def state(self) -> AmplifierState | None:
        """The last reading; None before the first one and where there is no board."""
        return self._state

    async def measure(self) -> AmplifierState:
        """A reading of this very moment, besides the guard's own."""
        async with self._board:
            return await self._amplifier.read()

    def powered(self, progress: Callable[[], float]) -> AbstractAsyncContextManager[None]:
        """The amplifier is on, settled and unmuted inside, as far as the board obeys; raises nothing.

        `progress` grows while sound really leaves. Whoever has not come further for `STALL_S` is given up
        until it does.
        """
        return self._powered(progress)

    @asynccontextmanager
    async def _powered(self, progress: Callable[[], float]) -> AsyncIterator[None]:
        user = _User(progress, progress(), self._clock.monotonic_s())
        self._users.append(user)
        self._wake.set()
        try:
            await self._open()
            yield
        finally:
            self._users.remove(user)
            self._idle_since_s = self._clock.monotonic_s()
            self._is_hungry |= user.has_advanced(self._idle_since_s)
            self._wake.set()

    async def run(self) -> None:
        """Until cancelled; then the amplifier is off and the board let go."""
        try:
            while True:
                self._wake.clear()
                await self._round()
                await self._pause()
        finally:
            await self._close_down()

    async def _round(self) -> None:
        now_s = self._clock.monotonic_s()
        for user in self._users:
            self._is_hungry |= user.has_advanced(now_s)
        if self._is_wanted():
            await self._open()
        elif self._may_be_on and (self._users or now_s - self._idle_since_s >= HOLD_S):
            await self._shut()
        if self._is_hungry and self._may_be_on:
            await self._feed()
        if self._reading_is_due():
            await self._read()

    def _is_wanted(self) -> bool:
        now_s = self._clock.monotonic_s()
        return any(not user.is_stalled(now_s) for user in self._users)

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(self._pause_s()):
                await self._wake.wait()
        except TimeoutError:
            return

    def _pause_s(self) -> float:
        if self._users:
            return ROUND_S
        idle_s = self._clock.monotonic_s() - self._idle_since_s
        if self._may_be_on:
            return HOLD_S - idle_s if idle_s < HOLD_S else ROUND_S
        return READ_IDLE_S

    async def _open(self) -> None:
        async with self._board:
            if self._is_open:
                return
            if not self._is_on:
                asked_at_s = self._clock.monotonic_s()
                self._may_be_on = True
                self._is_on = await self._obeys(self._amplifier.switch_on)
                self._ready_at_s = asked_at_s + self.settle_s
                self._fed_at_s = asked_at_s
            await asyncio.sleep(max(self._ready_at_s - self._clock.monotonic_s(), 0.0))
            self._is_open = await self._obeys(self._amplifier.unmute) and self._is_on
            self._read_at_s = None

    async def _obeys(self, order: Callable[[], Awaitable[None]]) -> bool:
        """A board that does not answer may hear all the same: it is told everything that follows too."""
        try:
            await order()
        except AmplifierFailed as problem:
            self._tell(problem)
            return False
        return True

    async def _shut(self, *, for_good: bool = False) -> None:
        """Whoever comes while it settles finds it on. Whether it obeyed, the next reading tells."""
        self._is_open = False
        async with self._board:
            await self._obeys(self._amplifier.mute)
        await asyncio.sleep(self.settle_s)
        async with self._board:
            if self._is_open or (self._is_wanted() and not for_good):
                return
            self._is_on = False
            await self._obeys(self._amplifier.switch_off)
            self._may_be_on = False
            self._read_at_s = None

    async def _feed(self) -> None:
        async with self._board:
            now_s = self._clock.monotonic_s()
            if now_s - self._fed_at_s >= WATCHDOG_S:
                self._read_at_s = None
            if await self._obeys(self._amplifier.feed):
                self._fed_at_s = now_s
                self._is_hungry = False

    def _reading_is_due(self) -> bool:
        if self._read_at_s is None:
            return True
        every_s = READ_ON_S if self._may_be_on else READ_IDLE_S
        return self._clock.monotonic_s() - self._read_at_s >= every_s - ROUND_S / 2

    async def _read(self) -> None:
        async with self._board:
            state = await self._amplifier.read()
            self._read_at_s = self._clock.monotonic_s()
            if self._known:
                self._believe(state)
                await self._forget_old_faults(state)

    def _believe(self, state: AmplifierState) -> None:
        """The board knows best: it may have lost its power, or switched itself off, or not obeyed."""
        old, self._state = self._state, state
        if state.problem is None:
            self._recovered()
            self._is_on = self._may_be_on = state.power_on
            self._is_open = self._is_open and state.power_on and not all(line.muted for line in state.lines)
        else:
            self._tell(AmplifierFailed(problem=state.problem))
        if old is None or _notable(old) != _notable(state):
            self.on_change()

    async def _forget_old_faults(self, state: AmplifierState) -> None:
        now_s = self._clock.monotonic_s()
        if not state.faults:
            self._faults_since_s = None
        elif self._faults_since_s is None:
            self._faults_since_s = now_s
        elif now_s - self._faults_since_s >= FORGET_S:
            self._faults_since_s = None
            await self._obeys(self._amplifier.forget_faults)

    def _tell(self, problem: AmplifierFailed) -> None:
        """Once, until it changes."""
        text = str(problem.params.get("problem", problem))[:200]
        if text != self._problem:
            self._problem = text
            log.error("amplifier board in trouble: problem=%s", text)
        if self._known and (self._state is None or self._state.problem != text):
            self._state = AmplifierState(at=self._clock.now(), problem=text)
            self.on_change()

    def _recovered(self) -> None:
        if self._problem is not None:
            log.info("amplifier board answers again")
            self._problem = None

    async def _close_down(self) -> None:
        try:
            async with asyncio.timeout(_CLOSE_WITHIN_S):
                await self._shut(for_good=True)
        except TimeoutError:
            log.warning("amplifier not switched off in time; its own watchdog will do it")
        finally:
            await self._amplifier.close()


def _notable(state: AmplifierState) -> tuple[object, ...]:
    """What is worth a heartbeat of its own."""
    return state.problem, state.faults, state.mains_present, state.tamper_open
