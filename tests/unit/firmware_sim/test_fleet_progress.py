"""The progress line of a fleet, its settings, and its command line."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from firmware_sim.cli import app
from firmware_sim.fleet.census import Census
from firmware_sim.fleet.progress import AddedUp, ProgressLine
from firmware_sim.fleet.settings import TooFewStations, load
from wire.ids import StationKind
from wire.signing import SigningKey

NOW = datetime(2026, 11, 23, 5, 30, tzinfo=UTC)


def census(**counted: int) -> Census:
    return Census(at=NOW, rate=20.0, **counted)


def config(folder: Path) -> Path:
    jwk = SigningKey.generate().public_jwk()
    file = folder / "fleet.toml"
    file.write_text(f"""
stations = ["dai-1", "cum-loa-1", "cum-loa-2"]
processes = 2
folder = "state"
events = "events.jsonl"
[kinds]
commune_station = ["dai-1"]
village_cluster = ["cum-loa-1", "cum-loa-2"]
[districts]
vung-1 = ["dai-1", "cum-loa-1"]
vung-2 = ["cum-loa-2"]
[[controller_keys]]
kty = "{jwk["kty"]}"
crv = "{jwk["crv"]}"
x = "{jwk["x"]}"
""")
    return file


def test_several_processes_are_one_fleet() -> None:
    shown: list[Census] = []
    together = AddedUp(2, shown.append)
    together.take(0, census(stations=10, online=8, connects=9))
    assert shown == []
    together.take(1, census(stations=5, online=5, connects=5, dark=1))
    together.take(1, census(stations=5, online=4))
    assert shown == [census(stations=15, online=13, connects=14, dark=1)]


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_line_says_what_the_fleet_is_doing(language: str) -> None:
    line = ProgressLine(language)
    line.line(census(stations=2340, connects=100), 0.0)
    said = line.line(census(stations=2340, online=2301, faulty=36, dark=260, connects=140), 4.0)
    for figure in ("2301/2340", "36", "260", "×20", "10.0", "2026-11-23 05:30:00"):
        assert figure in said


def test_the_first_so_many_stations_of_a_fleet(tmp_path: Path) -> None:
    settings = load(config(tmp_path))
    assert settings.first(2).station_ids == ("dai-1", "cum-loa-1")
    known = settings.first(2).all_stations()
    assert known.by_district() == {"vung-1": ("dai-1", "cum-loa-1")}
    assert known.of_kind(StationKind.COMMUNE_STATION) == {"dai-1"}
    with pytest.raises(TooFewStations):
        settings.first(4)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--scenario", "no-such-weather"], "no-such-weather"),
        (["--stations", "4"], "loaban province --stations 4"),
        (["--config", "nowhere.toml"], "nowhere.toml"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(tmp_path: Path, words: list[str], said: str) -> None:
    file = config(tmp_path)
    words = words if "--config" in words else ["--config", str(file), *words]
    answer = CliRunner().invoke(app, words)
    assert answer.exit_code == 2
    assert said in answer.output


def test_without_a_province_it_says_how_to_make_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOABAN_DATA_DIR", str(tmp_path))
    answer = CliRunner().invoke(app, ["--stations", "50"])
    assert answer.exit_code == 2
    assert "loaban province --stations 50" in answer.output


def test_ours_are_listed() -> None:
    answer = CliRunner().invoke(app, ["scenarios"])
    assert answer.exit_code == 0
    assert "lao-cai-2016: Lào Cai" in answer.output
