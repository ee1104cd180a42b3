"""The controller's own clockwork: its jobs, and wake-ups that came too late."""

from fastapi import APIRouter, Response

from controller.accounts import service as accounts
from controller.accounts.rules import Action
from controller.clockwork import views
from controller.web.page import InPage, Page

router = APIRouter()


@router.get("/he-thong")
def overview(page: InPage) -> Response:
    return _render(page, "clockwork/page.html")


@router.get("/he-thong/bang")
def table(page: InPage) -> Response:
    """The part that refreshes itself."""
    return _render(page, "clockwork/table.html")


def _render(page: Page, template: str) -> Response:
    accounts.require_anywhere(page.person, Action.MANAGE_STATIONS)
    with page.context.database.read() as session:
        seen = views.overview(session, page.now, page.person)
    return page.render(template, clockwork=seen)
