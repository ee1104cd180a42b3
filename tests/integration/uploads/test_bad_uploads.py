"""What every kind of bad input is told, in Vietnamese, and that nothing of it remains."""

import struct
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from controller.context import Context
from controller.web.texts import Texts
from tests.support.uploads import (
    FORM,
    PART,
    PASSWORD,
    ffmpeg,
    finished,
    nothing_remains,
    send,
)


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


def body_of(data: bytes) -> Callable[[], AsyncIterator[bytes]]:
    async def body() -> AsyncIterator[bytes]:
        yield data

    return body


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
