"""The pages as one browser sees them, without a network; and a province in which an alert can be sent."""

import re
import shutil
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.orm import Session

from audio_library import Store
from controller.accounts import service as accounts
from controller.accounts.rules import Principal
from controller.accounts.tables import Grant, Person, Role
from controller.app import create_app
from controller.areas.tables import Area
from controller.context import Context
from controller.db.session import Database
from controller.emergency import drafts, signals, sounds
from controller.emergency.content import Source
from controller.emergency.schemas import AlertForm, VoiceForm
from controller.emergency.tables import (
    AlertReceiptRow,
    AlertRevision,
    StandingMessage,
    StandingState,
)
from controller.media.tables import Sound
from controller.playback import service as playback
from controller.settings import Settings
from controller.stations import service as stations
from controller.stations.service import HeardHeartbeat, HeardPresence
from controller.web.texts import Texts
from tests.support.served import served
from wire.ids import AlertKind, ClockTrust, Outcome, Severity, StationKind
from wire.messages import CacheState, Heartbeat, PlaybackReport, Presence
from wire.signing import SigningKey

if TYPE_CHECKING:
    from playwright.sync_api import Browser as Chromium
    from playwright.sync_api import Page

NOTHING_HELD = CacheState(held=0, wanted=0)
FLOOD_WORDS = "Nước lũ đang lên nhanh. Bà con hãy lên chỗ cao ngay."
Open = Callable[..., Awaitable[httpx.Response]]
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
]


class Browser:
    """Keeps its cookies, asks for HTML, and follows no redirect by itself."""

    def __init__(self, app: FastAPI) -> None:
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://loaban",
            headers={"Accept": "text/html"},
        )

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.client.get(path, headers=headers)

    async def post(self, path: str, **fields: str | list[str]) -> httpx.Response:
        return await self.client.post(path, data=fields)

    async def words(self, path: str) -> str:
        """What a person reads there."""
        answer = await self.get(path)
        assert answer.status_code == 200, answer.text
        return words_of(answer)


def words_of(answer: httpx.Response) -> str:
    text = re.sub(r"<(script|style|template)\b.*?</\1>", " ", answer.text, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split())


@pytest.fixture
def read() -> Callable[[httpx.Response], str]:
    return words_of


@pytest.fixture
def app(context: Context) -> Iterator[FastAPI]:
    """One controller for all browsers of a test."""
    made = create_app(context)
    yield made
    made.state.desk.close()


@pytest.fixture
def stranger(app: FastAPI, people: Mapping[str, Principal]) -> Browser:
    """Not signed in; everybody's account is there."""
    return Browser(app)


@pytest.fixture
def browser(app: FastAPI, context: Context, people: Mapping[str, Principal]) -> Callable[[str], Browser]:
    """`browser("operator")`: signed in as that person."""

    def signed_in(who: str) -> Browser:
        person_id = people[who].person_id if who in people else who
        with context.database.write() as session:
            token = accounts.open_sign_in(session, context.now(), person_id, hours=1)
        one = Browser(app)
        one.client.cookies.set("loaban_session", token)
        return one

    return signed_in


@dataclass(frozen=True)
class MadeSounds:
    """Signals and one spoken message, made once: the library's folder, and the rows about it."""

    folder: Path
    rows: list[dict[str, Any]]
    spoken: str
    """The digest of the message."""


@pytest.fixture(scope="session")
def made_sounds(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> MadeSounds:
    folder = tmp_path_factory.mktemp("alarm")
    shutil.copyfile(migrated_file, folder / "loaban.db")
    url = f"sqlite:///{folder / 'loaban.db'}"
    database = Database(url)
    context = Context(
        settings=Settings(data_dir=folder, database_url=url),
        database=database,
        store=Store(folder / "library"),
        texts=Texts(),
        signing_key=SigningKey.generate(),
        wake=lambda _name: None,
    )
    signals.ensure(context)
    spoken = sounds.from_text(context, FLOOD_WORDS, "vi").sha256
    columns = [column.key for column in Sound.__table__.columns]
    with database.read() as session:
        rows = [{name: getattr(one, name) for name in columns} for one in session.query(Sound)]
    database.close()
    return MadeSounds(folder / "library", rows, spoken)


@dataclass
class Alarm:
    """Bát Xát with three stations, of which two can be reached, and what an alert needs there.

    It speaks Vietnamese and Hmong. There are standing messages for a flood and drill notices in both, and an
    all-clear in Vietnamese. There is no station in Mường Hum.
    """

    context: Context
    people: Mapping[str, Principal]
    spoken: str
    second: Principal

    def draft(self, *area_ids: str, who: str = "alert_officer", **changed: Any) -> str:
        """A flood in Bát Xát with its standing messages, unless told otherwise; its id."""
        voices = changed.pop("voices", [VoiceForm(language="vi", source=Source.STANDING)])
        form = AlertForm(
            kind=changed.pop("kind", AlertKind.FLOOD),
            severity=changed.pop("severity", Severity.SEVERE),
            area_ids=list(area_ids) or ["bat-xat-02683"],
            voices=voices,
            **changed,
        )
        content = drafts.ready(self.context, self.people[who], form)
        with self.context.database.write() as session:
            return drafts.create(session, self.context.now(), self.people[who], content).id

    def hear(self, station_id: str) -> None:
        """A heartbeat of now."""
        now = self.context.now()
        presence = Presence(station=station_id, online=True, boot_id="b", at=now, program_version="1.2")
        beat = Heartbeat(
            station=station_id, boot_id="b", at=now, uptime_s=60, clock=ClockTrust.TRUSTED, cache=NOTHING_HELD
        )
        with self.context.database.write() as session:
            stations.keep(session, [HeardPresence(presence, now)], [HeardHeartbeat(beat, now)])

    def receipt(self, alert_id: str, station_id: str, *, sounding: bool) -> None:
        """What the station tells before the end."""
        now = self.context.now()
        with self.context.database.write() as session:
            name = _sounding(session, alert_id)
            session.merge(
                AlertReceiptRow(
                    sounding=name,
                    station_id=station_id,
                    alert_id=alert_id,
                    received_at=now,
                    sounding_at=now if sounding else None,
                    clock=ClockTrust.TRUSTED,
                )
            )

    def report(self, alert_id: str, station_id: str, outcome: Outcome, seconds: float = 30.0) -> None:
        with self.context.database.write() as session:
            name = _sounding(session, alert_id)
            report = PlaybackReport(
                id=f"r-{station_id}",
                occurrence=name,
                outcome=outcome,
                seconds_played=seconds,
                seconds_planned=30.0,
            )
            playback.apply_reports(session, self.context.now(), station_id, [report])


def _sounding(session: Session, alert_id: str) -> str:
    """The newest one."""
    revisions = session.query(AlertRevision).filter_by(alert_id=alert_id).order_by(AlertRevision.revision)
    return [one.sounding for one in revisions if one.sounding][-1]


@pytest.fixture
def alarm(context: Context, people: Mapping[str, Principal], made_sounds: MadeSounds) -> Alarm:
    shutil.copytree(made_sounds.folder, context.store.root, dirs_exist_ok=True)
    second = Principal("second", "second", "second", "vi", ((Role.ALERT_OFFICER, "lao-cai"),))
    with context.database.write() as session:
        session.add_all(Sound(**row) for row in made_sounds.rows)
        person = Person(
            id="second", username="second", full_name="second", password_hash="-", created_at=context.now()
        )
        person.grants.append(Grant(role=Role.ALERT_OFFICER, area_id="lao-cai"))
        session.add(person)
        area = session.get(Area, "bat-xat-02683")
        assert area
        area.languages, area.code = ["vi", "hmn"], "02683"
        for station_id, area_id in (
            ("dai-xa", "bat-xat-02683"),
            ("cum-1", "bat-xat-thon-1"),
            ("cum-2", "bat-xat-thon-2"),
        ):
            name = f"Đài {station_id}"
            stations.add(
                session,
                context.now(),
                station_id,
                area_id,
                name,
                kind=StationKind.VILLAGE_CLUSTER,
                languages=(),
            )
        session.flush()
        _standing(session, context, made_sounds.spoken)
    found = Alarm(context, {**people, "second": second}, made_sounds.spoken, second)
    for station_id in ("dai-xa", "cum-1"):
        found.hear(station_id)
    return found


def _standing(session: Session, context: Context, sound: str) -> None:
    for use, language in (
        ("flood", "vi"),
        ("flood", "hmn"),
        ("drill_notice", "vi"),
        ("drill_notice", "hmn"),
        ("all_clear", "vi"),
    ):
        session.add(
            StandingMessage(
                id=f"{use}-{language}",
                use=use,
                language=language,
                area_id="lao-cai",
                text=FLOOD_WORDS,
                sound_sha256=sound,
                state=StandingState.APPROVED,
                made_by="administrator",
                made_at=context.now(),
                decided_by="alert_officer",
                decided_at=context.now(),
            )
        )


@pytest.fixture
def address(context: Context, alarm: Any) -> Iterator[str]:
    """The pages on a free port of this machine."""
    app = create_app(context)
    try:
        with served(app) as url:
            yield url
    finally:
        app.state.desk.close()


@pytest.fixture(scope="module")
def chromium() -> "Iterator[Chromium]":
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> list[str]:
    return []


@pytest.fixture
def screen(chromium: "Chromium", address: str, context: Context, complaints: list[str]) -> "Iterator[Page]":
    """A phone of 360 × 740, signed in as the alert officer."""
    phone = chromium.new_context(
        viewport={"width": 360, "height": 740}, base_url=address, permissions=["microphone"], locale="vi-VN"
    )
    phone.add_cookies([{"name": "loaban_session", "value": _token(context, "alert_officer"), "url": address}])
    page = phone.new_page()
    page.set_default_timeout(10_000)
    page.on(
        "console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    phone.close()


def _token(context: Context, person_id: str) -> str:
    with context.database.write() as session:
        return accounts.open_sign_in(session, context.now(), person_id, hours=1)
