"""Sending sound to a controller, and looking at what stays of it."""

import asyncio
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import imageio_ffmpeg
from sqlalchemy import func, select

from controller.context import Context
from controller.media.service import work_once
from controller.media.tables import Sound

MB = 1_000_000
NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
FORM = {"Content-Type": "multipart/form-data; boundary=grenze"}
PART = b'--grenze\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
Json = dict[str, Any]
PASSWORD = "nui-cao-suong-mu"


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
