"""What may be done with an alert, and where each station stands. Pure."""

from enum import StrEnum


class Move(StrEnum):
    """What a person does with an alert."""

    EDIT = "edit"
    """The draft; or an update of an alert in force, which is prepared first."""
    ASK = "ask"
    """For a second person: to press, to update, to repeat."""
    PRESS = "press"
    UPDATE = "update"
    REPEAT = "repeat"
    EXTEND = "extend"
    CANCEL = "cancel"
    DISCARD = "discard"


class StandingMove(StrEnum):
    APPROVE = "approve"
    RETIRE = "retire"


class Stage(StrEnum):
    """The one state of a station in one sounding."""

    WAITING = "waiting"
    """It can be reached and has said nothing yet."""
    RECEIVED = "received"
    SOUNDING = "sounding"
    PLAYED = "played"
    STOPPED = "stopped"
    """Silenced by a cancel or an update, or spared by it."""
    NOT_FOR_IT = "not_for_it"
    """By its own rule it had nothing to sound: an all-clear where nothing was heard."""
    UNREACHABLE = "unreachable"
    MISSED = "missed"
    """It was off or cut off until it was too late."""
    PARTLY = "partly"
    FAILED = "failed"
    NO_REPORT = "no_report"
    """It can be reached and did not tell the end in time."""


class Group(StrEnum):
    """What the board counts."""

    WAITING = "waiting"
    RECEIVED = "received"
    SOUNDING = "sounding"
    FINISHED = "finished"
    UNREACHABLE = "unreachable"
    FAILED = "failed"
