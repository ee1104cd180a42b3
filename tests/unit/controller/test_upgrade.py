"""A database from before keeps what it holds, on the way up and on the way down."""

from pathlib import Path

from alembic import command
from sqlalchemy import create_engine, inspect, text

from controller.db.migrate import config, upgrade

NEW_COLUMNS = {"test_begins", "test_ends", "audible_test_days", "silent_test_days"}


def test_stations_of_version_2_are_all_there_in_version_3_and_back(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'loaban.db'}"
    command.upgrade(config(url), "0002")
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO areas (id, level, name, zone) VALUES ('xa', 'commune', 'Xã', 'Asia/Ho_Chi_Minh')"
            )
        )
        connection.execute(
            text(
                "INSERT INTO stations (id, area_id, name, kind, installed, volume_min, volume_max,"
                " quiet_begins, quiet_ends, emergency_volume, languages, created_at)"
                " VALUES ('dai', 'xa', 'Đài', 'commune_station', 1, 10, 90, '21:00', '05:00', 100, '[]',"
                " '2026-11-01 00:00:00')"
            )
        )
    upgrade(url)
    with engine.begin() as connection:
        row = connection.execute(text("SELECT * FROM stations")).mappings().one()
        connection.execute(
            text(
                "INSERT INTO fed_clusters (id, station_id, area_id, name, feed, added_at)"
                " VALUES ('c', 'dai', 'xa', 'Loa', 'fm', '2026-11-01 00:00:00')"
            )
        )
    assert (row["id"], row["volume_max"], row["quiet_begins"]) == ("dai", 90, "21:00")
    assert {row[name] for name in NEW_COLUMNS} == {None}
    command.downgrade(config(url), "0002")
    columns = {column["name"] for column in inspect(engine).get_columns("stations")}
    with engine.connect() as connection:
        assert connection.execute(text("SELECT name FROM stations")).scalar_one() == "Đài"
    assert not columns & NEW_COLUMNS
    assert not {"fed_clusters", "enrolments"} & set(inspect(engine).get_table_names())
    engine.dispose()
