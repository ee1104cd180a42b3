"""What a station can show of itself besides being alive: electrical, acoustic, storage (DESIGN section 4)."""

from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, Field

from wire.base import Count, Mark, Message, Seconds, UtcDatetime

Finite = Annotated[float, Field(allow_inf_nan=False)]
_LONGEST_LINE = 200


def _one_line(text: object) -> object:
    """Not every database keeps control characters, and what a board says may hold any."""
    if not isinstance(text, str):
        return text
    return "".join(one if one.isprintable() else " " for one in text)[:_LONGEST_LINE]


OneLine = Annotated[str, BeforeValidator(_one_line), Field(max_length=_LONGEST_LINE)]


class AmplifierFault(StrEnum):
    """Latched by the amplifier board until it is told to forget them."""

    OVER_TEMPERATURE = "over_temperature"
    OVER_CURRENT = "over_current"
    RAIL_LOW = "rail_low"
    FAN = "fan"
    DEAD_AIR = "dead_air"
    """Nobody fed its watchdog while it was on, and it switched itself off."""


class AmplifierProblem(StrEnum):
    """Why there is no reading of the board (docs/amplifier-board.md)."""

    NO_PORT = "no_port"
    NO_ANSWER = "no_answer"
    WRONG_ANSWER = "wrong_answer"
    REFUSED = "refused"
    WRONG_MAP = "wrong_map"

    @classmethod
    def known(cls, word: str | None) -> "AmplifierProblem | None":
        """None also for a word that only a newer station has."""
        return next((one for one in cls if one == word), None)


class LineState(Message):
    """One loudspeaker line."""

    relay_on: bool
    muted: bool
    current_ma: Annotated[float, Field(ge=0, allow_inf_nan=False)]


class AmplifierState(Message):
    """One reading of the amplifier board. `problem` alone, where the board does not answer."""

    at: UtcDatetime
    power_on: bool = False
    lines: tuple[LineState, ...] = Field(default=(), max_length=8)
    gain_db: Finite | None = None
    rail_v: Finite | None = None
    mains_present: bool | None = None
    battery_v: Finite | None = None
    heat_sink_c: Finite | None = None
    fan_on: bool | None = None
    tamper_open: bool | None = None
    faults: tuple[AmplifierFault, ...] = Field(default=(), max_length=8)
    problem: OneLine | None = None
    """An `AmplifierProblem`, or a word that only a newer station has."""


class SelfTestKind(StrEnum):
    ACOUSTIC = "acoustic"
    """Heard: a short sound through the horn, back in by the microphone."""
    ELECTRICAL = "electrical"
    """Silent: a faint tone far below hearing, seen in the lines' current."""


class SelfTestVerdict(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    """Too noisy, interrupted, or nothing to measure with; says nothing about the loudspeaker."""
    CALIBRATED = "calibrated"
    """This run became the station's own reference."""


class SelfTestFinding(StrEnum):
    """What a test found. Several may hold."""

    SILENT = "silent"
    WEAK = "weak"
    BANDS_LOST = "bands_lost"
    CHANGED = "changed"
    """It sounds, but no longer like itself: part of it is silent, or something stands in it."""
    DISTORTED = "distorted"
    OPEN_LINE = "open_line"
    SHORTED_LINE = "shorted_line"
    LOAD_CHANGED = "load_changed"
    MICROPHONE_DEAD = "microphone_dead"
    TOO_NOISY = "too_noisy"
    INTERRUPTED = "interrupted"
    AMPLIFIER_SILENT = "amplifier_silent"


class SelfTestResult(Message):
    """The last finished self-test of its kind. Levels are relative to the station's own reference."""

    id: Mark
    kind: SelfTestKind
    at: UtcDatetime
    verdict: SelfTestVerdict
    findings: tuple[SelfTestFinding, ...] = Field(default=(), max_length=12)
    attempts: Annotated[int, Field(ge=1, le=20)] = 1
    level_db: Finite | None = None
    bands_db: tuple[Finite, ...] = Field(default=(), max_length=12)
    correlation: Finite | None = None
    noise_db: Finite | None = None
    """Noise floor over full scale of the microphone, dBFS."""
    line_ma: tuple[Finite, ...] = Field(default=(), max_length=8)


class StorageState(Message):
    """The memory card, as far as the program notices."""

    writable: bool = True
    remembers: bool = True
    """False where the journal lives in memory only."""
    bytes_free: Count | None = None
    written_bytes: Count | None = None
    """By this program since it started."""
    damaged: Count = 0
    """Files that were found damaged and put aside since the program started."""


class LinkState(Message):
    """How the connection has fared since the program started."""

    connects: Count = 0
    up_s: Seconds = 0.0
    """How long the present connection has lasted."""
