"""Uploads over HTTP: what goes in and comes out as sound."""

from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select

from controller.context import Context
from controller.media.tables import Sound
from tests.support.uploads import (
    ffmpeg,
    files_below,
    finished,
    send,
)


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
