"""What a station of the field says of itself, and stations to say it."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from controller import problems
from controller.accounts import service as accounts
from controller.accounts.rules import Principal
from controller.context import Context
from controller.stations import routes, service
from wire.evidence import (
    AmplifierFault,
    AmplifierState,
    LineState,
    LinkState,
    SelfTestFinding,
    SelfTestKind,
    SelfTestResult,
    SelfTestVerdict,
    StorageState,
)
from wire.ids import ClockTrust, StationKind
from wire.messages import CacheState, Heartbeat

Beat = Callable[..., Heartbeat]
Call = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
def beat() -> Beat:
    """`beat(at)`: a heartbeat full of evidence, all of it measured a little before on the same clock."""

    def made(at: datetime, station: str = "dai-xa", **changed: Any) -> Heartbeat:
        values: dict[str, Any] = {
            "station": station,
            "boot_id": "b",
            "at": at,
            "uptime_s": 7200.0,
            "clock": ClockTrust.TRUSTED,
            "cache": CacheState(held=0, wanted=0),
            "amplifier": _amplifier(at - timedelta(seconds=20)),
            "acoustic_test": _test(at - timedelta(days=3), SelfTestKind.ACOUSTIC, level_db=-7.5),
            "electrical_test": _test(
                at - timedelta(minutes=30), SelfTestKind.ELECTRICAL, line_ma=(41.0, 0.0)
            ),
            "storage": StorageState(writable=False, remembers=False, bytes_free=2_500_000_000, damaged=2),
            "link": LinkState(connects=14, up_s=95.0),
        }
        return Heartbeat(**(values | changed))

    return made


def _amplifier(at: datetime) -> AmplifierState:
    return AmplifierState(
        at=at,
        power_on=True,
        lines=(
            LineState(relay_on=True, muted=False, current_ma=812.0),
            LineState(relay_on=True, muted=True, current_ma=3.0),
        ),
        rail_v=23.6,
        mains_present=False,
        battery_v=12.4,
        heat_sink_c=61.0,
        faults=(AmplifierFault.FAN,),
    )


def _test(at: datetime, kind: SelfTestKind, **more: Any) -> SelfTestResult:
    return SelfTestResult(
        id=f"t-{kind}",
        kind=kind,
        at=at,
        verdict=SelfTestVerdict.FAILED,
        findings=(SelfTestFinding.WEAK,),
        attempts=3,
        **more,
    )


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
