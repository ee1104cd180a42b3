"""The sound of alerts over HTTP: who may make it, what is refused before it is read, and what comes back."""

import wave
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from controller.accounts import service as accounts
from controller.accounts.rules import Principal
from controller.app import create_app
from controller.context import Context
from controller.emergency import signals
from controller.stations import service as stations
from wire.ids import StationKind

Ask = Callable[..., Awaitable[httpx.Response]]
PATH = "/api/emergency/sounds"
TEXT = {"language": "vi", "text": "Gió cấp 6-7 lúc 22h30. Bà con vào nhà ngay."}


@pytest.fixture
def ask(context: Context, people: Mapping[str, Principal]) -> Ask:
    """`await ask("alert_officer", "post", path, json={…})`; nobody is signed in as "nobody"."""
    transport = httpx.ASGITransport(create_app(context))

    async def ask(who: str, method: str, path: str, **content: Any) -> httpx.Response:
        headers = content.pop("headers", {})
        if who in people:
            with context.database.write() as session:
                token = accounts.open_sign_in(session, context.now(), people[who].person_id, hours=1)
            headers["Authorization"] = f"Bearer {token}"
        async with httpx.AsyncClient(transport=transport, base_url="http://loaban") as client:
            return await client.request(method, path, headers=headers, **content)

    return ask


@pytest.fixture
def recording(tmp_path: Path) -> bytes:
    time_s = np.arange(3 * 16_000) / 16_000
    samples = np.round(3_000 * np.sin(2 * np.pi * 600 * time_s) * (np.sin(18 * time_s) > -0.5)).astype("<i2")
    with wave.open(str(tmp_path / "rec.wav"), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(samples.tobytes())
    return (tmp_path / "rec.wav").read_bytes()


async def test_typed_text_comes_back_as_sound_and_as_it_was_read(ask: Ask, context: Context) -> None:
    made = await ask("alert_officer", "post", PATH, json=TEXT)
    assert made.status_code == 201, made.text
    body = made.json()
    assert body["spoken"] == "Gió cấp sáu đến bảy lúc hai mươi hai giờ ba mươi phút. Bà con vào nhà ngay."
    assert body["url"] == f"/media/{body['sha256']}.opus"
    assert abs(body["after"]["lufs"] + 16) <= 1
    assert context.store.has(body["sha256"])


@pytest.mark.parametrize("who", ["alert_officer", "administrator"])
async def test_a_recording_is_ready_when_the_answer_comes(ask: Ask, recording: bytes, who: str) -> None:
    """The microphone of a browser sends what it calls a file, without a length that anybody checked."""
    made = await ask(who, "post", PATH, files={"file": ("ghi âm.wav", recording, "audio/wav")})
    assert made.status_code == 201, made.text
    assert (made.json()["spoken"], round(made.json()["seconds"])) == ("", 3)


@pytest.mark.parametrize(("who", "status"), [("nobody", 401), ("operator", 403), ("viewer", 403)])
async def test_others_are_refused_before_their_body_is_read(ask: Ask, who: str, status: int) -> None:
    read = 0

    async def body() -> Any:
        nonlocal read
        for _ in range(100):
            read += 1
            yield b"x" * 100_000

    kind = {"content-type": "multipart/form-data; boundary=b"}
    answer = await ask(who, "post", PATH, content=body(), headers=kind)
    assert (answer.status_code, read) == (status, 0)


async def test_over_twenty_megabytes_is_refused_in_words(ask: Ask) -> None:
    """Announced or not; the general limit of a megabyte is not in the way of the rest."""
    large = b"x" * 20_000_001
    announced = await ask("alert_officer", "post", PATH, files={"file": ("a.wav", large)})
    assert announced.status_code == 413
    assert "20 MB" in announced.json()["detail"]

    async def unannounced() -> Any:
        yield b'--b\r\ncontent-disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
        for _ in range(21):
            yield b"x" * 1_000_000

    kind = {"content-type": "multipart/form-data; boundary=b"}
    answer = await ask("alert_officer", "post", PATH, content=unannounced(), headers=kind)
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("sent", "key"),
    [
        ({"json": {"language": "hmn", "text": "Nyob zoo"}}, "sound.no_voice"),
        ({"json": {"language": "vi", "text": " "}}, "sound.text_missing"),
        ({"json": {"language": "vi", "text": "lũ " * 700}}, "sound.text_too_long"),
        ({"json": {"language": "vi", "text": "a" * 150_000}}, "sound.text_too_long"),
        ({"json": {"language": "vi"}}, "web.shape.missing"),
        ({"content": b"{", "headers": {"content-type": "application/json"}}, "web.shape.json"),
        ({"content": b"abc", "headers": {"content-type": "audio/wav"}}, "media.not_a_form"),
        ({"files": {"file": ("a.wav", b"no sound at all")}}, "sound.not_sound"),
        ({"files": {"file": ("a.wav", b"")}}, "sound.empty_file"),
        ({"data": {"text": "a"}, "files": {"other": (None, b"b")}}, "media.no_file"),
    ],
)
async def test_bad_input_is_told_in_a_sentence(
    ask: Ask, context: Context, sent: dict[str, Any], key: str
) -> None:
    answer = await ask("alert_officer", "post", PATH, **sent)
    assert (answer.status_code, answer.json()["type"]) == (422, f"urn:loaban:error:{key}"), answer.text
    assert "label." not in answer.json()["detail"]
    assert not list((context.settings.data_dir / "uploads" / "arriving").glob("*"))


async def test_a_draft_is_heard_as_a_station_will_sound_it(ask: Ask, context: Context) -> None:
    signals.ensure(context)
    with context.database.write() as session:
        stations.add(
            session,
            context.now(),
            "cum-1",
            "bat-xat-thon-1",
            "Cụm 1",
            kind=StationKind.VILLAGE_CLUSTER,
            languages=("vi",),
        )
    english = {"language": "en", "source": "typed", "text": "Storm. Go inside now."}
    form = {
        "kind": "storm",
        "severity": "severe",
        "title": "Gió mạnh",
        "area_ids": ["bat-xat-02683"],
        "voices": [{**TEXT, "source": "typed"}, english],
        "repeats": 2,
    }
    made = await ask("alert_officer", "post", "/api/alerts", json=form)
    assert made.status_code == 201, made.text
    path = f"/api/alerts/{made.json()['id']}/preview.opus"
    whole, one, listed = [
        await ask("alert_officer", "get", path, params=params)
        for params in ({}, {"station": "cum-1"}, {"languages": "vi"})
    ]
    assert {answer.status_code for answer in (whole, one, listed)} == {200}
    assert one.headers["content-type"] == "audio/ogg"
    assert one.content[:4] == b"OggS"
    assert one.content == listed.content
    assert len(one.content) < len(whole.content)
    assert (await ask("nobody", "get", path)).status_code == 401
    assert (await ask("neighbour", "get", path)).status_code in {403, 404}
    assert (await ask("alert_officer", "get", path, params={"station": "none"})).status_code == 404


async def test_there_is_nothing_to_hear_of_an_unknown_alert(ask: Ask) -> None:
    answer = await ask("alert_officer", "get", "/api/alerts/kc-20261123-00000000/preview.opus")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:loaban:error:emergency.unknown")
