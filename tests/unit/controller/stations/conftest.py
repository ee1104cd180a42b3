"""What a station of the field says of itself, and stations to say it."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from controller import problems
from controller.accounts import service as accounts
from controller.accounts.rules import Principal
from controller.context import Context
from controller.stations import routes, service
from tests.support.evidence import full_heartbeat
from wire.ids import StationKind
from wire.messages import Heartbeat

Beat = Callable[..., Heartbeat]
Call = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
def beat() -> Beat:
    """`beat(at)`: a heartbeat of `dai-xa` full of evidence."""

    def made(at: datetime, **changed: Any) -> Heartbeat:
        return full_heartbeat("dai-xa", at, **changed)

    return made


@pytest.fixture
def village(context: Context, people: Mapping[str, Principal], now: datetime) -> tuple[str, ...]:
    """The station of Bát Xát and the one of its first village."""
    with context.database.write() as session:
        service.add(session, now, "dai-xa", "bat-xat-02683", "Đài xã", kind=StationKind.COMMUNE_STATION)
        service.add(session, now, "cum-1", "bat-xat-thon-1", "Cụm loa 1", kind=StationKind.VILLAGE_CLUSTER)
    return ("dai-xa", "cum-1")


@pytest.fixture
def call(context: Context, village: tuple[str, ...], people: Mapping[str, Principal]) -> Call:
    """`await call("technician", "put", "/api/stations/dai-xa/limits", {…})`."""
    app = FastAPI()
    app.state.context = context
    problems.install(app)
    app.include_router(routes.router)
    transport = httpx.ASGITransport(app)

    async def made(who: str, method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        with context.database.write() as session:
            token = accounts.open_sign_in(session, context.now(), people[who].person_id, hours=1)
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://loaban") as client:
            return await client.request(method, path, json=body, headers=headers)

    return made
