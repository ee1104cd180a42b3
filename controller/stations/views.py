"""From a station's row, its picture and what it should hold, to what a technician reads."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from controller.dispatch import queries as dispatch_queries
from controller.dispatch.tree import AreaTree
from controller.stations import evidence, queries
from controller.stations.rules import Activity, Picture, StationState, judge
from controller.stations.schemas import (
    CacheView,
    FedClusterView,
    LayerView,
    MissingSound,
    NowPlayingView,
    RefusalView,
    StationView,
)
from controller.stations.tables import FedCluster, Station, StationPicture, StationStateChange
from wire.errors import Malformed
from wire.messages import CacheState, Heartbeat

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Background:
    """What all stations of one listing are compared with."""

    tree: AreaTree
    plan_versions: Mapping[str, int]
    board_versions: Mapping[str, int]
    card_versions: Mapping[str, int]
    titles: Mapping[str, str]
    changes: Mapping[str, StationStateChange]
    fed: Mapping[str, Sequence[FedCluster]]


def of(
    session: Session, now: datetime, pictured: Sequence[queries.Pictured], timeout_s: float
) -> list[StationView]:
    heartbeats = [_heartbeat(picture) for _, picture in pictured]
    background = _background(session, heartbeats, [station.id for station, _ in pictured])
    return [
        _view(now, station, picture, heartbeat, background=background, timeout_s=timeout_s)
        for (station, picture), heartbeat in zip(pictured, heartbeats, strict=True)
    ]


def _background(
    session: Session, heartbeats: Sequence[Heartbeat | None], station_ids: Sequence[str]
) -> _Background:
    only_station = station_ids[0] if len(station_ids) == 1 else None
    missing = {digest for heartbeat in heartbeats if heartbeat for digest in _missing(heartbeat)}
    return _Background(
        tree=AreaTree.read(session),
        plan_versions=dispatch_queries.plan_versions(session),
        board_versions=dispatch_queries.board_versions(session),
        card_versions=dispatch_queries.card_versions(session),
        titles=queries.programme_titles(session, missing),
        changes=queries.latest_changes(session, only_station),
        fed=queries.fed(session, station_ids),
    )


def _view(
    now: datetime,
    station: Station,
    picture: StationPicture | None,
    heartbeat: Heartbeat | None,
    *,
    background: _Background,
    timeout_s: float,
) -> StationView:
    seen = picture or StationPicture(online=False)
    known = Picture(station.installed, bool(seen.online), seen.presence_at, seen.heartbeat_at)
    verdict = judge(known, now, timeout_s)
    change = background.changes.get(station.id)
    layers = _layers(station, heartbeat, background)
    wanted_card = background.card_versions.get(station.id)
    alive = heartbeat if verdict.state is StationState.OK else None
    return StationView(
        id=station.id,
        name=station.name,
        area_id=station.area_id,
        area_name=background.tree.name(station.area_id),
        kind=station.kind,
        state=verdict.state,
        reason=verdict.reason,
        since=change.at if change and change.state == verdict.state else None,
        heard_at=verdict.heard_at,
        heartbeat_age_s=_age_s(seen.heartbeat_at, now),
        activity=_activity(alive),
        playing=_playing(alive),
        clock=heartbeat.clock if heartbeat else None,
        plan_current=all(layer.held == layer.wanted for layer in layers) if heartbeat else None,
        layers=layers,
        boards_current=_holds_boards(station, heartbeat, background),
        card_current=heartbeat.card_version == wanted_card if heartbeat and wanted_card else None,
        cache=_cache(heartbeat.cache, background.titles) if heartbeat else None,
        standing=_cache(heartbeat.standing, background.titles) if heartbeat and heartbeat.standing else None,
        outbox=heartbeat.outbox if heartbeat else None,
        refusals=_refusals(heartbeat),
        program_version=seen.program_version,
        evidence=evidence.of(heartbeat, seen.heartbeat_at) if heartbeat and seen.heartbeat_at else None,
        fed=tuple(_fed(cluster, background.tree) for cluster in background.fed.get(station.id, ())),
    )


def _fed(cluster: FedCluster, tree: AreaTree) -> FedClusterView:
    return FedClusterView(
        id=cluster.id,
        name=cluster.name,
        feed=cluster.feed,
        area_id=cluster.area_id,
        area_name=tree.name(cluster.area_id),
        added_at=cluster.added_at,
    )


def _heartbeat(picture: StationPicture | None) -> Heartbeat | None:
    """Another version of ours may have kept it: what this one cannot read is as good as not said."""
    if picture is None or picture.heartbeat is None:
        return None
    try:
        return Heartbeat.read(picture.heartbeat)
    except Malformed:
        return _older(picture.station_id, picture.heartbeat)


def _older(station_id: str, fields: Mapping[str, Any]) -> Heartbeat | None:
    try:
        return Heartbeat.read(evidence.readable(fields))
    except Malformed as error:
        _log.warning("the heartbeat of %s on record cannot be read: %s", station_id, error)
        return None


def _age_s(at: datetime | None, now: datetime) -> float | None:
    return None if at is None else max(0.0, (now - at).total_seconds())


def _activity(heartbeat: Heartbeat | None) -> Activity | None:
    if heartbeat is None:
        return None
    return Activity.PLAYING if heartbeat.playing else Activity.IDLE


def _playing(heartbeat: Heartbeat | None) -> NowPlayingView | None:
    if heartbeat is None or heartbeat.playing is None:
        return None
    return NowPlayingView(occurrence_id=heartbeat.playing.occurrence, position_s=heartbeat.playing.position_s)


def _layers(station: Station, heartbeat: Heartbeat | None, background: _Background) -> tuple[LayerView, ...]:
    held = {layer.area: layer.version for layer in heartbeat.layers} if heartbeat else {}
    return tuple(
        LayerView(
            area_id=area_id,
            area_name=background.tree.name(area_id),
            held=held.get(area_id),
            wanted=background.plan_versions[area_id],
        )
        for area_id in background.tree.chain(station.area_id)
        if area_id in background.plan_versions
    )


def _holds_boards(station: Station, heartbeat: Heartbeat | None, background: _Background) -> bool | None:
    """A board may be newer than its record, never older."""
    if heartbeat is None:
        return None
    held = {board.area: board.version for board in heartbeat.boards}
    chain = background.tree.chain(station.area_id)
    wanted = {
        area_id: background.board_versions[area_id]
        for area_id in chain
        if area_id in background.board_versions
    }
    return all(held.get(area_id, 0) >= version for area_id, version in wanted.items())


def _missing(heartbeat: Heartbeat) -> Iterator[str]:
    yield from heartbeat.cache.missing
    if heartbeat.standing:
        yield from heartbeat.standing.missing


def _cache(cache: CacheState, titles: Mapping[str, str]) -> CacheView:
    missing = tuple(MissingSound(sha256=digest, title=titles.get(digest)) for digest in cache.missing)
    complete = cache.held >= cache.wanted and not missing
    return CacheView(held=cache.held, wanted=cache.wanted, complete=complete, missing=missing)


def _refusals(heartbeat: Heartbeat | None) -> tuple[RefusalView, ...]:
    if heartbeat is None:
        return ()
    return tuple(
        RefusalView(topic=refusal.topic, reason=refusal.reason, at=refusal.at)
        for refusal in heartbeat.refusals
    )
