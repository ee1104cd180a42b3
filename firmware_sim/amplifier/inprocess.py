"""The board without a wire, for stations of which thousands share a process."""

from agent.amplifier.board import BoardAmplifier
from agent.amplifier.registers import Write
from agent.clock import Clock
from agent.errors import AmplifierFailed
from firmware_sim.amplifier.board import Board, BoardRefuses
from wire.evidence import AmplifierProblem

_SETTLE_S = 0.15


class InProcessBus:
    """Every message arrives, at once, while the board answers at all. It outlives the program's lives."""

    def __init__(self, board: Board, clock: Clock) -> None:
        self._board = board
        self._clock = clock
        board.advance(clock.monotonic_s())

    async def read_inputs(self, count: int) -> list[int]:
        return self._now().inputs()[:count]

    async def write(self, write: Write) -> None:
        try:
            self._now().write(write.address, list(write.values))
        except BoardRefuses as error:
            raise AmplifierFailed(problem=AmplifierProblem.REFUSED) from error

    async def close(self) -> None:
        return None

    def _now(self) -> Board:
        self._board.advance(self._clock.monotonic_s())
        if not self._board.answers:
            raise AmplifierFailed(problem=AmplifierProblem.NO_ANSWER)
        return self._board


def in_process_amplifier(board: Board, clock: Clock, settle_s: float = _SETTLE_S) -> BoardAmplifier:
    """The agent's own amplifier, on a board that lives by `clock`."""
    return BoardAmplifier(InProcessBus(board, clock), clock, settle_s)
