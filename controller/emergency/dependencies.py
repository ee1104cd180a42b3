"""How requests reach the desk. An act waits for nothing that other requests wait for: it has threads and
database connections of its own, from the look-up of who is asking to the answer.
"""

import asyncio
from collections.abc import Callable
from typing import Annotated, cast

from fastapi import Depends, Request

from controller.accounts import service as accounts
from controller.accounts.dependencies import SignedIn, token_of
from controller.accounts.errors import sign_in_needed
from controller.boards import boards
from controller.boards.desk import Desk
from controller.emergency.actor import Somebody
from controller.emergency.acts import Act
from controller.emergency.errors import changed_meanwhile
from controller.emergency.schemas import ActAnswer
from controller.web.dependencies import InContext, Reading, Writing


async def get_desk(request: Request) -> Desk:
    return cast("Desk", request.app.state.desk)


TheDesk = Annotated[Desk, Depends(get_desk)]


async def pending_acts(desk: TheDesk) -> tuple[Act, ...]:
    return desk.pending()


PendingActs = Annotated[tuple[Act, ...], Depends(pending_acts)]
"""Carried out, and perhaps not in the database yet."""


def _looking(session: Reading, context: InContext, principal: SignedIn, pending: PendingActs) -> Somebody:
    return Somebody(session, context, context.now(), principal, pending)


def _changing(session: Writing, context: InContext, principal: SignedIn, pending: PendingActs) -> Somebody:
    return Somebody(session, context, context.now(), principal, pending)


Looking = Annotated[Somebody, Depends(_looking, scope="function")]
"""Whoever asks, in a transaction that only looks."""
Changing = Annotated[Somebody, Depends(_changing, scope="function")]
"""Whoever asks, in the request's transaction."""


async def carry_out(request: Request, alert_id: str, make: Callable[[Somebody], Act]) -> ActAnswer:
    """Make the act and perform it, all on the desk's own threads. Raises LoabanError."""
    desk = cast("Desk", request.app.state.desk)
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(desk.pool, _carry_out, desk, request, alert_id, make)


def _carry_out(desk: Desk, request: Request, alert_id: str, make: Callable[[Somebody], Act]) -> ActAnswer:
    context = desk.context
    with context.database.read() as session:
        token = token_of(request)
        person = accounts.principal_of(session, context.now(), token) if token else None
        if person is None:
            raise sign_in_needed()
        request.state.language = person.language
        newest = desk.newest(alert_id)
        pending = (*desk.pending(), *((newest,) if newest else ()))
        act = make(Somebody(session, context, context.now(), person, pending))
    return performed(desk, act)


def performed(desk: Desk, act: Act) -> ActAnswer:
    """Perform the act and tell how far it came; of one that was performed before, what it did then.

    Raises Conflict `emergency.changed_meanwhile` where other acts on the alert hold, and this one never did.
    """
    progress = desk.perform(act)
    holds = boards.alike(progress.act, act)
    done = progress.act if holds else desk.recorded(act.alert_id, act.revision)
    if done is None or not boards.alike(done, act):
        raise changed_meanwhile()
    act = done
    return ActAnswer(
        alert_id=act.alert_id,
        revision=act.revision,
        sounding=act.alert.sounding if act.alert else None,
        at=act.at,
        published_at=progress.published_at,
        recorded=progress.recorded,
    )
