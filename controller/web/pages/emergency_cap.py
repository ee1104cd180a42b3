"""Incoming CAP messages: what came, what became of it and why; and a file brought by hand."""

from typing import Final

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData, UploadFile

from controller.accounts import service as accounts
from controller.accounts.rules import Action
from controller.cap import safe, views
from controller.cap.service import Arrival, Reception
from controller.cap.tables import CapVerdict, Via
from controller.errors import Invalid
from controller.web.alerts import LIST, desk_of
from controller.web.forms import Problem, Refused, problem, status_of
from controller.web.page import InPage, Page, Posted

router = APIRouter()
MESSAGES: Final = f"{LIST}/tin-cap"
_LINES: Final = 50
_TONES: Final = {
    CapVerdict.REFUSED: "bad",
    CapVerdict.PROPOSED: "warn",
    CapVerdict.FIRED: "now",
    CapVerdict.APPLIED: "good",
    CapVerdict.NOTED: "quiet",
}


@router.get(MESSAGES)
def listing(page: InPage, truoc: int | None = None, moi: int | None = None) -> Response:
    return _listing(page, before=truoc, came_id=moi)


@router.post(MESSAGES)
def bring(page: InPage, typed: Posted) -> Response:
    """What a file by hand becomes is told on the list."""
    accounts.require_anywhere(page.person, Action.SEND_ALERT)
    try:
        raw = _file(typed)
    except Refused as error:
        return _listing(page, trouble=problem(page, error), status=status_of(error))
    arrival = Arrival(raw, Via.PAGE, None, page.person.username, officer=page.person)
    row = Reception(page.context, desk_of(page.request)).take(arrival)
    return RedirectResponse(f"{MESSAGES}?moi={row.id}", 303)


def _file(typed: FormData) -> bytes:
    """One byte above the limit shows that it is too large. Raises Invalid."""
    sent = typed.get("file")
    raw = sent.file.read(safe.LIMIT_BYTES + 1) if isinstance(sent, UploadFile) else b""
    if not raw:
        raise Invalid("page_emergency.cap_file_missing", field="file")
    return raw


def _listing(
    page: Page,
    *,
    before: int | None = None,
    came_id: int | None = None,
    trouble: Problem | None = None,
    status: int = 200,
) -> Response:
    with page.context.database.read() as session:
        found = views.messages(
            session,
            page.context.texts,
            page.person,
            limit=_LINES + 1,
            before=before,
            language=page.language,
        )
    shown = found[:_LINES]
    return page.render(
        "emergency/cap.html",
        status,
        view="cap",
        messages=shown,
        came=next((one for one in shown if one.id == came_id), None),
        older=shown[-1].id if len(found) > _LINES else None,
        cap_tones={verdict.value: tone for verdict, tone in _TONES.items()},
        problem=trouble,
    )
