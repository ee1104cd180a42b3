"""`loaban-sim amplifier`: the board on a pseudo-terminal, to be tried with a real station program."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from firmware_sim.amplifier.board import Board
from firmware_sim.amplifier.faults import OF_A_LINE, BoardFault
from firmware_sim.amplifier.serial import SerialBoard
from firmware_sim.wording import Language, say_in

SPEECH_RMS = 0.12

Link = Annotated[Path | None, typer.Option("--link", help="A lasting name for the port.")]
Lines = Annotated[int, typer.Option("--lines", min=1, max=8)]
FaultNames = Annotated[list[str] | None, typer.Option("--fault", help="open_line:1, mains_lost, and so on.")]


def amplifier(
    link: Link = None, lines: Lines = 2, fault: FaultNames = None, language: Language = Language.VI
) -> None:
    """Serve an amplifier board on a pseudo-terminal until told to stop (docs/amplifier-board.md)."""
    board = Board(line_count=lines, input_rms=SPEECH_RMS)
    for name in fault or ():
        _begin(board, name)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    served = SerialBoard(board)
    served.start()
    try:
        with _named(link, served.port):
            typer.echo(say_in(language)("amplifier.served", port=link or served.port))
            signal.pause()
    except KeyboardInterrupt:
        typer.echo(say_in(language)("amplifier.stopped"))
    finally:
        served.stop()


@contextmanager
def _named(link: Path | None, port: str) -> Iterator[None]:
    if link is None:
        yield
        return
    try:
        if link.exists() and not link.is_symlink():
            raise FileExistsError("this is a file or folder of its own; choose another name")
        link.unlink(missing_ok=True)
        link.symlink_to(port)
    except OSError as error:
        raise typer.BadParameter(f"{link}: {error.strerror or error}", param_hint="--link") from error
    try:
        yield
    finally:
        link.unlink(missing_ok=True)


def _begin(board: Board, name: str) -> None:
    kind, _, number = name.partition(":")
    if kind not in set(BoardFault):
        raise typer.BadParameter(f"{name}: one of {', '.join(BoardFault)}", param_hint="--fault")
    fault = BoardFault(kind)
    if fault not in OF_A_LINE and number:
        raise typer.BadParameter(f"{name}: {fault} befalls the whole board", param_hint="--fault")
    lines = [str(line) for line in range(board.line_count)] if fault in OF_A_LINE else [""]
    if number not in lines:
        ways = ", ".join(f"{fault}:{line}" for line in lines)
        raise typer.BadParameter(f"{name}: name a line, {ways}", param_hint="--fault")
    board.faults.begin(fault, int(number) if number else None)
