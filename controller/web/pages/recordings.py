"""A new programme, or another recording for one: upload, hear, describe, save."""

from typing import Any, Final

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from controller.accounts import service as accounts
from controller.accounts.rules import Action
from controller.errors import Invalid, NotFound
from controller.media import service as media
from controller.media.tables import Upload, UploadState
from controller.programmes import service as programmes
from controller.programmes.rules import LANGUAGES, Move
from controller.programmes.schemas import ProgrammeView
from controller.web.forms import Problem, Refused, area_choices, problem, status_of, text
from controller.web.page import InPage, Page, Posted
from controller.web.pages.programmes import LIST
from schedules.category import Category

router = APIRouter()
NEW: Final = f"{LIST}/moi"
_FIELDS: Final = ("title", "category", "language", "area_id", "upload_id")
_MB: Final = 1_000_000


@router.get(NEW)
def new(page: InPage, tep: str = "") -> Response:
    accounts.require_anywhere(page.person, Action.UPLOAD)
    return _form(page, {"upload_id": tep, "category": Category.GENERAL.value, "language": LANGUAGES[0]})


@router.get(f"{NEW}/tep/{{upload_id}}")
def follow(page: InPage, upload_id: str) -> Response:
    """How far the recording is: a piece of the form that asks again until it is ready or refused."""
    with page.context.database.read() as session:
        return page.render("recordings/recording.html", **_recording(page, session, upload_id))


@router.post(NEW)
def create(page: InPage, typed: Posted) -> Response:
    return _save(page, typed, None)


@router.get(f"{LIST}/{{programme_id}}/sua")
def edit(page: InPage, programme_id: str, tep: str = "") -> Response:
    with page.context.database.read() as session:
        known = programmes.get(session, page.person, programme_id)
        programmes.require(session, page.person, programme_id, Move.EDIT)
    values = {name: str(getattr(known, name)) for name in ("title", "category", "language", "area_id")}
    return _form(page, {**values, "upload_id": tep}, programme_id=programme_id)


@router.post(f"{LIST}/{{programme_id}}/sua")
def change(page: InPage, programme_id: str, typed: Posted) -> Response:
    return _save(page, typed, programme_id)


def _save(page: Page, typed: FormData, programme_id: str | None) -> Response:
    values = {name: text(typed, name) for name in _FIELDS}
    submit = text(typed, "do") == Move.SUBMIT
    try:
        with page.context.database.write() as session:
            saved_id = _store(page, session, values, programme_id)
            if submit:
                programmes.submit(session, page.now, page.person, saved_id)
    except Refused as error:
        return _form(page, values, problem(page, error), status_of(error), programme_id)
    return RedirectResponse(f"{LIST}/{saved_id}?xong={Move.SUBMIT.value if submit else 'saved'}", 303)


def _store(page: Page, session: Session, values: dict[str, str], programme_id: str | None) -> str:
    sound = _ready_sound(page, session, values["upload_id"], may_be_absent=programme_id is not None)
    fields: dict[str, Any] = {
        "title": values["title"],
        "category": _category(values["category"]),
        "language": values["language"],
        "sound_sha256": sound,
    }
    if programme_id:
        return programmes.edit(session, page.now, page.person, programme_id, **fields).id
    if not values["area_id"]:
        raise Invalid("page_programmes.area_missing", field="area_id")
    made = programmes.create(session, page.now, page.person, area_id=values["area_id"], **fields)
    return made.id


def _ready_sound(page: Page, session: Session, upload_id: str, *, may_be_absent: bool) -> str | None:
    """Raises Invalid as long as the recording cannot be used."""
    upload = _upload(page, session, upload_id)
    if upload is None:
        if may_be_absent:
            return None
        raise Invalid("page_programmes.recording_missing", field="upload_id")
    if upload.state is UploadState.REFUSED:
        raise Invalid("page_programmes.recording_missing", field="upload_id")
    if upload.state is not UploadState.READY:
        raise Invalid("page_programmes.recording_not_ready", field="upload_id")
    return upload.sound_sha256


def _category(value: str) -> Category:
    try:
        return Category(value)
    except ValueError as error:
        raise Invalid("page_programmes.category_missing", field="category") from error


def _upload(page: Page, session: Session, upload_id: str) -> Upload | None:
    """None for an upload that is unknown, or somebody else's."""
    if not upload_id:
        return None
    try:
        return media.upload_of(session, page.person, upload_id)
    except NotFound:
        return None


def _form(
    page: Page,
    typed: dict[str, str],
    trouble: Problem | None = None,
    status: int = 200,
    programme_id: str | None = None,
) -> Response:
    values = {name: typed.get(name, "") for name in _FIELDS}
    with page.context.database.read() as session:
        present = programmes.get(session, page.person, programme_id) if programme_id else None
        return page.render(
            "recordings/form.html",
            status,
            values=values,
            programme_id=programme_id,
            areas=area_choices(accounts.realm_areas(session, page.person, Action.EDIT_PROGRAMME)),
            categories=list(Category),
            languages=LANGUAGES,
            **_recording(page, session, values["upload_id"], trouble, present),
        )


def _recording(
    page: Page,
    session: Session,
    upload_id: str,
    trouble: Problem | None = None,
    present: ProgrammeView | None = None,
) -> dict[str, Any]:
    upload = _upload(page, session, upload_id)
    ready = upload is not None and upload.sound_sha256 is not None
    limit_bytes = page.context.settings.upload_max_bytes
    return {
        "upload": upload,
        "present": present,
        "sound": media.get_sound(session, upload.sound_sha256 or "") if upload and ready else None,
        "refusal": _refusal(page, upload),
        "problem": trouble,
        "limit_bytes": limit_bytes,
        "limit_mb": limit_bytes // _MB,
    }


def _refusal(page: Page, upload: Upload | None) -> str:
    if upload is None or upload.error_key is None:
        return ""
    return page.say(upload.error_key, **upload.error_params)
