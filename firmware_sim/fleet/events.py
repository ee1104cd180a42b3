"""What the fleet's loudspeakers did, one JSON line each, on the clock that all processes of a machine share.

`at_s` is CLOCK_MONOTONIC in seconds; `sounding` is the id of what is heard: an occurrence, or an alert's.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path


class Happened(StrEnum):
    ONLINE = "online"
    OFFLINE = "offline"
    DECIDED = "decided"
    """The station has ordered the sound: it knows what is to be heard, and when."""
    FIRST_FRAME = "first_frame"
    """The first frame of this run has left the loudspeaker."""
    STOPPED = "stopped"
    """Silenced before its end."""
    ENDED = "ended"
    """The last frame has left the loudspeaker."""


@dataclass(frozen=True, slots=True)
class Event:
    """`from_s` is where in the sounding this run begins, `sounded_s` how much this run has given out."""

    at_s: float
    station: str
    happened: Happened
    sounding: str = ""
    from_s: float = 0.0
    sounded_s: float = 0.0


class EventLog:
    """Kept in memory and appended whole lines at a time, so that several processes may share the file."""

    def __init__(self, file: Path) -> None:
        self._handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._kept: list[Event] = []

    def note(self, event: Event) -> None:
        """Costs next to nothing: it happens while others are to be decided."""
        self._kept.append(event)

    def flush(self) -> None:
        """Raises OSError."""
        if self._kept:
            events, self._kept = self._kept, []
            lines = "".join(json.dumps(asdict(event)) + "\n" for event in events)
            os.write(self._handle, lines.encode())

    def close(self) -> None:
        self.flush()
        os.close(self._handle)


def read(file: Path, begin: int = 0) -> tuple[list[Event], int]:
    """The whole lines from byte `begin` on, and where to go on."""
    with file.open("rb") as source:
        source.seek(begin)
        content = source.read()
    whole = content[: content.rfind(b"\n") + 1]
    return list(_events(whole)), begin + len(whole)


def _events(lines: bytes) -> Iterator[Event]:
    for line in lines.splitlines():
        values = json.loads(line)
        yield Event(**(values | {"happened": Happened(values["happened"])}))
