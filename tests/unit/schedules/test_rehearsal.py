"""The decision lived through: on an ideal station, second by second, and on one that fails."""

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.cue import Ending, Progress, QuietWindow, advance, decide, finished
from schedules.occurrence import Occurrence
from schedules.rehearsal import Sounding, rehearse, resolve
from wire.ids import LatenessRule, Outcome, OutcomeReason, Priority

START = datetime(2026, 11, 23, 16, 59, 30, tzinfo=UTC)  # half a minute before midnight in the village
LENGTH_S = 60
NOTHING = Progress()


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def wall(seconds: int) -> time:
    return (after(seconds) + timedelta(hours=7)).time()


occurrences = st.lists(
    st.builds(
        Occurrence,
        id=st.sampled_from("abcdefghij"),
        start=st.integers(0, LENGTH_S).map(after),
        seconds=st.integers(1, 25).map(float),
        priority=st.sampled_from(Priority),
        rank=st.integers(0, 1),
        lateness=st.sampled_from(LatenessRule),
        grace_s=st.integers(0, 8).map(float),
        depth=st.integers(0, 2),
    ),
    max_size=8,
    unique_by=lambda one: one.id,
)
edges = st.integers(0, LENGTH_S).map(wall)
quiets = st.none() | st.builds(QuietWindow, edges, edges, st.just("Asia/Ho_Chi_Minh"))


class Station:
    """An agent in small: asks when it is told, plays, and remembers what has begun through a power cut."""

    def __init__(self, timetable: list[Occurrence], quiet: QuietWindow | None) -> None:
        self.soundings: list[Sounding] = []
        self.endings: list[Ending] = []
        self.up_since: datetime | None = None
        self.trusted = True
        self.trusted_since: datetime | None = None
        self._left = {one.id: one for one in timetable}
        self._quiet = quiet
        self._progress: dict[str, Progress] = {}
        self._playing: Sounding | None = None

    def ask(self, now: datetime) -> None:
        if self._playing and self._playing.ends <= now:
            one = self._playing.occurrence
            self._stop(self._playing.ends)
            self._end(finished(one, self._progress.pop(one.id), self.up_since))
        playing = self._playing.occurrence.id if self._playing else None
        cue = decide(
            now,
            list(self._left.values()),
            self._progress,
            playing,
            self._quiet,
            self.trusted,
            up_since=self.up_since,
            trusted_since=self.trusted_since,
        )
        assert cue.wake_at is None or cue.wake_at > now
        assert not {ending.occurrence.id for ending in cue.endings} & {*cue.held, cue.sound and cue.sound.id}
        if self._playing and self._playing.occurrence is not cue.sound:
            self._stop(now)
        if cue.sound and not self._playing:
            rest = timedelta(seconds=cue.sound.seconds - cue.from_s)
            self._playing = Sounding(cue.sound, now, now + rest, cue.from_s)
        self._progress = advance(self._progress, cue, now)
        for ending in cue.endings:
            self._end(ending)

    def power_cut(self, now: datetime) -> None:
        if self._playing:
            self._stop(min(now, self._playing.ends))
        self._progress = {id_: memory for id_, memory in self._progress.items() if memory.begun_at}

    def _stop(self, now: datetime) -> None:
        assert self._playing
        played = replace(self._playing, ends=now)
        self._playing = None
        self.soundings.append(played)
        memory = self._progress[played.occurrence.id]
        heard_s = (played.ends - played.begins).total_seconds()
        self._progress[played.occurrence.id] = replace(memory, sounded_s=memory.sounded_s + heard_s)

    def _end(self, ending: Ending) -> None:
        del self._left[ending.occurrence.id]
        self.endings.append(ending)


def second_by_second(timetable: list[Occurrence], quiet: QuietWindow | None) -> Station:
    station = Station(timetable, quiet)
    for second in range(LENGTH_S + 25 * 8 + 2):
        station.ask(after(second))
    return station


def by_id(endings: list[Ending]) -> list[Ending]:
    return sorted(endings, key=lambda ending: ending.occurrence.id)


@given(occurrences, quiets)
def test_waking_only_when_told_is_the_same_as_asking_every_second(
    timetable: list[Occurrence], quiet: QuietWindow | None
) -> None:
    rehearsal, stepped = rehearse(timetable, quiet), second_by_second(timetable, quiet)
    assert list(rehearsal.soundings) == stepped.soundings == resolve(timetable, quiet)
    assert by_id(list(rehearsal.endings)) == by_id(stepped.endings)


@given(occurrences, quiets)
def test_never_two_sounds_at_once(timetable: list[Occurrence], quiet: QuietWindow | None) -> None:
    soundings = resolve(timetable, quiet)
    assert all(a.ends <= b.begins for a, b in pairwise(soundings))


@given(occurrences, quiets)
def test_every_occurrence_ends_once(timetable: list[Occurrence], quiet: QuietWindow | None) -> None:
    endings = rehearse(timetable, quiet).endings
    assert sorted(ending.occurrence.id for ending in endings) == sorted(one.id for one in timetable)


@given(occurrences, quiets)
def test_what_is_called_played_was_heard_whole(
    timetable: list[Occurrence], quiet: QuietWindow | None
) -> None:
    rehearsal = rehearse(timetable, quiet)
    heard_s: Counter[str] = Counter()
    for stretch in rehearsal.soundings:
        heard_s[stretch.occurrence.id] += (stretch.ends - stretch.begins).total_seconds()  # type: ignore[assignment]
    for ending in rehearsal.endings:
        one = ending.occurrence
        assert (ending.outcome is Outcome.PLAYED) == (heard_s[one.id] == one.seconds)
        assert (ending.outcome is Outcome.PARTLY_PLAYED) == (0 < heard_s[one.id] < one.seconds)
        assert (ending.reason is None) == (ending.outcome is Outcome.PLAYED)


@given(occurrences, quiets, st.integers(0, LENGTH_S), st.integers(1, 25))
def test_an_emergency_sounds_at_once_and_whole(
    timetable: list[Occurrence], quiet: QuietWindow | None, at_s: int, seconds: int
) -> None:
    others = [replace(one, priority=min(one.priority, Priority.LIVE)) for one in timetable]
    alert = Occurrence("alert", after(at_s), seconds, priority=Priority.EMERGENCY, rank=4)
    heard = [stretch for stretch in resolve([*others, alert], quiet) if stretch.occurrence is alert]
    assert heard == [Sounding(alert, alert.start, alert.end, 0.0)]


@given(occurrences, quiets)
def test_nothing_else_sounds_in_quiet_hours(timetable: list[Occurrence], quiet: QuietWindow | None) -> None:
    for stretch in resolve(timetable, quiet):
        if quiet and stretch.occurrence.priority is not Priority.EMERGENCY:
            seconds = int((stretch.ends - stretch.begins).total_seconds())
            assert not any(quiet.covers(stretch.begins + timedelta(seconds=s)) for s in range(seconds))


@given(occurrences, quiets)
def test_resume_is_where_it_would_be_skip_begins_once_and_continue_leaves_nothing_out(
    timetable: list[Occurrence], quiet: QuietWindow | None
) -> None:
    begun: Counter[str] = Counter()
    heard_s: defaultdict[str, float] = defaultdict(float)
    for stretch in resolve(timetable, quiet):
        one = stretch.occurrence
        begun[one.id] += 1
        if one.lateness is LatenessRule.RESUME:
            assert stretch.from_s == (stretch.begins - one.start).total_seconds()
        elif one.lateness is LatenessRule.SKIP:
            assert (stretch.from_s, begun[one.id]) == (0, 1)
            assert (stretch.begins - one.start).total_seconds() <= one.grace_s
        else:
            assert stretch.from_s == heard_s[one.id]
            assert (stretch.begins - one.start).total_seconds() < one.grace_s
        heard_s[one.id] += (stretch.ends - stretch.begins).total_seconds()


@given(occurrences, quiets)
def test_nothing_weaker_sounds_while_something_stronger_is_silenced(
    timetable: list[Occurrence], quiet: QuietWindow | None
) -> None:
    soundings = resolve(timetable, quiet)
    for stretch in soundings:
        for one in timetable:
            cut_in = one.strength > stretch.occurrence.strength and stretch.begins < one.start < stretch.ends
            never = one.lateness is LatenessRule.CONTINUE and one.grace_s == 0
            assert not (cut_in and not never and not (quiet and quiet.covers(one.start)))


instants = st.floats(0, LENGTH_S + 30, allow_nan=False).map(lambda seconds: after(round(seconds, 3)))


@given(
    occurrences, quiets, st.lists(instants, max_size=30), st.lists(instants, max_size=4), st.lists(instants)
)
def test_a_station_that_fails_at_any_instant_plays_nothing_twice(
    timetable: list[Occurrence],
    quiet: QuietWindow | None,
    asks: list[datetime],
    switches: list[datetime],
    resets: list[datetime],
) -> None:
    """Power goes off and on at `switches`; `resets` are restarts that take no time."""
    station = Station(timetable, quiet)
    live_through(station, asks, switches, resets)
    station.ask(after(10_000))
    station.ask(after(20_000))
    ended = sorted(ending.occurrence.id for ending in station.endings)
    assert ended == sorted(one.id for one in timetable)
    positions: dict[str, float] = {}
    for stretch in station.soundings:
        one = stretch.occurrence
        heard_s = (stretch.ends - stretch.begins).total_seconds()
        assert stretch.from_s >= positions.get(one.id, 0.0) - 1e-6
        if one.lateness is LatenessRule.SKIP:
            assert one.id not in positions
        if one.lateness is LatenessRule.CONTINUE:
            assert stretch.from_s == pytest.approx(positions.get(one.id, 0.0))
        positions[one.id] = stretch.from_s + heard_s


@given(
    st.integers(0, 20),
    occurrences,
    st.lists(instants, max_size=30),
    st.lists(instants, max_size=6),
    st.lists(instants, max_size=6),
)
def test_an_alert_is_heard_whole_once_through_any_power_cuts(
    at_s: int,
    others: list[Occurrence],
    asks: list[datetime],
    switches: list[datetime],
    resets: list[datetime],
) -> None:
    alert = Occurrence(
        "alert", after(at_s), 30, Priority.EMERGENCY, 5, lateness=LatenessRule.CONTINUE, grace_s=3600
    )
    station = Station([*others, alert], None)
    live_through(station, asks, switches, resets)
    station.ask(after(1_000))
    station.ask(after(2_000))
    heard = [stretch for stretch in station.soundings if stretch.occurrence is alert]
    assert sum((s.ends - s.begins).total_seconds() for s in heard) == pytest.approx(30)
    assert [s.from_s for s in heard] == pytest.approx(
        [0.0, *accumulate((s.ends - s.begins).total_seconds() for s in heard[:-1])]
    )
    assert [e.outcome for e in station.endings if e.occurrence is alert] == [Outcome.PLAYED]


def live_through(
    station: Station, asks: list[datetime], switches: list[datetime], resets: list[datetime]
) -> None:
    events = (
        [(at, "ask") for at in asks] + [(at, "switch") for at in switches] + [(at, "reset") for at in resets]
    )
    on = True
    for at, what in sorted(events):
        if on and what != "ask":
            station.power_cut(at)
        on = on != (what == "switch")
        if what != "ask":
            station.up_since = at
        if on:
            station.ask(at)


@given(occurrences, st.lists(instants, max_size=30), st.lists(instants, max_size=4))
def test_with_a_clock_that_comes_and_goes_only_what_needs_none_sounds(
    timetable: list[Occurrence], asks: list[datetime], switches: list[datetime]
) -> None:
    station = Station(timetable, None)
    for at in sorted({*asks, *switches}):
        if at in switches:
            station.trusted = not station.trusted
            station.trusted_since = at if station.trusted else None
        before = len(station.endings)
        station.ask(at)
        if not station.trusted:
            by_time = [
                e
                for e in station.endings[before:]
                if e.outcome not in {Outcome.PARTLY_PLAYED, Outcome.PLAYED}
            ]
            assert all(ending.occurrence.priority >= Priority.LIVE for ending in by_time)
    station.trusted = True
    station.trusted_since = station.trusted_since or after(9_000)
    station.ask(after(10_000))
    station.ask(after(20_000))
    assert sorted(e.occurrence.id for e in station.endings) == sorted(one.id for one in timetable)


def test_a_day_with_an_interruption_told_in_full() -> None:
    quiet = QuietWindow(time(0, 0, 20), time(5), "Asia/Ho_Chi_Minh")
    news = Occurrence("news", after(0), 40)
    notice = Occurrence("notice", after(10), 5, Priority.PRIORITY, lateness=LatenessRule.SKIP)
    song = Occurrence("song", after(30), 60, Priority.RELAY)
    rehearsal = rehearse([song, notice, news], quiet)
    assert [(s.occurrence.id, s.begins, s.ends, s.from_s) for s in rehearsal.soundings] == [
        ("news", after(0), after(10), 0),
        ("notice", after(10), after(15), 0),
        ("news", after(15), after(40), 15),
        ("song", after(40), after(50), 10),
    ]
    assert list(rehearsal.endings) == [
        Ending(notice, Outcome.PLAYED),
        Ending(news, Outcome.PARTLY_PLAYED, OutcomeReason.HIGHER_PRIORITY),
        Ending(song, Outcome.PARTLY_PLAYED, OutcomeReason.QUIET_HOURS),
    ]


def test_bulletins_back_to_back_are_all_heard_whole() -> None:
    chain = [Occurrence(f"n{n}", after(n * 10), 10, lateness=LatenessRule.SKIP, grace_s=0) for n in range(30)]
    assert {ending.outcome for ending in rehearse(chain, None).endings} == {Outcome.PLAYED}


def test_nothing_planned_is_nothing_heard() -> None:
    assert resolve([], None) == []
