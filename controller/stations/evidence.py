"""What a station shows besides being alive: electrical, acoustic, storage, link, clock. No verdicts.

A moment that a station names is on its own clock, which may be wrong; how old it was when the heartbeat was
written is not. So ages are carried over to our clock, and a moment is None where not even that can be told.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from wire.base import Message
from wire.evidence import (
    AmplifierFault,
    AmplifierProblem,
    AmplifierState,
    LinkState,
    SelfTestFinding,
    SelfTestKind,
    SelfTestResult,
    SelfTestVerdict,
    StorageState,
)
from wire.ids import ClockTrust
from wire.messages import Heartbeat

_PARTS: Final[Mapping[str, type[Message]]] = {
    "amplifier": AmplifierState,
    "acoustic_test": SelfTestResult,
    "electrical_test": SelfTestResult,
    "storage": StorageState,
    "link": LinkState,
}


_OLDEST: Final = timedelta(days=3650)
"""What is said to be older was written by nobody's clock, and the calendar may not reach so far."""


class Shown(BaseModel):
    model_config = ConfigDict(frozen=True)


class SpeakerLineView(Shown):
    """One loudspeaker line; `number` counts from 1, as on the board's terminals."""

    number: int
    relay_on: bool
    muted: bool
    current_ma: float


class AmplifierView(Shown):
    """`problem` alone, where the board does not answer. None is what the board does not measure."""

    at: datetime | None
    power_on: bool
    lines: tuple[SpeakerLineView, ...]
    gain_db: float | None
    rail_v: float | None
    mains_present: bool | None
    battery_v: float | None
    heat_sink_c: float | None
    fan_on: bool | None
    tamper_open: bool | None
    faults: tuple[AmplifierFault, ...]
    problem: str | None
    trouble: AmplifierProblem | None
    """`problem`, where it is known here."""


class SelfTestView(Shown):
    """The last finished one of its kind; levels against the station's own reference."""

    kind: SelfTestKind
    at: datetime | None
    verdict: SelfTestVerdict
    findings: tuple[SelfTestFinding, ...]
    attempts: int
    level_db: float | None
    bands_db: tuple[float, ...]
    correlation: float | None
    noise_db: float | None
    line_ma: tuple[float, ...]


class StorageView(Shown):
    writable: bool
    remembers: bool
    """False where it would forget its reports with the next power cut."""
    bytes_free: int | None
    written_bytes: int | None
    """Since the program started."""
    damaged: int


class LinkView(Shown):
    """Since the program started, and how long the present connection had lasted."""

    connects: int
    up_s: float


class ClockView(Shown):
    """`ahead_s` is how far its clock was ahead of ours when the heartbeat came, the way here included."""

    trust: ClockTrust
    ahead_s: float


class EvidenceView(Shown):
    """Of one heartbeat. A part is None where the station has none, or is too old to tell."""

    at: datetime
    """When it reached us."""
    uptime_s: float
    clock: ClockView
    amplifier: AmplifierView | None
    acoustic_test: SelfTestView | None
    electrical_test: SelfTestView | None
    storage: StorageView | None
    link: LinkView | None


def readable(fields: Mapping[str, Any]) -> dict[str, Any]:
    """A heartbeat's fields without the evidence that cannot be read: it is a sign of life all the same.

    A newer station may have written it, or a sensor that raves.
    """
    return {name: value for name, value in fields.items() if _can_be_read(name, value)}


def _can_be_read(name: str, value: object) -> bool:
    kind = _PARTS.get(name)
    if kind is None or value is None:
        return True
    try:
        kind.model_validate(value)
    except ValidationError:
        return False
    return True


def of(heartbeat: Heartbeat, heard_at: datetime) -> EvidenceView:
    storage, link = heartbeat.storage, heartbeat.link
    ahead_s = (heartbeat.at - heard_at).total_seconds()
    return EvidenceView(
        at=heard_at,
        uptime_s=heartbeat.uptime_s,
        clock=ClockView(trust=heartbeat.clock, ahead_s=ahead_s),
        amplifier=_amplifier(heartbeat, heartbeat.amplifier, heard_at),
        acoustic_test=_test(heartbeat, heartbeat.acoustic_test, heard_at),
        electrical_test=_test(heartbeat, heartbeat.electrical_test, heard_at),
        storage=StorageView.model_validate(storage.model_dump()) if storage else None,
        link=LinkView(connects=link.connects, up_s=link.up_s) if link else None,
    )


def _amplifier(
    heartbeat: Heartbeat, state: AmplifierState | None, heard_at: datetime
) -> AmplifierView | None:
    if state is None:
        return None
    fields = state.model_dump(exclude={"at", "lines"})
    lines = tuple(
        SpeakerLineView(number=number, **line.model_dump()) for number, line in enumerate(state.lines, 1)
    )
    trouble = AmplifierProblem.known(state.problem)
    at = _on_our_clock(heartbeat, state.at, heard_at)
    return AmplifierView(at=at, lines=lines, trouble=trouble, **fields)


def _test(heartbeat: Heartbeat, result: SelfTestResult | None, heard_at: datetime) -> SelfTestView | None:
    if result is None:
        return None
    fields = result.model_dump(exclude={"id", "at"})
    return SelfTestView(at=_on_our_clock(heartbeat, result.at, heard_at), **fields)


def _on_our_clock(heartbeat: Heartbeat, at: datetime, heard_at: datetime) -> datetime | None:
    """A clock that is not trusted may have been anywhere before the program started."""
    age = heartbeat.at - at
    sure = 0 <= age.total_seconds() <= heartbeat.uptime_s
    if age > _OLDEST or (heartbeat.clock is not ClockTrust.TRUSTED and not sure):
        return None
    return heard_at - max(age, timedelta())
