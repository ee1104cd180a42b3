"""What sounds now: the one decision that the station obeys and the controller foresees.

An occurrence moves through these states; `decide` gives the sound, the endings and when to ask again.

| state    | leaves it when                                  | and becomes                             |
|----------|-------------------------------------------------|-----------------------------------------|
| to come  | its start is reached                            | due                                     |
| due      | nothing stronger sounds                         | sounding, see `position_s`              |
| due      | its chance is over (`closes`)                   | ended: pre-empted, missed, skipped      |
| sounding | something stronger is due, restart; it is SKIP  | ended: partly played                    |
| sounding | something stronger is due, restart; it is not   | held                                    |
| sounding | quiet hours begin                               | ended: partly played                    |
| sounding | the player has finished it (never time)         | ended: played; the caller's to say      |
| held     | nothing stronger sounds                         | sounding, see `position_s`              |
| held     | its chance is over                              | ended: partly played                    |

| lateness | sounds, when late or interrupted                | its chance is over                      |
|----------|-------------------------------------------------|-----------------------------------------|
| RESUME   | from where it would be by now                   | with its end                            |
| SKIP     | from its beginning; never again                 | `grace_s` after its start, or once begun|
| CONTINUE | from where it stopped, unheard from 0           | `grace_s` after its start, begun or not |

Stronger is a higher priority, then a higher rank; among equals the one that sounds, then the earlier start,
the wider area (smaller depth), the id. Quiet hours end every occurrence but an emergency: one that starts
inside is skipped at its start, one that runs into them is cut there and does not come back. While the clock
is not trusted, time proves nothing: only live and emergency sound goes on, and nothing else ends because of
the time. The caller dates an emergency by its age on this station then, so that it ends like any other.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from schedules.occurrence import Occurrence
from schedules.quiet import QuietWindow, silence_after
from wire.ids import LatenessRule, Outcome, OutcomeReason, Priority

__all__ = [
    "Cue",
    "Ending",
    "Progress",
    "QuietWindow",
    "advance",
    "closes",
    "decide",
    "finished",
    "position_s",
]

ON_TIME_S = 0.5
"""Less late than this is on time: from the first sample."""
LEAST_REMAINDER_S = 1.0
"""Less than this at the end is not worth joining."""

_ON_TIME = timedelta(seconds=ON_TIME_S)
_LEAST_REMAINDER = timedelta(seconds=LEAST_REMAINDER_S)
_OUTCOMES_UNHEARD = {
    OutcomeReason.HIGHER_PRIORITY: Outcome.PREEMPTED,
    OutcomeReason.STATION_OFF: Outcome.MISSED,
    OutcomeReason.EXPIRED: Outcome.MISSED,
    OutcomeReason.CLOCK_UNTRUSTED: Outcome.MISSED,
    OutcomeReason.INTERRUPTED: Outcome.MISSED,
    OutcomeReason.SOUND_MISSING: Outcome.FAILED,
    OutcomeReason.SOUND_UNREADABLE: Outcome.FAILED,
    OutcomeReason.SPEAKER_FAILED: Outcome.FAILED,
}


@dataclass(frozen=True, slots=True)
class Progress:
    """What the station remembers of an occurrence that is due. `begun_at` is None while nothing was heard.

    `interrupted_by` is why it was last silent although it was due; it stays when the sound goes on.
    """

    begun_at: datetime | None = None
    sounded_s: float = 0.0
    interrupted: bool = False
    interrupted_by: OutcomeReason | None = None


_NOTHING = Progress()


@dataclass(frozen=True, slots=True)
class Ending:
    """An occurrence that is over, and how."""

    occurrence: Occurrence
    outcome: Outcome
    reason: OutcomeReason | None = None


@dataclass(frozen=True, slots=True)
class Cue:
    """`from_s` is where `sound` starts unless it sounds already. `held`: due, silent, and why.

    `wake_at` is the next instant at which the answer can change by itself.
    """

    sound: Occurrence | None
    from_s: float
    endings: tuple[Ending, ...]
    wake_at: datetime | None
    held: Mapping[str, OutcomeReason] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Station:
    """Everything a decision stands on besides the occurrence."""

    now: datetime
    progress: Mapping[str, Progress]
    sounding: str | None
    quiet: QuietWindow | None
    clock_trusted: bool
    up_since: datetime | None
    trusted_since: datetime | None
    unready: Collection[str]

    def has_begun(self, one: Occurrence) -> bool:
        return one.id == self.sounding or self.memory(one).begun_at is not None

    def closes(self, one: Occurrence) -> datetime:
        return closes(one, begun=self.has_begun(one), quiet=self.quiet)

    def memory(self, one: Occurrence) -> Progress:
        return self.progress.get(one.id, _NOTHING)

    def position_s(self, one: Occurrence) -> float:
        heard_s = self.memory(one).sounded_s
        return position_s(one, self.now, begun=self.has_begun(one), sounded_s=heard_s)


def decide(  # noqa: PLR0917
    now: datetime,
    occurrences: Sequence[Occurrence],
    progress: Mapping[str, Progress],
    sounding: str | None,
    quiet: QuietWindow | None,
    clock_trusted: bool = True,
    *,
    up_since: datetime | None = None,
    trusted_since: datetime | None = None,
    unready: Collection[str] = (),
) -> Cue:
    """`occurrences` are those not yet ended; `sounding` is the id of the one that sounds now.

    `up_since` and `trusted_since` (when the station and its clock came up) only refine why something was
    missed. `unready` are ids whose sound is not at hand: they are passed over until it is.
    """
    at = _Station(now, progress, sounding, quiet, clock_trusted, up_since, trusted_since, unready)
    due = [one for one in occurrences if one.start <= now or one.id == sounding]
    able = (one for one in due if _can_sound(one, at))
    sound = min(able, key=lambda one: _rank(one, sounding), default=None)
    silent = [one for one in due if one is not sound]
    over = {one.id: one for one in silent if _is_over(one, at)}
    held = [one for one in silent if one.id not in over]
    return Cue(
        sound=sound,
        from_s=at.position_s(sound) if sound else 0.0,
        endings=tuple(_ending(one, at) for one in over.values()),
        wake_at=_wake_at(occurrences, held, sound, at),
        held={one.id: _hindrance(one, at) or OutcomeReason.HIGHER_PRIORITY for one in held},
    )


def advance(progress: Mapping[str, Progress], cue: Cue, now: datetime) -> dict[str, Progress]:
    """What to remember when `cue` is obeyed; `sounded_s` stays the caller's, it comes from the frame count.

    To be kept on disk before the first sample: a station that forgets would play twice.
    """
    ended = {ending.occurrence.id for ending in cue.endings}
    kept = {id_: memory for id_, memory in progress.items() if id_ not in ended}
    if cue.sound is not None:
        memory = kept.get(cue.sound.id, _NOTHING)
        kept[cue.sound.id] = replace(memory, begun_at=memory.begun_at or now)
    for id_, reason in cue.held.items():
        memory = kept.get(id_, _NOTHING)
        kept[id_] = replace(memory, interrupted=memory.begun_at is not None, interrupted_by=reason)
    return kept


def finished(one: Occurrence, memory: Progress, up_since: datetime | None = None) -> Ending:
    """The ending of what has begun and will not go on: *played* only if all of it was heard."""
    if memory.sounded_s > one.seconds - ON_TIME_S:
        return Ending(one, Outcome.PLAYED)
    came_up_late = up_since is not None and up_since > one.start
    missed = OutcomeReason.STATION_OFF if came_up_late else OutcomeReason.TOO_LATE
    return Ending(one, Outcome.PARTLY_PLAYED, memory.interrupted_by or missed)


def closes(one: Occurrence, *, begun: bool, quiet: QuietWindow | None = None) -> datetime:
    """The instant from which it can neither begin nor, once it has fallen silent, go on."""
    end = _last_chance(one, begun)
    return min(end, _silence_at(one, quiet) or end)


def position_s(one: Occurrence, now: datetime, *, begun: bool, sounded_s: float = 0.0) -> float:
    """Where it starts when it starts now; `sounded_s` is what was heard of it."""
    if one.lateness is LatenessRule.CONTINUE:
        return sounded_s
    late_s = (now - one.start).total_seconds()
    on_time = late_s < ON_TIME_S and not begun
    return 0.0 if on_time or one.lateness is LatenessRule.SKIP else max(late_s, 0.0)


def _last_chance(one: Occurrence, begun: bool) -> datetime:
    if one.lateness is LatenessRule.CONTINUE:
        return one.start + timedelta(seconds=one.grace_s)
    if one.lateness is LatenessRule.SKIP:
        late = timedelta(seconds=one.grace_s) + timedelta.resolution
        return one.start if begun else one.start + max(late, _ON_TIME)
    end = one.end - _LEAST_REMAINDER + timedelta.resolution
    return end if begun else max(end, one.start + _ON_TIME)


def _rank(one: Occurrence, sounding: str | None) -> tuple[int, int, bool, datetime, int, str]:
    return (-one.priority, -one.rank, one.id != sounding, one.start, one.depth, one.id)


def _can_sound(one: Occurrence, at: _Station) -> bool:
    return _hindrance(one, at) is None and (one.id == at.sounding or not _is_over(one, at))


def _hindrance(one: Occurrence, at: _Station) -> OutcomeReason | None:
    """Why it may not sound even when it is alone."""
    if not _time_counts(one, at):
        return OutcomeReason.CLOCK_UNTRUSTED
    silence = _silence_at(one, at.quiet)
    if silence is not None and silence <= at.now:
        return OutcomeReason.QUIET_HOURS
    if one.id in at.unready and one.id != at.sounding:
        return OutcomeReason.SOUND_MISSING
    return None


def _time_counts(one: Occurrence, at: _Station) -> bool:
    return at.clock_trusted or one.priority >= Priority.LIVE


def _is_over(one: Occurrence, at: _Station) -> bool:
    """It is silent now: is that for good?"""
    if one.lateness is LatenessRule.SKIP and at.has_begun(one):
        return True
    return _time_counts(one, at) and at.now >= at.closes(one)


def _silence_at(one: Occurrence, quiet: QuietWindow | None) -> datetime | None:
    """When quiet hours end it: at its start if it starts inside."""
    if quiet is None or one.priority is Priority.EMERGENCY:
        return None
    return silence_after(quiet, one.start)


def _ending(one: Occurrence, at: _Station) -> Ending:
    if at.has_begun(one):
        return finished(one, replace(at.memory(one), interrupted_by=_interruption(one, at)))
    reason = _absence(one, at)
    return Ending(one, _OUTCOMES_UNHEARD.get(reason, Outcome.SKIPPED), reason)


def _interruption(one: Occurrence, at: _Station) -> OutcomeReason:
    if one.id == at.sounding:
        return _hindrance(one, at) or OutcomeReason.HIGHER_PRIORITY
    return at.memory(one).interrupted_by or OutcomeReason.INTERRUPTED


def _absence(one: Occurrence, at: _Station) -> OutcomeReason:
    """Why nothing of it was heard; the first that applies."""
    silence = _silence_at(one, at.quiet)
    goes_on = one.lateness is LatenessRule.CONTINUE
    last_instant = at.closes(one) if goes_on else min(one.end, silence or one.end)
    needs_time = one.priority < Priority.LIVE
    unknown = at.up_since is None and one.lateness is LatenessRule.RESUME
    causes = (
        (silence == one.start, OutcomeReason.QUIET_HOURS),
        (_came_after(last_instant, at.up_since), OutcomeReason.STATION_OFF),
        (needs_time and _came_after(at.closes(one), at.trusted_since), OutcomeReason.CLOCK_UNTRUSTED),
        (True, at.memory(one).interrupted_by),
        (one.id in at.unready, OutcomeReason.SOUND_MISSING),
        (at.sounding is not None, OutcomeReason.HIGHER_PRIORITY),
        (unknown, OutcomeReason.STATION_OFF),
        (goes_on, OutcomeReason.EXPIRED),
    )
    return next((reason for applies, reason in causes if applies and reason), OutcomeReason.TOO_LATE)


def _came_after(deadline: datetime, moment: datetime | None) -> bool:
    return moment is not None and moment >= deadline


def _wake_at(
    occurrences: Sequence[Occurrence], held: Sequence[Occurrence], sound: Occurrence | None, at: _Station
) -> datetime | None:
    instants = [one.start for one in occurrences if one.start > at.now]
    instants += [at.closes(one) for one in held]
    if sound is not None and (silence := _silence_at(sound, at.quiet)):
        instants.append(silence)
    return min((instant for instant in instants if instant > at.now), default=None)
