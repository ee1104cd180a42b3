"""Alert boards and standing sounds, by area: in memory at once, on disk a moment later."""

import asyncio
from collections.abc import Iterable
from pathlib import Path

from agent.signed_files import SignedFiles
from wire.alerts import AlertBoard, StandingLayer
from wire.signing import Keyring


class BoardStore:
    """An alert must not wait for the disk. What the disk does not take is held while the power lasts."""

    def __init__(self, folder: Path, keyring: Keyring) -> None:
        self._board_files = SignedFiles(folder / "boards", keyring)
        self._standing_files = SignedFiles(folder / "standing", keyring)
        self._boards: dict[str, AlertBoard] = {}
        self._standing: dict[str, StandingLayer] = {}
        self._unwritten: dict[str, bytes] = {}
        self.taken: set[str] = set()
        """Areas whose board has come in this life."""

    def load(self) -> None:
        """Read and verify all that is held."""
        for area in self._board_files.names():
            board = self._board_files.read(area, AlertBoard)
            if board is not None and board.area == area:
                self._boards[area] = board
        for area in self._standing_files.names():
            layer = self._standing_files.read(area, StandingLayer)
            if layer is not None and layer.area == area:
                self._standing[area] = layer

    def board(self, area: str) -> AlertBoard | None:
        return self._boards.get(area)

    def boards(self, chain: Iterable[str]) -> tuple[AlertBoard, ...]:
        """Those of the chain, in its order."""
        return tuple(self._boards[area] for area in chain if area in self._boards)

    def standing(self, area: str) -> StandingLayer | None:
        return self._standing.get(area)

    def standing_layers(self, chain: Iterable[str]) -> tuple[StandingLayer, ...]:
        return tuple(self._standing[area] for area in chain if area in self._standing)

    def hold_board(self, board: AlertBoard, token: bytes) -> None:
        """In memory; `write` brings it to disk."""
        self._boards[board.area] = board
        self._unwritten[board.area] = token
        self.taken.add(board.area)

    async def write(self) -> None:
        """Whatever is not on disk yet."""
        for area, token in list(self._unwritten.items()):
            await asyncio.to_thread(self._board_files.keep, area, token, AlertBoard)
            if self._unwritten.get(area) is token:
                del self._unwritten[area]

    def keep_standing(self, layer: StandingLayer, token: bytes) -> None:
        """On disk when it returns, unless the disk does not take it."""
        self._standing_files.keep(layer.area, token, StandingLayer)
        self._standing[layer.area] = layer

    def pay(self) -> None:
        """Try again with what the disk has not taken."""
        self._board_files.pay()
        self._standing_files.pay()

    @property
    def owes(self) -> bool:
        return self._board_files.owes or self._standing_files.owes

    @property
    def damaged(self) -> int:
        return self._board_files.damaged + self._standing_files.damaged
