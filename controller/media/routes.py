"""HTTP for uploads and sounds."""

from collections.abc import AsyncIterator
from typing import Final

from fastapi import APIRouter, BackgroundTasks, Request
from fastapi.responses import FileResponse
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from audio_library import SoundError
from audio_library.errors import UnknownSound
from controller.accounts import service as accounts
from controller.accounts.dependencies import SignedIn
from controller.accounts.rules import Action, Principal
from controller.context import Context
from controller.errors import LoabanError
from controller.media import errors, service
from controller.media.reception import FORM_BYTES, Reception, blocks, hear_out, too_large
from controller.media.schemas import SoundView, UploadView
from controller.web.dependencies import InContext, Reading

router = APIRouter(tags=["media"])

_OFF: Final = frozenset({"", "0", "false", "off", "no"})


@router.post("/api/uploads", status_code=202)
async def upload(
    request: Request, context: InContext, principal: SignedIn, after_commit: BackgroundTasks
) -> UploadView:
    """A `multipart/form-data` body with `file`, and `opening_chime`, `closing_chime` (on unless said off)."""
    accounts.require_anywhere(principal, Action.UPLOAD)
    body = blocks(request.stream())
    try:
        view = await _received(request, body, context, principal)
    except (LoabanError, SoundError):
        await hear_out(body)
        raise
    except ClientDisconnect as error:
        raise errors.cut_off() from error
    after_commit.add_task(context.wake, "ingest")
    return view


@router.get("/api/uploads/{upload_id}")
def upload_state(session: Reading, context: InContext, principal: SignedIn, upload_id: str) -> UploadView:
    found = service.upload_of(session, principal, upload_id)
    return UploadView.of(found, context.texts, principal.language)


@router.get("/api/sounds/{sha256}")
def sound(session: Reading, _principal: SignedIn, sha256: str) -> SoundView:
    return SoundView.of(service.get_sound(session, sha256))


@router.api_route("/media/{sha256}.opus", methods=["GET", "HEAD"])
def media(context: InContext, sha256: str) -> FileResponse:
    """Whoever knows the digest may have the sound; stations do. Ranges serve those who resume."""
    try:
        path = context.store.existing(sha256)
    except UnknownSound as error:
        raise errors.unknown_sound() from error
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "ETag": f'"{sha256}"'}
    return FileResponse(path, media_type="audio/ogg", headers=headers)


async def _received(
    request: Request, body: AsyncIterator[bytes], context: Context, principal: Principal
) -> UploadView:
    limit = context.settings.upload_max_bytes
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit + FORM_BYTES:
        raise too_large(int(announced), limit)
    path = service.inbox_of(context).new_path()
    with Reception(request.headers.get("content-type", ""), path, limit) as reception:
        async for block in body:
            await run_in_threadpool(reception.take, block)
        return await run_in_threadpool(_keep, context, principal, reception)


def _keep(context: Context, principal: Principal, reception: Reception) -> UploadView:
    arrived = reception.finish()
    with context.database.write() as session:
        kept = service.receive(
            session,
            context,
            principal,
            arrived,
            opening_chime=_is_on(reception.fields, "opening_chime"),
            closing_chime=_is_on(reception.fields, "closing_chime"),
        )
        return UploadView.of(kept, context.texts, principal.language)


def _is_on(fields: dict[str, str], name: str) -> bool:
    return fields.get(name, "on").strip().lower() not in _OFF
