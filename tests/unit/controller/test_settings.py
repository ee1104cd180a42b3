"""Settings that would leave every station without sound are refused before anything starts."""

from pathlib import Path

import pytest

from controller.app import serve
from controller.errors import Invalid
from controller.settings import Settings
from controller.web.texts import LANGUAGES, Texts

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
