"""A whole province of sample stations, for fleets: commune stations, and clusters in sample villages."""

import json
import math
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import BaseModel
from sqlalchemy.orm import Session

from controller.areas import service as areas
from controller.areas.tables import Area, AreaLevel
from controller.context import Context
from controller.stations import service as stations
from wire.ids import StationKind

_NAMES: Final = Path(__file__).with_name("province.yaml")
_ONE_STATION_IN: Final = 10
"""Of so many one stands in a commune's own house, the others drive a village's cluster of horns."""
_DISTRICTS: Final = 9
"""Lào Cai had nine; today's communes are divided by their codes, which run from neighbour to neighbour."""
_IN_ONE_PROCESS: Final = 300
_GOLDEN: Final = (5**0.5 - 1) / 2
EMBEDDED_BROKER_CARRIES: Final = 50
"""Stations; see `docs/decisions/0008-embedded-broker.md`."""


class Names(BaseModel):
    station: str
    village: str
    cluster: str


class SampleStation(BaseModel):
    id: str
    commune: str
    village: str | None

    @property
    def kind(self) -> StationKind:
        return StationKind.COMMUNE_STATION if self.village is None else StationKind.VILLAGE_CLUSTER


def plan(commune_ids: Sequence[str], count: int) -> list[SampleStation]:
    """`count` stations over these communes, evenly. The first so many are of either kind, as all are."""
    houses = min(math.ceil(count / _ONE_STATION_IN), len(commune_ids))
    own = [SampleStation(id=f"dai-{id_}", commune=id_, village=None) for id_ in commune_ids[:houses]]
    clusters = (
        SampleStation(id=f"cum-loa-{id_}-{number}", commune=id_, village=f"{id_}-thon-{number}")
        for number in range(1, count + 1)
        for id_ in commune_ids
    )
    return _mixed(own, list(islice(clusters, count - len(own))))


def _all_over(by_code: Sequence[str]) -> list[str]:
    """So that the first few are neighbours nowhere: steps of the golden section."""
    places = sorted(range(len(by_code)), key=lambda place: place * _GOLDEN % 1.0)
    return [by_code[place] for place in places]


def _mixed(these: list[SampleStation], those: list[SampleStation]) -> list[SampleStation]:
    places = [
        (place / len(stations_), one) for stations_ in (these, those) for place, one in enumerate(stations_)
    ]
    return [one for _, one in sorted(places, key=lambda entry: entry[0])]


def fill(context: Context, count: int) -> Path:
    """Add what is missing of so many stations, and write the fleet's file: where it is."""
    names = Names.model_validate(yaml.safe_load(_NAMES.read_text(encoding="utf-8")))
    with context.database.write() as session:
        areas.load_lao_cai(session)
        communes = {
            area.id: area
            for area in areas.children(session, areas.LAO_CAI)
            if area.level is AreaLevel.COMMUNE
        }
        by_code = sorted(communes, key=lambda id_: (communes[id_].code or "", id_))
        planned = plan(_all_over(by_code), count)
        known = stations.known(session, [one.id for one in planned])
        for one in planned:
            if one.id not in known:
                _add(session, context, one, communes[one.commune], names)
    file = context.settings.data_dir / "fleet.toml"
    file.write_text(_fleet_file(context, planned, by_code), encoding="utf-8")
    return file


def _add(session: Session, context: Context, one: SampleStation, commune: Area, names: Names) -> None:
    if one.village is None:
        area_id, name = commune.id, names.station.format(commune=commune.name)
    else:
        area_id = one.village
        village = names.village.format(number=one.village.rpartition("-")[2])
        name = names.cluster.format(village=village, commune=commune.name)
        if not areas.names(session, [area_id]):
            areas.add_area(
                session, parent_id=commune.id, level=AreaLevel.VILLAGE, name=village, area_id=area_id
            )
    stations.add(session, context.now(), one.id, area_id, name, kind=one.kind)


def _fleet_file(context: Context, planned: Sequence[SampleStation], by_code: Sequence[str]) -> str:
    settings, key = context.settings, context.signing_key.public_jwk()
    of_kind = {kind: [one.id for one in planned if one.kind is kind] for kind in StationKind}
    size = math.ceil(len(by_code) / _DISTRICTS)
    district_of = {commune: f"vung-{place // size + 1}" for place, commune in enumerate(by_code)}
    districts: dict[str, list[str]] = {}
    for one in planned:
        districts.setdefault(district_of[one.commune], []).append(one.id)
    lines = [
        f"stations = {_toml([one.id for one in planned])}",
        f"processes = {1 if len(planned) <= _IN_ONE_PROCESS else 2}",
        'folder = "fleet/state"',
        'events = "fleet/events.jsonl"',
        "",
        "[broker]",
        f"host = {_toml(settings.broker_host)}",
        f"port = {settings.broker_port}",
        "",
        "[kinds]",
        *(f"{kind.value} = {_toml(ids)}" for kind, ids in of_kind.items() if ids),
        "",
        "[districts]",
        *(f"{name} = {_toml(ids)}" for name, ids in sorted(districts.items())),
        "",
        "[[controller_keys]]",
        *(f"{name} = {_toml(value)}" for name, value in key.items()),
        "",
    ]
    return "\n".join(lines)


def _toml(value: Any) -> str:
    """A string or a list of strings: in JSON they are written in the same way."""
    return json.dumps(value, ensure_ascii=False)
