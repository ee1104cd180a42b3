"""What may be done with an alert, and where each station stands. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from controller.emergency.tables import ActKind, AlertState, RevisionState, StandingState
from wire.ids import Outcome, OutcomeReason

REPORT_GRACE_S: Final = 25.0
"""How long after the end of its sounding a station that can be reached may take to tell it."""


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


class Refusal(StrEnum):
    """Why a move cannot be made now."""

    WRONG_STATE = "wrong_state"
    NOTHING_PREPARED = "nothing_prepared"
    OTHER_PREPARED = "other_prepared"
    NEEDS_SECOND = "needs_second"
    OWN_REQUEST = "own_request"
    ONE_IS_ENOUGH = "one_is_enough"


@dataclass(frozen=True, slots=True)
class Situation:
    """An alert as one person finds it. `open_*` are of the revision that is prepared, if any."""

    state: AlertState
    in_force: bool
    needs_two: bool
    person_id: str
    open_act: ActKind | None = None
    open_state: RevisionState | None = None
    asked_by: str | None = None
    all_clear_stands: bool = False
    """It is cancelled, and stations may still sound that it is over."""


_BEFORE: Final = frozenset({AlertState.DRAFT, AlertState.PROPOSED, AlertState.WAITING})
_ACT_OF: Final[Mapping[Move, ActKind]] = {
    Move.PRESS: ActKind.PRESS,
    Move.UPDATE: ActKind.UPDATE,
    Move.REPEAT: ActKind.REPEAT,
}


def refusal(move: Move, found: Situation, asked_for: ActKind | None = None) -> Refusal | None:
    """None where the move may be made. `asked_for` is the act that *ask* is about, where it is known.

    Press, update and repeat may need two people: one asks, and another than the one who asked carries out.
    To extend or cancel, one is always enough. What is cancelled with an all-clear can be cancelled once more:
    then the all-clear falls silent as well.
    """
    if move is Move.EDIT:
        return _edit(found)
    if move is Move.DISCARD:
        return None if found.open_act else Refusal.WRONG_STATE
    if move is Move.ASK:
        return _ask(found, asked_for)
    if move is Move.CANCEL and found.all_clear_stands:
        return None
    if move in {Move.EXTEND, Move.CANCEL}:
        return None if found.in_force else Refusal.WRONG_STATE
    return _carry_out(_ACT_OF[move], found)


def moves(found: Situation) -> tuple[Move, ...]:
    return tuple(move for move in Move if refusal(move, found) is None)


def _edit(found: Situation) -> Refusal | None:
    if found.state in _BEFORE:
        return None
    if not found.in_force:
        return Refusal.WRONG_STATE
    return Refusal.OTHER_PREPARED if found.open_act is ActKind.REPEAT else None


def _ask(found: Situation, asked_for: ActKind | None) -> Refusal | None:
    acts = (ActKind.PRESS, ActKind.UPDATE, ActKind.REPEAT) if asked_for is None else (asked_for,)
    why_not = [_ask_for(act, found) for act in acts]
    return None if None in why_not else why_not[0]


def _ask_for(act: ActKind, found: Situation) -> Refusal | None:
    why_not = _preparable(act, found)
    if why_not is not None:
        return why_not
    if found.open_state is RevisionState.WAITING:
        return Refusal.WRONG_STATE
    return None if found.needs_two else Refusal.ONE_IS_ENOUGH


def _carry_out(act: ActKind, found: Situation) -> Refusal | None:
    why_not = _preparable(act, found)
    if why_not is not None or not found.needs_two:
        return why_not
    if found.open_act is not act or found.open_state is not RevisionState.WAITING:
        return Refusal.NEEDS_SECOND
    return Refusal.OWN_REQUEST if found.asked_by == found.person_id else None


def _preparable(act: ActKind, found: Situation) -> Refusal | None:
    if act is ActKind.PRESS:
        return None if found.state in _BEFORE else Refusal.WRONG_STATE
    if act not in {ActKind.UPDATE, ActKind.REPEAT} or not found.in_force:
        return Refusal.WRONG_STATE
    if act is ActKind.UPDATE and found.open_act is not ActKind.UPDATE:
        return Refusal.NOTHING_PREPARED
    if act is ActKind.REPEAT and found.open_act is ActKind.UPDATE and found.needs_two:
        return Refusal.OTHER_PREPARED
    return None


class StandingMove(StrEnum):
    APPROVE = "approve"
    RETIRE = "retire"


def standing_refusal(move: StandingMove, state: StandingState, *, own_work: bool) -> Refusal | None:
    """Nobody approves a message that he made himself."""
    if move is StandingMove.RETIRE:
        return Refusal.WRONG_STATE if state is StandingState.RETIRED else None
    if state is not StandingState.WAITING:
        return Refusal.WRONG_STATE
    return Refusal.OWN_REQUEST if own_work else None


class Stage(StrEnum):
    """The one state of a station in one sounding."""

    WAITING = "waiting"
    """It can be reached and has said nothing yet."""
    RECEIVED = "received"
    SOUNDING = "sounding"
    YIELDING = "yielding"
    """It began, and then began another alert that it sounds now."""
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


GROUPS: Final[Mapping[Stage, Group]] = {
    Stage.WAITING: Group.WAITING,
    Stage.RECEIVED: Group.RECEIVED,
    Stage.SOUNDING: Group.SOUNDING,
    Stage.YIELDING: Group.RECEIVED,
    Stage.PLAYED: Group.FINISHED,
    Stage.STOPPED: Group.FINISHED,
    Stage.NOT_FOR_IT: Group.FINISHED,
    Stage.UNREACHABLE: Group.UNREACHABLE,
    Stage.MISSED: Group.UNREACHABLE,
    Stage.PARTLY: Group.FAILED,
    Stage.FAILED: Group.FAILED,
    Stage.NO_REPORT: Group.FAILED,
}


@dataclass(frozen=True, slots=True)
class Sounding:
    """What was ordered. `ended_at`: cancelled, or replaced by a later sounding."""

    sent_at: datetime
    seconds: float
    expires_at: datetime
    ended_at: datetime | None = None
    late: bool = True

    @property
    def over_at(self) -> datetime:
        """From here on no station begins it."""
        return self.expires_at if self.ended_at is None else min(self.expires_at, self.ended_at)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of one station; times are on our clock."""

    reachable: bool
    back_at: datetime | None = None
    """When it last connected, as far as it is known."""
    received_at: datetime | None = None
    sounding_at: datetime | None = None
    other_at: datetime | None = None
    """When it last began another alert of which it has not told the end."""
    outcome: Outcome | None = None
    reason: OutcomeReason | None = None


@dataclass(frozen=True, slots=True)
class Stands:
    """`final`: it changes no more by itself; a report that comes later still corrects it."""

    stage: Stage
    final: bool
    reason: OutcomeReason | None = None

    @property
    def group(self) -> Group:
        return GROUPS[self.stage]


def stands(sounding: Sounding, known: Evidence, now: datetime) -> Stands:
    """Exactly one state, of which the board makes exactly one of its counts:

    *received* and *sounding* as the station told, while the end may still come; *finished*: it did all that
    was ordered (played to the end, silenced by us, or rightly silent); *unreachable*: it cannot be reached
    and has not told the end, or came back too late; *failed*: it told of a failure or of a part only, or
    can be reached and tells nothing. Who can be reached and has said nothing yet is *waiting*.

    Final is a told end; silence `REPORT_GRACE_S` after the end of the sounding on this station; and being
    out of reach once nobody may begin it any more.
    """
    if known.outcome is not None and known.outcome is not Outcome.UNKNOWN:
        return Stands(_ended(known.outcome, known.reason), final=True, reason=known.reason)
    if not known.reachable:
        return Stands(Stage.UNREACHABLE, final=now >= _lost_at(sounding, known))
    if known.received_at is None and known.back_at is not None and known.back_at >= sounding.over_at:
        return Stands(Stage.MISSED, final=True, reason=OutcomeReason.STATION_OFF)
    if now >= due_at(sounding, known):
        return Stands(Stage.NO_REPORT, final=True, reason=OutcomeReason.NO_REPORT)
    return Stands(_underway(known), final=False)


def due_at(sounding: Sounding, known: Evidence) -> datetime:
    """Until when a station that can be reached is waited for."""
    told = known.sounding_at or known.received_at or known.back_at or sounding.sent_at
    end = max(told, sounding.sent_at) + timedelta(seconds=sounding.seconds)
    return min(end, sounding.over_at) + timedelta(seconds=REPORT_GRACE_S)


def _lost_at(sounding: Sounding, known: Evidence) -> datetime:
    if sounding.late or known.received_at is not None:
        return sounding.over_at
    end = sounding.sent_at + timedelta(seconds=sounding.seconds + REPORT_GRACE_S)
    return min(end, sounding.over_at)


def _underway(known: Evidence) -> Stage:
    if known.sounding_at is not None:
        displaced = known.other_at is not None and known.other_at > known.sounding_at
        return Stage.YIELDING if displaced else Stage.SOUNDING
    return Stage.WAITING if known.received_at is None else Stage.RECEIVED


_RIGHTLY_SILENT: Final = frozenset({OutcomeReason.NOTHING_BEFORE, OutcomeReason.NOT_SELECTED})
_NOT_THERE: Final = frozenset(
    {OutcomeReason.STATION_OFF, OutcomeReason.TOO_LATE, OutcomeReason.EXPIRED, None}
)


def _ended(outcome: Outcome, reason: OutcomeReason | None) -> Stage:
    if outcome is Outcome.PLAYED:
        return Stage.PLAYED
    if reason is OutcomeReason.WITHDRAWN:
        return Stage.STOPPED
    if reason in _RIGHTLY_SILENT:
        return Stage.NOT_FOR_IT
    if outcome is Outcome.PARTLY_PLAYED:
        return Stage.PARTLY
    absent = outcome in {Outcome.MISSED, Outcome.SKIPPED} and reason in _NOT_THERE
    return Stage.MISSED if absent else Stage.FAILED
