"""A station whose amplifier has no board to talk to: it is always on, and nothing is known of it."""

from agent.clock import Clock
from wire.evidence import AmplifierState


class NoAmplifier:
    """Obeys at once and tells nothing."""

    settle_s = 0.0

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def read(self) -> AmplifierState:
        return AmplifierState(at=self._clock.now())

    async def switch_on(self) -> None:
        return None

    async def unmute(self) -> None:
        return None

    async def mute(self) -> None:
        return None

    async def switch_off(self) -> None:
        return None

    async def feed(self) -> None:
        return None

    async def forget_faults(self) -> None:
        return None

    async def close(self) -> None:
        return None
