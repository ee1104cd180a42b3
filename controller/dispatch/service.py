"""From the timetable to what stations should hold: one signed, versioned document per area and station."""

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Final

from sqlalchemy.orm import Session

from controller.dispatch import queries
from controller.dispatch.rules import Document, PlanWindow, content_digest, plan_window
from controller.dispatch.tree import AreaTree
from controller.emergency import queries as emergency
from controller.emergency import signals
from controller.emergency.sounds import item_of
from controller.emergency.standing import USES
from controller.errors import Conflict
from controller.settings import Settings
from controller.stations import limits
from controller.stations.tables import Station
from controller.timetable import queries as timetable
from controller.timetable.tables import OccurrenceRow
from wire import topics
from wire.alerts import StandingLayer, StandingSound
from wire.ids import AlertKind, Priority
from wire.messages import Item, Lateness, PlanLayer, PlannedOccurrence, StationCard
from wire.signing import MAX_DOCUMENT_BYTES, SigningKey

_log = logging.getLogger(__name__)

_GROWTH_BYTES: Final = 1024
"""What version and time of issue may add."""


@dataclass(frozen=True)
class Change:
    """A document whose content is not the one held. `old_version` is 0 where there is none."""

    topic: str
    document: Document
    digest: str
    old_version: int

    @property
    def fits(self) -> bool:
        """Whether stations would take it; one that does not fit is not issued, and the old one stays."""
        return len(self.document.encode()) <= MAX_DOCUMENT_BYTES - _GROWTH_BYTES


def desired_plans(session: Session, now: datetime, plan_days: int) -> list[PlanLayer]:
    """A layer for each area with occurrences, and an empty one where there were some before.

    Version 1 stands for one that is yet to be given.
    """
    window = plan_window(now, plan_days)
    by_area: defaultdict[str, list[PlannedOccurrence]] = defaultdict(list)
    for row in timetable.planned(session, window.since, window.until):
        by_area[row.area_id].append(planned_occurrence(row))
    area_ids = sorted(by_area.keys() | queries.plan_versions(session))
    return [_layer(area_id, by_area.get(area_id, []), window, now) for area_id in area_ids]


def desired_standing(session: Session, now: datetime) -> list[StandingLayer]:
    """What stations hold in advance: signals under every root, an area's own approved messages under it."""
    tree = AreaTree.read(session)
    by_area = _standing_messages(session, tree)
    signals = _signal_sounds(session)
    for root in (area.id for area in tree.areas.values() if area.parent_id is None):
        by_area[root] = [*signals, *by_area.get(root, [])]
    area_ids = sorted(
        {area_id for area_id, sounds in by_area.items() if sounds} | queries.standing_areas(session)
    )
    return [
        StandingLayer(area=area_id, version=1, issued_at=now, sounds=tuple(by_area.get(area_id, ())))
        for area_id in area_ids
    ]


def desired_cards(session: Session, now: datetime, settings: Settings) -> list[StationCard]:
    """A card for each installed station. Version 1 stands for one that is yet to be given."""
    tree = AreaTree.read(session)
    return [_card(station, tree, settings, now) for station in queries.installed_stations(session)]


def changes(session: Session, now: datetime, settings: Settings) -> list[Change]:
    """Every document that should be issued anew. Only looks."""
    held = queries.held(session)
    wanted: list[tuple[str, Document]] = [
        *((topics.plan(plan.area), plan) for plan in desired_plans(session, now, settings.plan_days)),
        *((topics.card(card.station), card) for card in desired_cards(session, now, settings)),
        *((topics.standing(layer.area), layer) for layer in desired_standing(session, now)),
    ]
    found: list[Change] = []
    for topic, document in wanted:
        digest, before = content_digest(document), held.get(topic)
        if before is None or before.digest != digest:
            found.append(Change(topic, document, digest, before.version if before else 0))
    return found


def issue(session: Session, now: datetime, key: SigningKey, wanted: Sequence[Change]) -> int:
    """Sign and store the next version of each, unless another process has; returns how many."""
    return sum(_issue_one(session, now, key, change) for change in wanted)


def refresh(session: Session, now: datetime, key: SigningKey, settings: Settings) -> int:
    """Issue every document whose content changed and that fits; returns how many."""
    return issue(session, now, key, [one for one in changes(session, now, settings) if one.fits])


def planned_occurrence(row: OccurrenceRow) -> PlannedOccurrence:
    return PlannedOccurrence(
        id=row.id,
        schedule=row.schedule_id,
        title=row.title,
        start=row.start,
        items=tuple(
            Item(sha256=item["sha256"], seconds=item["seconds"], size_bytes=item["size_bytes"])
            for item in row.items
        ),
        repeats=row.repeats,
        gap_s=row.gap_s,
        priority=Priority(row.priority),
        volume=row.volume,
        lateness=Lateness(rule=row.lateness, grace_s=row.grace_s),
    )


def _layer(
    area_id: str, occurrences: Sequence[PlannedOccurrence], window: PlanWindow, now: datetime
) -> PlanLayer:
    return PlanLayer(
        area=area_id, version=1, issued_at=now, expires_at=window.until, occurrences=tuple(occurrences)
    )


def _standing_messages(session: Session, tree: AreaTree) -> dict[str, list[StandingSound]]:
    """The newest approved one of each area, use and language, in that order."""
    newest = {
        (message.area_id, message.use, message.language): sound
        for message, sound in emergency.approved_standing(session, tree.areas.keys(), USES)
    }
    found: dict[str, list[StandingSound]] = {}
    for (area_id, use, language), sound in sorted(newest.items(), key=itemgetter(0)):
        kind = AlertKind(use) if use in tuple(AlertKind) else None
        found.setdefault(area_id, []).append(StandingSound(item=item_of(sound), kind=kind, language=language))
    return found


def _signal_sounds(session: Session) -> list[StandingSound]:
    try:
        made = signals.items(session)
    except Conflict:
        _log.warning("the alert signals are not made yet; `loaban serve` makes them")
        return []
    return [StandingSound(item=item) for item in (made.attention, made.drill, made.all_clear, made.closing)]


def _card(station: Station, tree: AreaTree, settings: Settings, now: datetime) -> StationCard:
    return StationCard(
        station=station.id,
        version=1,
        issued_at=now,
        name=station.name,
        kind=station.kind,
        areas=tree.chain(station.area_id),
        zone=tree.areas[station.area_id].zone,
        languages=tuple(station.languages) or tree.languages(station.area_id),
        volume_min=station.volume_min,
        volume_max=station.volume_max,
        emergency_volume=station.emergency_volume,
        quiet_hours=limits.quiet_hours(station),
        self_test=limits.test_times(station, settings.self_test),
        media_url=settings.media_url(),
    )


def _issue_one(session: Session, now: datetime, key: SigningKey, change: Change) -> bool:
    version = change.old_version + 1
    document = change.document.model_copy(update={"version": version, "issued_at": now})
    values = {
        "version": version,
        "digest": change.digest,
        "token": key.sign(document).decode(),
        "changed_at": now,
    }
    if change.old_version:
        return queries.replace_document(session, change.topic, change.old_version, values)
    return queries.add_document(session, {"topic": change.topic, **values})
