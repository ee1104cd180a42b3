"""`loaban-sim amplifier`: the board on a pseudo-terminal, to be tried with a real station program."""

import signal
from pathlib import Path
from typing import Annotated

import typer

from firmware_sim.amplifier.board import Board
from firmware_sim.amplifier.faults import BoardFault
from firmware_sim.amplifier.serial import SerialBoard
from firmware_sim.wording import say_in

SPEECH_RMS = 0.12

Link = Annotated[Path | None, typer.Option("--link", help="A lasting name for the port.")]
Lines = Annotated[int, typer.Option("--lines", min=1, max=8)]
FaultNames = Annotated[list[str] | None, typer.Option("--fault", help="open_line:1, mains_lost, and so on.")]


def amplifier(link: Link = None, lines: Lines = 2, fault: FaultNames = None, language: str = "vi") -> None:
    """Serve an amplifier board on a pseudo-terminal until told to stop (docs/amplifier-board.md)."""
    board = Board(line_count=lines, input_rms=SPEECH_RMS)
    for name in fault or ():
        _begin(board, name)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    served = SerialBoard(board)
    served.start()
    try:
        if link is not None:
            link.unlink(missing_ok=True)
            link.symlink_to(served.port)
        typer.echo(say_in(language)("amplifier.served", port=link or served.port))
        signal.pause()
    except KeyboardInterrupt:
        typer.echo(say_in(language)("amplifier.stopped"))
    finally:
        served.stop()
        if link is not None:
            link.unlink(missing_ok=True)


def _begin(board: Board, name: str) -> None:
    kind, _, number = name.partition(":")
    try:
        line = range(board.line_count)[int(number)] if number else None
        board.faults.begin(BoardFault(kind), line)
    except (ValueError, IndexError) as error:
        raise typer.BadParameter(f"{name}: {error}", param_hint="--fault") from error
