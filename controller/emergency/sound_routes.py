"""HTTP for the sound of an alert: what an officer records, uploads or types, and the whole to listen to."""

from collections.abc import AsyncIterator
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from audio_library import SoundError
from controller.accounts import rules
from controller.accounts.dependencies import SignedIn
from controller.accounts.errors import not_your_role
from controller.accounts.rules import Action
from controller.boards.desk import Desk
from controller.context import Context
from controller.dispatch.tree import AreaTree
from controller.emergency import preview, service, sounds
from controller.emergency.actor import Somebody
from controller.errors import LoabanError
from controller.media import errors
from controller.media import service as media
from controller.media.reception import FORM_BYTES, Reception, blocks, hear_out, too_large
from controller.media.schemas import SoundView
from controller.media.tables import Sound
from controller.stations import service as stations
from controller.web.dependencies import InContext

router = APIRouter(tags=["emergency"])

_MAKERS: Final = (Action.SEND_ALERT, Action.MAKE_STANDING)


class TypedText(BaseModel):
    language: str = Field(max_length=16)
    text: str = Field(max_length=20_000)


class Listener(BaseModel):
    """A station, or its languages in order, such as `vi,hmn`; neither is one with every language."""

    station: str = Field(default="", max_length=63)
    languages: str = Field(default="", max_length=200)


class AlertSoundView(SoundView):
    spoken: str = ""
    """The words that were read aloud, figures and all; empty for a recording."""


@router.post("/api/emergency/sounds", status_code=201)
async def make_sound(request: Request, context: InContext, principal: SignedIn) -> AlertSoundView:
    """A `multipart/form-data` body with `file`, or JSON with `text` and `language`; answered once made."""
    if not any(rules.may_anywhere(principal, action) for action in _MAKERS):
        raise not_your_role()
    body = blocks(request.stream())
    try:
        if _kind(request) == "application/json":
            return await _typed(context, body)
        return await _sent(request, context, body)
    except (LoabanError, SoundError):
        await hear_out(body)
        raise
    except ClientDisconnect as error:
        raise errors.cut_off() from error


@router.get("/api/alerts/{alert_id}/preview.opus")
def preview_alert(
    request: Request,
    context: InContext,
    principal: SignedIn,
    alert_id: str,
    listener: Annotated[Listener, Query()],
) -> FileResponse:
    """What is prepared, else what sounds."""
    desk: Desk = request.app.state.desk
    with context.database.read() as session:
        by = Somebody(session, context, context.now(), principal, desk.pending())
        alert = service.as_it_will_sound(by, alert_id)
        languages = _languages_of(session, listener)
    path = preview.make(context, alert, languages)
    return FileResponse(path, media_type="audio/ogg", headers={"Cache-Control": "private, no-cache"})


def _languages_of(session: Session, listener: Listener) -> tuple[str, ...]:
    if not listener.station:
        return tuple(filter(None, listener.languages.split(",")))
    station = stations.get(session, listener.station)
    return tuple(station.languages) or AreaTree.read(session).languages(station.area_id)


def _kind(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def _typed(context: Context, body: AsyncIterator[bytes]) -> AlertSoundView:
    gathered = bytearray()
    async for block in body:
        gathered += block
        if len(gathered) > FORM_BYTES:
            raise sounds.text_too_long()
    form = TypedText.model_validate_json(bytes(gathered))
    made = await run_in_threadpool(sounds.from_text, context, form.text, form.language)
    return _view(made, sounds.words_of(form.text, form.language))


async def _sent(request: Request, context: Context, body: AsyncIterator[bytes]) -> AlertSoundView:
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > sounds.MOST_BYTES + FORM_BYTES:
        raise too_large(int(announced), sounds.MOST_BYTES)
    path = media.inbox_of(context).new_path()
    with Reception(request.headers.get("content-type", ""), path, sounds.MOST_BYTES) as reception:
        async for block in body:
            await run_in_threadpool(reception.take, block)
        return _view(await run_in_threadpool(_keep, context, reception), "")


def _keep(context: Context, reception: Reception) -> Sound:
    arrived = reception.finish()
    return sounds.from_file(context, arrived.path, arrived.file_name)


def _view(made: Sound, spoken: str) -> AlertSoundView:
    return AlertSoundView(**SoundView.of(made).model_dump(), spoken=spoken)
