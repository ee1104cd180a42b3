"""Ids and closed lists that both sides, and the pure time rules, agree on."""

from enum import IntEnum, StrEnum
from typing import Annotated, Final

from pydantic import AfterValidator, StringConstraints

AREA_PATTERN = r"^[a-z0-9][a-z0-9-]{0,62}$"

AreaId = Annotated[str, StringConstraints(pattern=AREA_PATTERN)]
StationId = Annotated[str, StringConstraints(pattern=AREA_PATTERN)]
ScheduleId = Annotated[str, StringConstraints(pattern=AREA_PATTERN)]
AlertId = Annotated[str, StringConstraints(pattern=AREA_PATTERN)]
OccurrenceId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}@\d{8}T\d{6}Z$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Priority(IntEnum):
    """Who may sound when two want to; the higher number wins (DESIGN section 3)."""

    RELAY = 10
    NORMAL = 20
    PRIORITY = 30
    LIVE = 40
    EMERGENCY = 50


class LatenessRule(StrEnum):
    """What a station does with an occurrence that it could not start on time, or that was interrupted."""

    RESUME = "resume"
    """Go on at the elapsed position, as if it had been sounding all along."""
    SKIP = "skip"
    """The whole of it or nothing: begin within the grace or stay silent; once interrupted, it is over."""
    CONTINUE = "continue"
    """From its beginning however late, and on from where it stopped, until the grace is over. For alerts."""


TIMETABLE_LATENESS: Final = (LatenessRule.RESUME, LatenessRule.SKIP)


def _of_a_timetable(rule: LatenessRule) -> LatenessRule:
    if rule not in TIMETABLE_LATENESS:
        raise ValueError("only an alert may be late like this")
    return rule


TimetableLateness = Annotated[LatenessRule, AfterValidator(_of_a_timetable)]
"""What a timetable may choose."""


class Outcome(StrEnum):
    """The one end of an occurrence on a station. `UNKNOWN` is the controller's word only."""

    PLAYED = "played"
    PARTLY_PLAYED = "partly_played"
    SKIPPED = "skipped"
    PREEMPTED = "preempted"
    MISSED = "missed"
    FAILED = "failed"
    UNKNOWN = "unknown"


class OutcomeReason(StrEnum):
    """Why an outcome is not a plain *played*."""

    TOO_LATE = "too_late"
    WITHDRAWN = "withdrawn"
    QUIET_HOURS = "quiet_hours"
    CLOCK_UNTRUSTED = "clock_untrusted"
    SOUND_MISSING = "sound_missing"
    SOUND_UNREADABLE = "sound_unreadable"
    SPEAKER_FAILED = "speaker_failed"
    HIGHER_PRIORITY = "higher_priority"
    INTERRUPTED = "interrupted"
    STATION_OFF = "station_off"
    NOT_SELECTED = "not_selected"
    NO_REPORT = "no_report"
    EXPIRED = "expired"
    STANDING_INSTEAD = "standing_instead"
    """Played, but with the standing message of its kind in place of speech that could not be fetched."""
    NOTHING_BEFORE = "nothing_before"
    """An all-clear where the alert itself was never heard."""


class AlertKind(StrEnum):
    """What an emergency alert is about."""

    FLOOD = "flood"
    FLASH_FLOOD = "flash_flood"
    LANDSLIDE = "landslide"
    STORM = "storm"
    FOREST_FIRE = "forest_fire"
    COLD_SPELL = "cold_spell"
    EPIDEMIC = "epidemic"
    SECURITY = "security"
    OTHER = "other"


class Severity(StrEnum):
    """CAP 1.2's severities, the worst first."""

    EXTREME = "extreme"
    SEVERE = "severe"
    MODERATE = "moderate"
    MINOR = "minor"
    UNKNOWN = "unknown"

    @property
    def rank(self) -> int:
        """The higher, the worse; 0 for unknown."""
        return len(Severity) - 1 - list(Severity).index(self)


class AlertProgress(StrEnum):
    """What a station tells of an alert before its end; the end itself is a playback report."""

    RECEIVED = "received"
    SOUNDING = "sounding"


class ClockTrust(StrEnum):
    """How far a station believes its own clock."""

    TRUSTED = "trusted"
    STALE = "stale"
    UNKNOWN = "unknown"


class StationKind(StrEnum):
    """What the board drives: a commune's own station, or one village's cluster of horns."""

    COMMUNE_STATION = "commune_station"
    VILLAGE_CLUSTER = "village_cluster"
