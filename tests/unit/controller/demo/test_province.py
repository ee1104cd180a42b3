"""The sample province: how many stations stand where, and the file that a fleet takes."""

import tomllib
from collections import Counter
from pathlib import Path

import pytest

from controller.app import compose
from controller.areas import service as areas
from controller.db import migrate
from controller.demo.province import fill, plan
from controller.settings import Settings
from controller.stations import service as stations
from firmware_sim.fleet.settings import load
from wire.ids import StationKind

COMMUNES = [f"xa-{number:02}" for number in range(99)]


@pytest.mark.parametrize(("count", "houses"), [(1, 1), (30, 3), (2340, 99), (600, 60)])
def test_one_station_in_ten_is_a_communes_own_and_the_others_are_spread_evenly(
    count: int, houses: int
) -> None:
    planned = plan(COMMUNES, count)
    assert len(planned) == count == len({one.id for one in planned})
    kinds = Counter(one.kind for one in planned)
    assert kinds[StationKind.COMMUNE_STATION] == houses
    clusters = Counter(one.commune for one in planned if one.village)
    assert not clusters or max(clusters.values()) - min(clusters.get(id_, 0) for id_ in COMMUNES) <= 1


def test_the_first_so_many_are_mixed_as_all_are() -> None:
    first = plan(COMMUNES, 2340)[:234]
    own = sum(one.kind is StationKind.COMMUNE_STATION for one in first)
    assert 8 <= own <= 12


def test_a_second_time_adds_only_what_is_missing_and_the_fleet_reads_the_file(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, broker_host="broker.example", broker_port=18_830)
    migrate.upgrade(settings.resolved_database_url())
    context, _ = compose(settings)
    try:
        fill(context, 20)
        file = fill(context, 30)
        with context.database.read() as session:
            known = stations.known(session, load(file).station_ids)
            cluster = next(id_ for id_ in load(file).station_ids if id_.startswith("cum-loa-"))
            village = cluster.removeprefix("cum-loa-").removesuffix("-1") + "-thon-1"
            chain = areas.chain_ids(session, village)
    finally:
        context.database.close()
    fleet = load(file)
    assert len(known) == 30 == len(fleet.station_ids)
    assert (chain[0], chain[-1], len(chain)) == (areas.LAO_CAI, village, 3)
    assert (fleet.broker.host, fleet.broker.port) == ("broker.example", 18_830)
    assert fleet.controller_keys == (context.signing_key.public_jwk(),)
    assert len(fleet.districts) == 9
    assert sorted(id_ for ids in fleet.districts.values() for id_ in ids) == sorted(fleet.station_ids)
    assert {kind: len(ids) for kind, ids in fleet.kinds.items()} == {
        StationKind.COMMUNE_STATION: 3,
        StationKind.VILLAGE_CLUSTER: 27,
    }
    assert tomllib.loads(file.read_text(encoding="utf-8"))["processes"] == 1
