"""Settings that would leave every station without sound are refused before anything starts."""

from datetime import time
from pathlib import Path
from typing import Any

import pytest

from controller.app import serve
from controller.errors import Invalid
from controller.settings import Settings
from controller.web.texts import LANGUAGES, Texts
from wire.messages import SelfTestTimes

BAD = (
    "loa.example.vn",
    "ftp://loa.example.vn",
    "http:/loa.example.vn",
    "http://",
    "http://loa.example.vn:80000",
    "http://loa example.vn",
    "https://loa.example.vn/?a=1",
    " http://loa.example.vn",
)


@pytest.mark.parametrize("url", BAD)
async def test_a_public_url_that_no_station_can_use_is_refused_at_the_start(url: str, tmp_path: Path) -> None:
    with pytest.raises(Invalid) as caught:
        await serve(Settings(data_dir=tmp_path / "data", public_url=url))
    assert caught.value.key == "settings.bad_public_url"
    assert all(url in Texts().say(language, caught.value.key, url=url) for language in LANGUAGES)
    assert not (tmp_path / "data").exists()


async def test_with_a_broker_of_ones_own_the_public_url_must_be_said(tmp_path: Path) -> None:
    with pytest.raises(Invalid) as caught:
        await serve(Settings(data_dir=tmp_path / "data", broker="external"))
    assert caught.value.key == "settings.public_url_needed"


@pytest.mark.parametrize(
    "url", ["http://10.0.0.5:8000", "https://loa.example.vn/loaban/", "http://[::1]:8000"]
)
def test_usual_addresses_are_taken(url: str) -> None:
    Settings(public_url=url, broker="external").check()


def test_the_times_of_self_tests_are_set_one_by_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOABAN_SELF_TEST__BEGINS", "13:00")
    monkeypatch.setenv("LOABAN_SELF_TEST__ENDS", "15:30")
    monkeypatch.setenv("LOABAN_SELF_TEST__AUDIBLE_EVERY_DAYS", "0")
    times = Settings().self_test
    assert (times.begins, times.ends) == (time(13), time(15, 30))
    assert (times.audible_every_days, times.silent_every_days) == (0, SelfTestTimes().silent_every_days)


def test_self_tests_that_end_before_they_begin_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid) as caught:
        Settings(data_dir=tmp_path, self_test=SelfTestTimes(begins=time(22), ends=time(4))).check()
    assert caught.value.key == "settings.bad_self_test"
    assert all(Texts().say(language, caught.value.key) for language in LANGUAGES)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({}, ("127.0.0.1", 1883)),
        ({"public_url": "https://loa.example.vn:8443/x"}, ("loa.example.vn", 1883)),
        (
            {"public_url": "https://loa.example.vn", "broker_host": "mqtt.example.vn"},
            ("mqtt.example.vn", 1883),
        ),
        ({"station_broker_host": "4g.example.vn", "station_broker_port": 8883}, ("4g.example.vn", 8883)),
        (
            {"broker_port": 2883, "station_broker_host": "127.0.0.1", "public_url": "https://a.vn"},
            ("127.0.0.1", 2883),
        ),
    ],
)
def test_boards_are_told_of_a_broker_that_they_can_reach(
    changed: dict[str, Any], told: tuple[str, int]
) -> None:
    assert Settings(**changed).broker_for_stations() == told
