"""Acts that make loudspeakers sound or fall silent: on the desk's own threads and connections."""

import asyncio
from collections.abc import Callable

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from controller.accounts.dependencies import maybe_signed_in
from controller.emergency import acting
from controller.emergency.acting import Confirmation
from controller.emergency.actor import Actor, Somebody
from controller.emergency.acts import Act
from controller.emergency.checks import confirmation
from controller.emergency.dependencies import carry_out
from controller.emergency.tables import ActKind
from controller.errors import Conflict, Forbidden, Invalid, LoabanError
from controller.web.alerts import LIST, alert_of, desk_of
from controller.web.forms import Problem, text
from controller.web.page import Page, make_page
from controller.web.pages.emergency import board_page, confirmation_page

router = APIRouter()
Shown = Callable[[Page, Session, Problem, int], Response]


@router.post(f"{LIST}/{{alert_id}}/phat")
async def press(request: Request, alert_id: str) -> Response:
    return await _confirmed(request, alert_id, ActKind.PRESS, acting.press)


@router.post(f"{LIST}/{{alert_id}}/cap-nhat")
async def update(request: Request, alert_id: str) -> Response:
    return await _confirmed(request, alert_id, ActKind.UPDATE, acting.update)


@router.post(f"{LIST}/{{alert_id}}/phat-lai")
async def repeat(request: Request, alert_id: str) -> Response:
    return await _confirmed(request, alert_id, ActKind.REPEAT, acting.repeat)


@router.post(f"{LIST}/{{alert_id}}/gia-han")
async def extend(request: Request, alert_id: str) -> Response:
    typed = await request.form()

    def make(by: Somebody) -> Act:
        return acting.extend(by, alert_id, minutes=_number(typed, "minutes"), seen=_seen(typed))

    return await _act(request, alert_id, make, _board_again(alert_id), "?xong=extended")


@router.post(f"{LIST}/{{alert_id}}/huy")
async def cancel(request: Request, alert_id: str) -> Response:
    typed = await request.form()

    def make(by: Somebody) -> Act:
        return acting.cancel(by, alert_id, all_clear=text(typed, "all_clear") == "yes", seen=_seen(typed))

    return await _act(request, alert_id, make, _board_again(alert_id), "?xong=cancelled")


async def _confirmed(
    request: Request, alert_id: str, what: ActKind, do: Callable[[Actor, str, Confirmation], Act]
) -> Response:
    typed = await request.form()

    def make(by: Somebody) -> Act:
        return do(by, alert_id, _confirmation(typed))

    return await _act(request, alert_id, make, _confirm_again(alert_id, typed, what))


async def _act(
    request: Request, alert_id: str, make: Callable[[Somebody], Act], again: Shown, done: str = ""
) -> Response:
    """To the board; or the page again, with what is wrong."""
    try:
        await carry_out(request, alert_id, make)
    except (Conflict, Forbidden, Invalid) as error:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(desk_of(request).pool, _again, request, again, error)
    return RedirectResponse(f"{LIST}/{alert_id}{done}", 303)


def _again(request: Request, again: Shown, error: LoabanError) -> Response:
    context = desk_of(request).context
    page = make_page(request, context, maybe_signed_in(request, context))
    trouble = Problem(page.say(error.key, **error.params), error.field)
    with context.database.read() as session:
        return again(page, session, trouble, error.status)


def _confirm_again(alert_id: str, typed: FormData, what: ActKind) -> Shown:
    words = text(typed, "confirm")

    def shown(page: Page, session: Session, trouble: Problem, status: int) -> Response:
        alert = alert_of(page, session, alert_id)
        return confirmation_page(page, session, alert, what, trouble=trouble, status=status, typed=words)

    return shown


def _board_again(alert_id: str) -> Shown:
    def shown(page: Page, session: Session, trouble: Problem, status: int) -> Response:
        return board_page(page, session, alert_of(page, session, alert_id), trouble=trouble, status=status)

    return shown


def _confirmation(typed: FormData) -> Confirmation:
    """Raises Invalid for a button that was not held."""
    held_s = _number(typed, "held_s") if text(typed, "held_s") else 0.0
    confirmed = confirmation(text(typed, "confirm"), held_s)
    return Confirmation(confirmed, text(typed, "digest") or None, _seen(typed))


def _seen(typed: FormData) -> int | None:
    seen = text(typed, "seen")
    return int(seen) if seen.isdecimal() else None


def _number(typed: FormData, name: str) -> float:
    try:
        return float(text(typed, name))
    except ValueError as error:
        raise Invalid("web.shape.number", field=name, name=name) from error
