"""What may happen to a station, by the names of the simulated parts; see `docs/fleet.md`.

`makes` is what a thorough technician before that station would say of its loudspeaker while the fault lasts.
"""

import re
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


def seconds_of(written: object) -> float:
    """`1h30m` as 5400.0; a bare 0 is 0. Raises ValueError."""
    if isinstance(written, int | float):
        return float(written)
    text = str(written)
    if text == "0":
        return 0.0
    if not _DURATION.fullmatch(text):
        raise ValueError("not a duration such as 90s, 10m, 1h30m or 24h")
    return sum(float(number) * _UNIT_S[unit] for number, unit in _PART.findall(text))


def _signed_seconds_of(written: object) -> float:
    text = str(written)
    return -seconds_of(text[1:]) if text.startswith("-") else seconds_of(written)


Duration = Annotated[float, BeforeValidator(seconds_of), Field(ge=0, allow_inf_nan=False)]
Step = Annotated[float, BeforeValidator(_signed_seconds_of), Field(allow_inf_nan=False)]
Line = Annotated[int, Field(ge=1, le=8)]


class Makes(StrEnum):
    """The states of DESIGN section 4 that a fault can bring about."""

    OK = "ok"
    """The loudspeaker is as good as before, whatever else is wrong."""
    UNDERPERFORMING = "underperforming"
    BROKEN = "broken"
    UNREACHABLE = "unreachable"


class _Fault(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    makes: ClassVar[Makes] = Makes.OK


# The loudspeaker and its line.


class OpenLine(_Fault):
    """The cable to the horn is torn."""

    fault: Literal["open_line"] = "open_line"
    line: Line = 1
    makes: ClassVar[Makes] = Makes.BROKEN


class ShortedLine(_Fault):
    fault: Literal["shorted_line"] = "shorted_line"
    line: Line = 1
    makes: ClassVar[Makes] = Makes.BROKEN


class DriverDead(_Fault):
    """One of the two drivers on the line."""

    fault: Literal["driver_dead"] = "driver_dead"
    line: Line = 1
    makes: ClassVar[Makes] = Makes.UNDERPERFORMING


class Blocked(_Fault):
    """A nest, leaves or a bag in the horn's mouth."""

    fault: Literal["blocked"] = "blocked"
    makes: ClassVar[Makes] = Makes.UNDERPERFORMING


class Water(_Fault):
    """Water stands in the horn."""

    fault: Literal["water"] = "water"
    makes: ClassVar[Makes] = Makes.UNDERPERFORMING


class MicrophoneDead(_Fault):
    fault: Literal["microphone_dead"] = "microphone_dead"


class Torn(_Fault):
    """The diaphragm is torn and rattles."""

    fault: Literal["torn"] = "torn"
    makes: ClassVar[Makes] = Makes.UNDERPERFORMING


class Noise(_Fault):
    """Wind in m/s and a road in dB SPL before the microphone."""

    fault: Literal["noise"] = "noise"
    wind_ms: Annotated[float, Field(ge=0, le=60)] = 14.0
    traffic_db: Annotated[float, Field(ge=0, le=120)] = 85.0


# The amplifier board.


class MainsLost(_Fault):
    """The amplifier goes on by its battery."""

    fault: Literal["mains_lost"] = "mains_lost"


class Overheat(_Fault):
    fault: Literal["overheat"] = "overheat"
    makes: ClassVar[Makes] = Makes.UNDERPERFORMING


class RailLow(_Fault):
    fault: Literal["rail_low"] = "rail_low"
    makes: ClassVar[Makes] = Makes.UNDERPERFORMING


class FanStuck(_Fault):
    fault: Literal["fan_stuck"] = "fan_stuck"


class Tamper(_Fault):
    """Somebody has the cabinet open."""

    fault: Literal["tamper"] = "tamper"


class NoAnswer(_Fault):
    """The serial cable between program and amplifier board is broken."""

    fault: Literal["no_answer"] = "no_answer"


# The clock.


class ClockStep(_Fault):
    """The wall clock is set wrongly by `by`, and set right at the end."""

    fault: Literal["clock_step"] = "clock_step"
    by: Step = 3600.0
    synchronised: bool = False
    """True: the time service itself believes the wrong time."""


class ClockDrift(_Fault):
    """The crystal runs fast, and no time service corrects it."""

    fault: Literal["clock_drift"] = "clock_drift"
    ppm: Annotated[float, Field(ge=-100_000, le=100_000)] = 100.0


class ClockLost(_Fault):
    """From its next boot on the board believes that it is 1970, until the end of the fault."""

    fault: Literal["clock_lost"] = "clock_lost"


# The memory card.


class DiskFull(_Fault):
    fault: Literal["disk_full"] = "disk_full"


class DiskReadOnly(_Fault):
    fault: Literal["disk_read_only"] = "disk_read_only"


class DiskSlow(_Fault):
    fault: Literal["disk_slow"] = "disk_slow"
    latency: Duration = 2.0


class BitFlip(_Fault):
    """One bit of one file of the station's state is turned over, once."""

    fault: Literal["bit_flip"] = "bit_flip"


class FilesDeleted(_Fault):
    """One of its documents is gone, once."""

    fault: Literal["files_deleted"] = "files_deleted"


class TornWrite(_Fault):
    """The power goes in the middle of a write: the newest file loses its second half. Once, with a boot."""

    fault: Literal["torn_write"] = "torn_write"
    boots_after: Duration = 20.0


class SoundLost(_Fault):
    """All sound that it holds has rotted; it fetches it anew when it has a network."""

    fault: Literal["sound_lost"] = "sound_lost"


# The network.


class LinkDown(_Fault):
    """No signal at all."""

    fault: Literal["link_down"] = "link_down"
    makes: ClassVar[Makes] = Makes.UNREACHABLE


class HalfOpen(_Fault):
    """Connections stand, and nothing travels in either direction."""

    fault: Literal["half_open"] = "half_open"
    makes: ClassVar[Makes] = Makes.UNREACHABLE


class Latency(_Fault):
    """Everything takes longer, there and back together, as over an overloaded mast."""

    fault: Literal["latency"] = "latency"
    delay: Duration = 2.0


class Thin(_Fault):
    """The edge of a cell."""

    fault: Literal["thin"] = "thin"
    bits_per_s: Annotated[float, Field(gt=0)] = 16_000.0


class Loss(_Fault):
    """This share of all packets has to be sent again."""

    fault: Literal["loss"] = "loss"
    share: Annotated[float, Field(gt=0, lt=1)] = 0.1


class Flapping(_Fault):
    """The signal comes and goes; each spell is drawn between half and one and a half of what is said."""

    fault: Literal["flapping"] = "flapping"
    up: Duration = 40.0
    down: Duration = 20.0


class CaptivePortal(_Fault):
    """Somebody between answers every connection with a page."""

    fault: Literal["captive_portal"] = "captive_portal"
    makes: ClassVar[Makes] = Makes.UNREACHABLE


class DnsFailure(_Fault):
    """No name is found; connections that stand go on."""

    fault: Literal["dns_failure"] = "dns_failure"


class Refused(_Fault):
    """Connections are refused; those that stand are cut."""

    fault: Literal["refused"] = "refused"
    makes: ClassVar[Makes] = Makes.UNREACHABLE


class BrokerDrops(_Fault):
    """The broker takes the connection, and drops it after a moment."""

    fault: Literal["broker_drops"] = "broker_drops"
    after: Duration = 1.0
    makes: ClassVar[Makes] = Makes.UNREACHABLE


class SameId(_Fault):
    """A second board was given this station's id, and comes every so often."""

    fault: Literal["same_id"] = "same_id"
    every: Annotated[Duration, Field(gt=0)] = 30.0


# The power, and the program.


class PowerCut(_Fault):
    """Off without a word; what had not reached the card is gone. It boots at the end of the fault."""

    fault: Literal["power_cut"] = "power_cut"
    makes: ClassVar[Makes] = Makes.UNREACHABLE


class TaskDies(_Fault):
    """A part of the program dies, once: all of it goes down, and the service manager starts it again."""

    fault: Literal["task_dies"] = "task_dies"


Fault = Annotated[
    OpenLine | ShortedLine | DriverDead | Blocked | Water | Torn | MicrophoneDead | Noise
    | MainsLost | Overheat | RailLow | FanStuck | Tamper | NoAnswer
    | ClockStep | ClockDrift | ClockLost
    | DiskFull | DiskReadOnly | DiskSlow | BitFlip | FilesDeleted | TornWrite | SoundLost
    | LinkDown | HalfOpen | Latency | Thin | Loss | Flapping | CaptivePortal
    | DnsFailure | Refused | BrokerDrops | SameId
    | PowerCut | TaskDies,
    Field(discriminator="fault"),
]  # fmt: skip


def _by_name(written: Any) -> Any:
    """A fault with nothing to say may be written as its bare name."""
    return {"fault": written} if isinstance(written, str) else written


NamedFault = Annotated[Fault, BeforeValidator(_by_name)]
