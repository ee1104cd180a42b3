"""The seam between the station program and its amplifier board.

Every amplifier passes `tests/contract/test_amplifier_contract.py`.

1. `read` tells everything the board knows, as it is now. It never raises: a board that does not answer is an
   `AmplifierState` with `problem`.
2. `switch_on` turns the amplifier on, muted; `unmute` opens its lines; `mute` closes them; `switch_off` mutes
   and turns it off. Each may be repeated and then changes nothing. Each raises `AmplifierFailed` when nobody
   says that the board has taken it; it may have.
3. While it is on, it must be told `feed` at least every `WATCHDOG_S`, or it mutes and switches itself off and
   latches `dead_air`, whatever the program does.
4. `forget_faults` lets go of latched faults whose cause is gone. Raises `AmplifierFailed`.
5. `settle_s` is how long after `switch_on` the lines are ready for sound.
"""

from typing import Final, Protocol

from wire.evidence import AmplifierState

WATCHDOG_S: Final = 8.0


class Amplifier(Protocol):
    @property
    def settle_s(self) -> float: ...

    async def read(self) -> AmplifierState: ...

    async def switch_on(self) -> None: ...

    async def unmute(self) -> None: ...

    async def mute(self) -> None: ...

    async def switch_off(self) -> None: ...

    async def feed(self) -> None: ...

    async def forget_faults(self) -> None: ...

    async def close(self) -> None: ...
