"""The live board: one sounding, every station, each in exactly one state. A few queries for thousands."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from controller.accounts import rules as rights
from controller.accounts.rules import Action
from controller.areas.tables import AreaLevel
from controller.dispatch.tree import AreaTree
from controller.emergency import queries, service
from controller.emergency.actor import Somebody
from controller.emergency.acts import Act
from controller.emergency.board_schemas import CommuneLine, Counts, LiveBoard, SoundingName, StationLine
from controller.emergency.found import Found
from controller.emergency.queries import StationRow
from controller.emergency.rules import REPORT_GRACE_S, Evidence, Group, Sounding, Stage, stands
from controller.emergency.tables import ActKind
from controller.stations import queries as stations
from controller.stations.rules import Picture, StationState, judge
from wire.ids import LatenessRule, OutcomeReason

_TROUBLE_FIRST: Final = (
    Group.FAILED,
    Group.UNREACHABLE,
    Group.WAITING,
    Group.RECEIVED,
    Group.SOUNDING,
    Group.FINISHED,
)


def live(
    by: Somebody,
    alert_id: str,
    *,
    sounding: str | None = None,
    commune: str | None = None,
    group: Group | None = None,
) -> LiveBoard:
    """The newest sounding, or the one named, on the stations of the person's realm.

    `commune` and `group` choose which stations are listed; all are counted. Raises NotFound
    `emergency.unknown`.
    """
    viewer, found = service.seen(by, alert_id)
    every = soundings(found)
    ordered = _chosen(every, sounding)
    look = _Look(found, viewer.tree, by.now, by.context.settings.heartbeat_timeout_s)
    lines = look.lines(by.session, ordered, rights.granted_areas(by.person, Action.VIEW)) if ordered else []
    listed = [line for line in lines if commune in {None, line.commune_id} and group in {None, line.group}]
    delays = _delays(ordered, lines) if ordered else []
    return LiveBoard(
        alert_id=alert_id,
        state=found.state(by.now),
        drill=found.content.drill,
        at=by.now,
        live=any(not line.final for line in lines),
        record_pending=bool(found.newest and found.newest.revision in found.unrecorded),
        shown=ordered.named() if ordered else None,
        soundings=tuple(one.named() for one in reversed(every)),
        counts=_counts(lines),
        first_s=min(delays, default=None),
        last_s=max(delays, default=None),
        communes=look.communes(lines),
        stations=tuple(sorted(listed, key=lambda line: _TROUBLE_FIRST.index(line.group))),
    )


def sounding_now(session: Session, now: datetime, acts: Iterable[Act]) -> set[str]:
    """The alerts of which a station told that it sounds them, and has not told the end nor had time to."""
    found = {act.alert.sounding: act for act in acts if act.alert is not None}
    begun = queries.last_begun(session, found) if found else {}
    return {
        found[name].alert_id
        for name, at in begun.items()
        if (now - at).total_seconds() < found[name].seconds + REPORT_GRACE_S
    }


@dataclass(frozen=True)
class Ordered:
    """A sounding, and the act that ordered it."""

    act: Act
    name: str
    window: Sounding

    @property
    def is_all_clear(self) -> bool:
        return self.act.what is ActKind.CANCEL

    def named(self) -> SoundingName:
        return SoundingName(
            sounding=self.name,
            revision=self.act.revision,
            act=self.act.what,
            all_clear=self.is_all_clear,
            at=self.window.sent_at,
            seconds=self.window.seconds,
            expires_at=self.window.expires_at,
            ended_at=self.window.ended_at,
        )

    def with_end(self, at: datetime) -> "Ordered":
        return replace(self, window=replace(self.window, ended_at=at))


def soundings(found: Found) -> list[Ordered]:
    """Everything that was ordered to sound, oldest first; each ends where the next begins."""
    made: list[Ordered] = []
    for act in found.acts:
        alert = act.alert
        if alert is not None and made and alert.sounding == made[-1].name:
            longer = replace(made[-1].window, expires_at=alert.expires_at)
            made[-1] = replace(made[-1], window=longer)
            continue
        if made:
            made[-1] = made[-1].with_end(act.at)
        if alert is not None:
            late = alert.lateness.rule is LatenessRule.CONTINUE
            window = Sounding(alert.sent_at, act.seconds, alert.expires_at, late=late)
            made.append(Ordered(act, alert.sounding, window))
    return made


def _chosen(every: Sequence[Ordered], name: str | None) -> Ordered | None:
    """The one named; else the last, be it an all-clear."""
    wanted = [one for one in every if name in {None, one.name}]
    return wanted[-1] if wanted else None


@dataclass(frozen=True)
class _Look:
    """One alert at one moment."""

    found: Found
    tree: AreaTree
    now: datetime
    timeout_s: float

    def lines(self, session: Session, ordered: Ordered, realm: Collection[str]) -> list[StationLine]:
        """The stations of the realm that were meant to hear it, by name."""
        rows = queries.on_board(session, self.found.alert_id, ordered.name)
        others = queries.others_begun(session, self.found.alert_id)
        fed = stations.fed(session, at=ordered.window.sent_at)
        chosen, mine = set(ordered.act.area_ids), set(realm)
        recorded = ordered.act.revision not in self.found.unrecorded
        return [
            self._line(
                row,
                ordered.window,
                others.get(row.id),
                recorded=recorded,
                fed=tuple(one.name for one in fed.get(row.id, ())),
            )
            for row in rows
            for chain in [self.tree.chain(row.area_id)]
            if _is_meant(row, ordered.act, recorded=recorded)
            and not (chosen.isdisjoint(chain) or mine.isdisjoint(chain))
        ]

    def communes(self, lines: Iterable[StationLine]) -> tuple[CommuneLine, ...]:
        grouped: defaultdict[str, list[StationLine]] = defaultdict(list)
        for line in lines:
            grouped[line.commune_id].append(line)
        found = [
            CommuneLine(area_id=area_id, area_name=self.tree.name(area_id), counts=_counts(its))
            for area_id, its in grouped.items()
        ]
        return tuple(sorted(found, key=lambda one: (one.area_name, one.area_id)))

    def _line(
        self,
        row: StationRow,
        window: Sounding,
        other_at: datetime | None,
        *,
        recorded: bool,
        fed: tuple[str, ...],
    ) -> StationLine:
        picture = Picture(row.installed, bool(row.online), row.presence_at, row.heartbeat_at)
        reachable = judge(picture, self.now, self.timeout_s).state is StationState.OK
        known = Evidence(
            reachable=reachable,
            back_at=row.presence_at if row.online else None,
            received_at=row.received_at,
            sounding_at=row.sounding_at,
            other_at=other_at,
            outcome=row.outcome,
            reason=row.reason,
        )
        standing = stands(window, known, self.now)
        return StationLine(
            station_id=row.id,
            station_name=row.name,
            kind=row.kind,
            area_id=row.area_id,
            area_name=self.tree.name(row.area_id),
            commune_id=self._commune(row.area_id),
            stage=standing.stage,
            group=standing.group,
            final=standing.final,
            reason=standing.reason,
            reachable_at_press=bool(row.reachable_at_press) if recorded else reachable,
            reachable=reachable,
            received_at=row.received_at,
            sounding_at=row.sounding_at,
            first_frame_at=row.first_frame_at,
            seconds_played=row.seconds_played,
            reported_at=row.reported_at,
            fed=fed,
        )

    def _commune(self, area_id: str) -> str:
        above = reversed(self.tree.chain(area_id))
        areas = self.tree.areas
        return next((one for one in above if areas[one].level is AreaLevel.COMMUNE), area_id)


def _is_meant(row: StationRow, act: Act, *, recorded: bool) -> bool:
    """It was there when this or an earlier revision was sent, or it told of it all the same."""
    if row.received_at is not None or row.outcome is not None:
        return True
    if not recorded:
        return row.installed
    return row.target_revision is not None and row.target_revision <= act.revision


def _delays(ordered: Ordered, lines: Iterable[StationLine]) -> list[float]:
    """Seconds from the press, for the stations that could be reached then."""
    told = [line.sounding_at for line in lines if line.reachable_at_press and line.sounding_at]
    return [(at - ordered.window.sent_at).total_seconds() for at in told]


def _counts(lines: Collection[StationLine]) -> Counts:
    groups: Mapping[Group, int] = Counter(line.group for line in lines)
    played = [line for line in lines if line.stage is Stage.PLAYED]
    partly = [line for line in lines if line.stage is not Stage.PLAYED and line.seconds_played]
    return Counts(
        **{group.value: groups.get(group, 0) for group in Group},
        total=len(lines),
        final=sum(line.final for line in lines),
        heard_whole=len(played),
        heard_partly=len(partly),
        fed=sum(len(line.fed) for line in lines),
        standing_instead=sum(line.reason is OutcomeReason.STANDING_INSTEAD for line in lines),
    )
