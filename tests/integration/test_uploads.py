"""Uploads over HTTP: what goes in, and what every kind of bad input is told, in Vietnamese."""

import asyncio
import contextlib
import errno
import math
import shutil
import socket
import struct
import subprocess
import time
import wave
from array import array
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import imageio_ffmpeg
import pytest
import uvicorn
from fastapi import FastAPI
from sqlalchemy import func, select

from audio_library import Store
from audio_library.store import full_disk_is_store_full
from controller import problems
from controller.accounts import routes as accounts_routes
from controller.accounts import service as accounts
from controller.accounts.tables import Role
from controller.areas import routes as areas_routes
from controller.areas import service as areas
from controller.areas.tables import AreaLevel
from controller.context import Context, system_now
from controller.db.migrate import upgrade
from controller.db.session import Database
from controller.media import routes as media_routes
from controller.media.service import work_once
from controller.media.tables import Sound, Upload
from controller.programmes import routes as programmes_routes
from controller.settings import Settings
from controller.web.texts import Texts
from wire.signing import SigningKey

MB = 1_000_000
NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
Json = dict[str, Any]
PASSWORD = "nui-cao-suong-mu"


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


def ffmpeg(*arguments: str) -> None:
    program = imageio_ffmpeg.get_ffmpeg_exe()
    subprocess.run([program, "-v", "error", "-y", *arguments], check=True)


async def send(
    client: httpx.AsyncClient, path: Path, name: str | None = None, **fields: str
) -> httpx.Response:
    with path.open("rb") as file:
        return await client.post(
            "/api/uploads", files={"file": (name or path.name, file, "audio/mpeg")}, data=fields
        )


async def finished(client: httpx.AsyncClient, context: Context, answer: httpx.Response) -> Json:
    """The upload's last state, after all waiting work is done."""
    assert answer.status_code == 202, answer.text
    while await asyncio.to_thread(work_once, context):
        pass
    return (await client.get(f"/api/uploads/{answer.json()['id']}")).json()  # type: ignore[no-any-return]


def nothing_remains(context: Context) -> bool:
    """No sound in the database, no file in the library or the inbox."""
    with context.database.read() as session:
        sounds = session.scalar(select(func.count()).select_from(Sound))
    return sounds == 0 and not files_below(context.settings.data_dir)


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_an_mp3_with_cover_art_becomes_a_sound_that_can_be_heard(
    client: httpx.AsyncClient, context: Context, recording: Path, tmp_path: Path
) -> None:
    mp3 = tmp_path / "Bản tin sáng.mp3"
    cover = ["-f", "lavfi", "-i", "color=red:s=64x64:d=0.04"]
    ffmpeg("-i", str(recording), *cover, "-map", "0", "-map", "1", "-ac", "2", "-ar", "44100",
           "-c:v", "mjpeg", "-disposition:v", "attached_pic", str(mp3))  # fmt: skip
    done = await finished(client, context, await send(client, mp3))
    assert (done["state"], done["progress"], done["known_already"]) == ("ready", 1.0, False)
    assert done["file_name"] == "Bản tin sáng.mp3"

    sound = (await client.get(f"/api/sounds/{done['sound_sha256']}")).json()
    assert 3.0 + 4.0 < sound["seconds"] < 3.0 + 8.0, "recording and two chimes"
    assert abs(sound["after"]["lufs"] + 16) <= 1
    assert sound["after"]["true_peak_dbtp"] <= -1.5
    assert sound["before"]["lufs"] < sound["after"]["lufs"]
    assert max(sound["peaks"]) > 10

    heard = await client.get(sound["url"])
    assert heard.headers["content-type"] == "audio/ogg"
    assert heard.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert heard.content[:4] == b"OggS"
    assert len(heard.content) == sound["size_bytes"]
    assert files_below(context.settings.data_dir / "uploads") == []


async def test_without_chimes_it_is_as_long_as_the_recording(
    client: httpx.AsyncClient, context: Context, recording: Path
) -> None:
    answer = await send(client, recording, opening_chime="off", closing_chime="false")
    done = await finished(client, context, answer)
    sound = (await client.get(f"/api/sounds/{done['sound_sha256']}")).json()
    assert sound["seconds"] == pytest.approx(3.0, abs=0.2)


async def test_a_sound_is_fetched_in_pieces_without_signing_in(
    client: httpx.AsyncClient, context: Context, recording: Path, app: FastAPI
) -> None:
    answer = await send(client, recording, opening_chime="0", closing_chime="0")
    url = (await finished(client, context, answer))["sound_url"]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://loaban") as station:
        whole = (await station.get(url)).content
        rest = await station.get(url, headers={"Range": "bytes=1000-"})
        assert rest.status_code == 206
        assert whole[1000:] == rest.content
        same = {"Range": "bytes=1000-", "If-Range": rest.headers["etag"]}
        assert (await station.get(url, headers=same)).status_code == 206
        head = await station.head(url)
        assert int(head.headers["content-length"]) == len(whole)
        beyond = await station.get(url, headers={"Range": f"bytes={len(whole)}-"})
        assert beyond.status_code == 416


async def test_the_same_upload_twice_is_one_sound(
    client: httpx.AsyncClient, context: Context, recording: Path
) -> None:
    first = await finished(client, context, await send(client, recording))
    again = await send(client, recording, "tên khác.wav")
    assert again.json()["state"] == "ready", "known at once, without work"
    assert again.json()["known_already"] is True
    assert again.json()["sound_sha256"] == first["sound_sha256"]
    assert files_below(context.settings.data_dir / "uploads") == []
    with context.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Sound)) == 1


async def test_two_that_wait_together_are_one_sound_too(
    client: httpx.AsyncClient, context: Context, recording: Path
) -> None:
    one, two = await send(client, recording), await send(client, recording)
    first, second = await finished(client, context, one), await finished(client, context, two)
    assert {first["known_already"], second["known_already"]} == {False, True}
    assert first["sound_sha256"] == second["sound_sha256"]


def empty(path: Path, _recording: Path) -> None:
    path.touch()


def text_renamed(path: Path, _recording: Path) -> None:
    path.write_text("Kính gửi bà con, đây không phải là âm thanh. " * 500)


def truncated(path: Path, recording: Path) -> None:
    path.write_bytes(recording.read_bytes()[: recording.stat().st_size // 2])


def film_without_sound(path: Path, _recording: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "testsrc=s=64x64:d=1", "-pix_fmt", "yuv420p", "-f", "mp4", str(path))


def ten_hours(path: Path, _recording: Path) -> None:
    """IMA ADPCM at 4 kHz: 72 MB, mostly holes in the file."""
    rate_hz, block_bytes, block_samples = 4_000, 256, 505
    byte_rate = rate_hz * block_bytes // block_samples
    data_bytes = 10 * 3600 * rate_hz // 2
    format_ = struct.pack("<HHIIHHHH", 0x11, 1, rate_hz, byte_rate, block_bytes, 4, 2, block_samples)
    head = b"WAVEfmt " + struct.pack("<I", len(format_)) + format_ + b"data" + struct.pack("<I", data_bytes)
    with path.open("wb") as file:
        file.write(b"RIFF" + struct.pack("<I", len(head) + data_bytes) + head)
        file.truncate(file.tell() + data_bytes)


def bomb(path: Path, _recording: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "anullsrc=r=4000:cl=mono", "-t", "36000", "-f", "flac", str(path))


def silence(path: Path, _recording: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "anullsrc=r=16000:cl=mono", "-t", "3", str(path))


Maker = Callable[[Path, Path], None]


@pytest.mark.parametrize(
    ("make", "name", "key", "sentence"),
    [
        (empty, "trong.mp3", "sound.empty_file", "Tệp trống, không có dữ liệu."),
        (text_renamed, "van-ban.mp3", "sound.not_sound", "Tệp này không phải là âm thanh."),
        (truncated, "cut.wav", "sound.truncated", "Tệp bị cắt ngang, thiếu phần cuối."),
        (film_without_sound, "phim.mp4", "sound.no_audio_track", "Tệp này không có tiếng."),
        (ten_hours, "dai.wav", "sound.too_long", "Bản ghi dài 10 giờ, vượt mức cho phép 4 giờ."),
        (bomb, "bom.flac", "sound.bomb", "Tệp nhỏ nhưng khai là dài 10 giờ"),
        (silence, "im.wav", "sound.silent", "Bản ghi không có tiếng nói hay âm thanh nào."),
    ],
)
async def test_what_cannot_become_a_broadcast_is_told_so_and_nothing_remains(
    client: httpx.AsyncClient,
    context: Context,
    recording: Path,
    tmp_path: Path,
    make: Maker,
    name: str,
    key: str,
    sentence: str,
) -> None:
    path = tmp_path / name
    make(path, recording)
    done = await finished(client, context, await send(client, path))
    assert done["state"] == "refused"
    assert done["problem"]["type"] == f"urn:loaban:error:{key}"
    assert done["problem"]["detail"].startswith(sentence)
    assert "Hãy" in done["problem"]["detail"], "says what to do"
    assert nothing_remains(context)


async def test_what_was_refused_once_does_not_stop_the_next(
    client: httpx.AsyncClient, context: Context, recording: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.mp3"
    text_renamed(bad, recording)
    refused, good = await send(client, bad), await send(client, recording)
    assert (await finished(client, context, refused))["state"] == "refused"
    assert (await finished(client, context, good))["state"] == "ready"


def form_of(megabytes: int) -> Callable[[], AsyncIterator[bytes]]:
    async def body() -> AsyncIterator[bytes]:
        yield b'--grenze\r\nContent-Disposition: form-data; name="file"; filename="to.wav"\r\n\r\n'
        for _ in range(megabytes):
            yield bytes(MB)
        yield b"\r\n--grenze--\r\n"

    return body


FORM = {"Content-Type": "multipart/form-data; boundary=grenze"}


@pytest.mark.parametrize("claim", [None, "1000", str(201 * MB)], ids=["chunked", "lying", "honest"])
async def test_201_mb_are_refused_while_they_come_in(
    client: httpx.AsyncClient, context: Context, claim: str | None
) -> None:
    headers = FORM | ({"Content-Length": claim} if claim else {})
    answer = await client.post("/api/uploads", content=form_of(201)(), headers=headers)
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"] == "urn:loaban:error:sound.too_large"
    assert problem["detail"].startswith("Tệp nặng 201 MB, vượt mức cho phép 200 MB.")
    assert problem["status"] == 413
    assert nothing_remains(context)
    with context.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Upload)) == 0


async def test_no_byte_beyond_the_limit_reaches_the_disk(client: httpx.AsyncClient, context: Context) -> None:
    largest = 0

    async def watched() -> AsyncIterator[bytes]:
        nonlocal largest
        async for block in form_of(201)():
            yield block
            sizes = [path.stat().st_size for path in files_below(context.settings.data_dir / "uploads")]
            largest = max([largest, *sizes])

    answer = await client.post("/api/uploads", content=watched(), headers=FORM)
    assert answer.status_code == 413
    assert 190 * MB < largest <= 200 * MB


async def test_200_mb_are_not_too_many(client: httpx.AsyncClient, context: Context) -> None:
    answer = await client.post("/api/uploads", content=form_of(200)(), headers=FORM)
    assert answer.status_code == 202
    assert answer.json()["size_bytes"] == 200 * MB


@pytest.mark.parametrize("name", ["../../etc/passwd.mp3", "/etc/cron.d/x.mp3", "a\\..\\b.mp3", ".."])
async def test_a_name_that_is_a_path_is_refused(
    client: httpx.AsyncClient, context: Context, recording: Path, name: str
) -> None:
    answer = await send(client, recording, name)
    assert answer.status_code == 422
    assert answer.json()["detail"] == (
        "Tên tệp không hợp lệ. Hãy đổi tên tệp, bỏ các dấu / \\ và các ký tự lạ, rồi tải lên lại."
    )
    assert nothing_remains(context)


class FullDisk(Store):
    """A store whose disk has room for the first bytes of a sound only."""

    def add(self, finished: Path) -> str:
        with full_disk_is_store_full():
            finished.write_bytes(finished.read_bytes()[:100])
            raise OSError(errno.ENOSPC, "No space left on device", str(finished))


async def test_a_disk_full_in_the_middle_of_an_ingest_leaves_nothing_half_made_and_the_file_waits(
    client: httpx.AsyncClient, context: Context, recording: Path
) -> None:
    answer = await send(client, recording)
    full = Context(**{**vars(context), "store": FullDisk(context.store.root)})
    waits = await finished(client, full, answer)
    assert waits["state"] == "waiting"
    assert waits["problem"]["detail"].startswith("Máy chủ hết chỗ lưu âm thanh nên chưa xử lý được")
    assert files_below(context.store.root) == []
    later = Context(**{**vars(context), "now": lambda: system_now() + timedelta(seconds=61)})
    again = await finished(client, later, answer)
    assert (again["state"], again["problem"]) == ("ready", None), "nobody had to send it again"


async def test_a_disk_full_while_the_file_comes_in_is_said_at_once(
    client: httpx.AsyncClient, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(_handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("controller.media.reception.os.fsync", no_room)
    answer = await client.post("/api/uploads", content=form_of(1)(), headers=FORM)
    assert answer.status_code == 507
    assert answer.json()["type"] == "urn:loaban:error:sound.store_full"
    assert nothing_remains(context)


def body_of(data: bytes) -> Callable[[], AsyncIterator[bytes]]:
    async def body() -> AsyncIterator[bytes]:
        yield data

    return body


PART = b'--grenze\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'


@pytest.mark.parametrize(
    ("body", "kind", "key"),
    [
        (PART + b"half a fi", FORM["Content-Type"], "media.cut_off"),
        (b"", FORM["Content-Type"], "media.not_a_form"),
        (b"not a form at all", FORM["Content-Type"], "media.not_a_form"),
        (b'{"file": 1}', "application/json", "media.not_a_form"),
        (b"--grenze--\r\n", FORM["Content-Type"], "media.no_file"),
        (PART.replace(b"a.wav", b"") + b"\r\n--grenze--\r\n", FORM["Content-Type"], "media.no_file"),
        (PART + b"x\r\n" + PART + b"y\r\n--grenze--\r\n", FORM["Content-Type"], "media.one_file_only"),
        (
            b'--grenze\r\nContent-Disposition: form-data; name="a"\r\n\r\n'
            + b"x" * 5000
            + b"\r\n--grenze--\r\n",
            FORM["Content-Type"],
            "media.too_many_fields",
        ),
    ],
)
async def test_what_is_no_upload_is_told_so(
    client: httpx.AsyncClient, context: Context, body: bytes, kind: str, key: str
) -> None:
    answer = await client.post("/api/uploads", content=body_of(body)(), headers={"Content-Type": kind})
    assert answer.status_code == 422
    assert answer.json()["type"] == f"urn:loaban:error:{key}"
    assert answer.json()["detail"] == Texts().say("vi", key)
    assert nothing_remains(context)


async def test_who_may_not_upload(app: FastAPI, context: Context, recording: Path) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://loaban") as other:
        answer = await send(other, recording)
        assert answer.status_code == 401
        assert answer.json()["detail"].startswith("Bạn chưa đăng nhập")
        await other.post("/api/sign-in", json={"username": "pao", "password": PASSWORD})
        answer = await send(other, recording)
        assert answer.status_code == 403
        assert answer.json()["detail"].startswith("Tài khoản của bạn không có quyền")
    assert nothing_remains(context)


async def test_nobody_sees_the_uploads_of_others(
    client: httpx.AsyncClient, app: FastAPI, recording: Path
) -> None:
    upload_id = (await send(client, recording)).json()["id"]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://loaban") as other:
        await other.post("/api/sign-in", json={"username": "pao", "password": PASSWORD})
        answer = await other.get(f"/api/uploads/{upload_id}")
        assert answer.status_code == 404


async def test_a_programme_on_an_unknown_area_or_sound(
    client: httpx.AsyncClient, context: Context, recording: Path
) -> None:
    done = await finished(client, context, await send(client, recording, opening_chime="", closing_chime=""))
    wanted = {
        "area_id": "khong-co",
        "title": "Bản tin",
        "category": "general",
        "sound_sha256": done["sound_sha256"],
    }
    answer = await client.post("/api/programmes", json=wanted)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["field"] == "area_id"
    assert answer.json()["detail"] == "Không có địa bàn “khong-co”. Hãy chọn một địa bàn trong danh sách."
    wanted["area_id"] = "bat-xat"
    answer = await client.post("/api/programmes", json=wanted | {"sound_sha256": "0" * 64})
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("Chương trình chưa có bản ghi âm.")
    answer = await client.post("/api/programmes", json=wanted)
    assert answer.status_code == 201
    assert answer.json()["sound_url"] == done["sound_url"]


async def test_an_unknown_sound_is_not_found(client: httpx.AsyncClient) -> None:
    for url in (f"/media/{'0' * 64}.opus", "/media/..%2f..%2fetc.opus", "/api/sounds/x", "/api/uploads/x"):
        answer = await client.get(url)
        assert answer.status_code == 404, url
        assert "Hãy" in answer.json()["detail"]


@pytest.fixture
async def served(app: FastAPI) -> AsyncIterator[str]:
    """The same app behind a real socket; `host:port`."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
        task = asyncio.create_task(server.serve(sockets=[listening]))
        await until(lambda: server.started)
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        await task


async def until(condition: Callable[[], bool], deadline_s: float = 15.0) -> None:
    end_s = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end_s, "it never happened"
        await asyncio.sleep(0.02)


def token_for(context: Context) -> str:
    with context.database.write() as session:
        return accounts.sign_in(session, NOW, "hoa", PASSWORD, hours=1)


async def test_a_real_client_reads_the_refusal_of_its_201_mb(context: Context, served: str) -> None:
    headers = FORM | {"Authorization": f"Bearer {token_for(context)}"}
    async with httpx.AsyncClient(timeout=30) as client:
        answer = await client.post(f"http://{served}/api/uploads", content=form_of(201)(), headers=headers)
    assert answer.status_code == 413
    assert answer.json()["detail"].startswith("Tệp nặng 201 MB, vượt mức cho phép 200 MB.")
    assert nothing_remains(context)


async def raw_request(
    served: str, context: Context, content_length: int, body: bytes
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, port = served.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = (
        f"POST /api/uploads HTTP/1.1\r\nHost: {served}\r\nContent-Type: {FORM['Content-Type']}\r\n"
        f"Authorization: Bearer {token_for(context)}\r\nContent-Length: {content_length}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    await writer.drain()
    return reader, writer


async def test_a_length_shorter_than_the_file_cuts_it_off_and_nothing_remains(
    context: Context, served: str
) -> None:
    whole = PART + bytes(50_000) + b"\r\n--grenze--\r\n"
    reader, writer = await raw_request(served, context, 1_000, whole[:1_000])
    answer = await asyncio.wait_for(reader.read(65_536), 15)
    assert answer.startswith(b"HTTP/1.1 422 ")
    assert "Tệp chưa tải lên hết thì bị ngắt." in answer.decode()
    assert nothing_remains(context)
    writer.write(whole)
    with contextlib.suppress(ConnectionError):
        assert b"HTTP/1.1 2" not in await asyncio.wait_for(reader.read(), 15)
    writer.close()
    assert nothing_remains(context)


async def test_a_client_that_hangs_up_in_the_middle_leaves_nothing(context: Context, served: str) -> None:
    arriving = context.settings.data_dir / "uploads" / "arriving"
    _reader, writer = await raw_request(served, context, 10 * MB, PART + bytes(5 * MB))
    await until(lambda: arriving.is_dir() and any(arriving.iterdir()))
    writer.close()
    await until(lambda: not any(arriving.iterdir()))
    assert nothing_remains(context)
