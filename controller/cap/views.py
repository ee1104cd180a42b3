"""CAP messages and feeds as people and programs see them."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy.orm import Session

from controller.accounts import service as accounts
from controller.accounts.rules import Action, Principal
from controller.areas import service as areas
from controller.cap import queries
from controller.cap.schemas import AreaShown, CapMessageView
from controller.cap.tables import CapMessageRow, CapVerdict
from controller.errors import NotFound
from controller.web.texts import Texts


def messages(
    session: Session,
    texts: Texts,
    principal: Principal,
    *,
    limit: int = 50,
    before: int | None = None,
    verdicts: Sequence[CapVerdict] = (),
    language: str | None = None,
) -> list[CapMessageView]:
    """The newest first; `before` is the id of the last one seen. Raises Forbidden.

    In `language`, else in the person's own.
    """
    accounts.require_anywhere(principal, Action.SEE_CAP)
    rows = queries.newest(session, limit, before, verdicts)
    ids = {area_id for row in rows for area_id in row.params.get("areas", ())}
    names = areas.names(session, ids)
    return [view(row, texts, language or principal.language, names) for row in rows]


def senders(session: Session, alert_ids: Collection[str]) -> dict[str, str]:
    """Who sent what each of these alerts came from; nothing about those that came from no message."""
    return queries.senders(session, alert_ids) if alert_ids else {}


def raw(session: Session, principal: Principal, message_id: int) -> bytes:
    """As it came. Raises Forbidden, NotFound `cap.unknown_message`."""
    accounts.require_anywhere(principal, Action.SEE_CAP)
    row = queries.message(session, message_id)
    if row is None:
        raise NotFound("cap.unknown_message")
    return row.raw


def one(session: Session, row: CapMessageRow, texts: Texts, language: str) -> CapMessageView:
    return view(row, texts, language, areas.names(session, row.params.get("areas", ())))


def view(row: CapMessageRow, texts: Texts, language: str, names: dict[str, str]) -> CapMessageView:
    return CapMessageView(
        id=row.id,
        received_at=row.received_at,
        via=row.via,
        source=row.source,
        identifier=row.identifier,
        sender=row.sender,
        sent=row.sent,
        summary=row.summary,
        verdict=row.verdict,
        reason=row.reason,
        sentence=sentence(row.reason, row.params, texts, language),
        alert_id=row.alert_id,
        areas=tuple(AreaShown(id=id_, name=names.get(id_, id_)) for id_ in row.params.get("areas", ())),
    )


def sentence(reason: str | None, params: dict[str, Any], texts: Texts, language: str) -> str:
    """Why, in that language; `why` among the params is an error of ours with its own sentence."""
    if reason is None:
        return ""
    why = params.get("why")
    if why is None:
        return texts.say(language, reason, **params)
    return texts.say(language, reason, **{**params, "why": texts.say(language, why["key"], **why["params"])})
