"""A controller without a network, an operator who is signed in, and a recording."""

import math
import shutil
import wave
from array import array
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from audio_library import Store
from controller import problems
from controller.accounts import routes as accounts_routes
from controller.accounts import service as accounts
from controller.accounts.tables import Role
from controller.areas import routes as areas_routes
from controller.areas import service as areas
from controller.areas.tables import AreaLevel
from controller.context import Context
from controller.db.migrate import upgrade
from controller.db.session import Database
from controller.media import routes as media_routes
from controller.programmes import routes as programmes_routes
from controller.settings import Settings
from controller.web.texts import Texts
from tests.support.uploads import (
    NOW,
    PASSWORD,
)
from wire.signing import SigningKey


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with two areas, an operator and a viewer, made once and copied for each test."""
    path = tmp_path_factory.mktemp("database") / "loaban.db"
    url = f"sqlite:///{path}"
    upgrade(url)
    database = Database(url)
    with database.write() as session:
        for area_id, parent_id, level, name in (
            ("lao-cai", None, AreaLevel.PROVINCE, "Tỉnh Lào Cai"),
            ("bat-xat", "lao-cai", AreaLevel.COMMUNE, "Xã Bát Xát"),
        ):
            areas.add_area(session, parent_id=parent_id, level=level, name=name, area_id=area_id)
        for username, role in (("hoa", Role.OPERATOR), ("pao", Role.VIEWER)):
            accounts.add_person(
                session, NOW, username, username, password=PASSWORD, grants=[(role, "bat-xat")]
            )
    database.close()
    return path


@pytest.fixture
def context(tmp_path: Path, prepared: Path) -> Iterator[Context]:
    shutil.copyfile(prepared, tmp_path / "loaban.db")
    url = f"sqlite:///{tmp_path / 'loaban.db'}"
    database = Database(url)
    yield Context(
        settings=Settings(data_dir=tmp_path / "data", database_url=url),
        database=database,
        store=Store(tmp_path / "data" / "library"),
        texts=Texts(),
        signing_key=SigningKey.generate(),
        wake=lambda _name: None,
        now=lambda: NOW,
    )
    database.close()


@pytest.fixture
def app(context: Context) -> FastAPI:
    app = FastAPI()
    app.state.context = context
    problems.install(app)
    for routes in (accounts_routes, areas_routes, media_routes, programmes_routes):
        app.include_router(routes.router)
    return app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Signed in as the operator."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://loaban") as client:
        answer = await client.post("/api/sign-in", json={"username": "hoa", "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        yield client


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of something with the loudness of speech: a tone that comes and goes."""
    path = tmp_path_factory.mktemp("sound") / "ban-tin.wav"
    samples = array(
        "h",
        (
            round(9000 * math.sin(math.tau * 330 * t) * (0.6 + 0.4 * math.sin(math.tau * 3 * t)))
            for t in (n / 16_000 for n in range(3 * 16_000))
        ),
    )
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(samples.tobytes())
    return path
