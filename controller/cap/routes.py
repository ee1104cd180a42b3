"""HTTP for CAP: messages in, our alerts out. What goes out is for everybody."""

import asyncio
import hashlib
from datetime import timedelta
from typing import Annotated, Any, Final, cast

from fastapi import APIRouter, HTTPException, Query, Request, Response

from controller.accounts import service as accounts
from controller.accounts.dependencies import SignedIn, token_of
from controller.accounts.errors import sign_in_needed
from controller.accounts.rules import Action, Principal
from controller.cap import feed, queries, safe, sources, views
from controller.cap.errors import Refused, Repeated
from controller.cap.feed import Entry
from controller.cap.schemas import CapMessageView, Wanted
from controller.cap.service import Arrival, Reception
from controller.cap.tables import CapMessageRow, CapVerdict, Via
from controller.context import Context
from controller.emergency.content import Content
from controller.emergency.tables import AlertRevision
from controller.errors import NotFound
from controller.web.dependencies import InContext, Reading

router = APIRouter(tags=["cap"])

_PATIENCE_BYTES: Final = 4 * safe.LIMIT_BYTES
_STAYS_LISTED: Final = timedelta(hours=48)


@router.post("/api/cap")
async def take(request: Request, context: InContext) -> CapMessageView:
    """One CAP 1.2 message as the body, from a source with its token or an alert officer.

    What is refused is answered with a problem document, and is kept as well.
    """
    knows, language = await asyncio.to_thread(_asker, request, context)
    arrival = knows(await _body(request))
    reception = Reception(context, request.app.state.desk)
    row = await asyncio.to_thread(reception.take, arrival)
    _raise_if_refused(row)
    return await asyncio.to_thread(_view, context, row, language)


@router.get("/api/cap/messages")
def messages(
    session: Reading, context: InContext, principal: SignedIn, wanted: Annotated[Wanted, Query()]
) -> list[CapMessageView]:
    """The newest first."""
    return views.messages(
        session,
        context.texts,
        principal,
        limit=wanted.limit,
        before=wanted.before,
        verdicts=wanted.verdict,
    )


@router.get("/api/cap/messages/{message_id}/raw")
def raw(session: Reading, principal: SignedIn, message_id: int) -> Response:
    """As it came, to be saved and not to be shown: anybody may have written it."""
    headers = {"Content-Disposition": f'attachment; filename="cap-{message_id}.xml"'}
    return Response(views.raw(session, principal, message_id), media_type=feed.CAP_TYPE, headers=headers)


@router.get("/cap/feed.atom")
def atom(request: Request, session: Reading, context: InContext) -> Response:
    """Every alert in force, and those that changed in the last two days."""
    now = context.now()
    since = now - _STAYS_LISTED
    entries = [_entry(context, revision) for revision in queries.published(session, since)]
    title = context.texts.say("vi", "cap.feed_title")
    body = feed.atom(_base(request, context), title, context.settings.cap_sender, entries, since)
    return _cached(request, body, feed.ATOM_TYPE, "public, max-age=10")


@router.get("/cap/{identifier}.xml")
def message(request: Request, session: Reading, identifier: str) -> Response:
    """One of our messages. It never changes: an update has an identifier of its own."""
    xml = queries.xml_named(session, identifier)
    if xml is None:
        raise NotFound("cap.unknown_message")
    return _cached(request, xml.encode(), feed.CAP_TYPE, "public, max-age=86400, immutable")


class _Knows:
    """Who brings the message."""

    def __init__(self, source: sources.Source | None, by: str, officer: Principal | None = None) -> None:
        self._source = source
        self._by = by
        self._officer = officer

    def __call__(self, raw: bytes) -> Arrival:
        return Arrival(raw, Via.HTTP, self._source, self._by, officer=self._officer)


def _asker(request: Request, context: Context) -> tuple[_Knows, str]:
    """A source by its token, else an alert officer. Raises SignInNeeded, Forbidden, Invalid."""
    token = token_of(request)
    if not token:
        raise sign_in_needed()
    with context.database.read() as session:
        principal = accounts.principal_of(session, context.now(), token)
    if principal is not None:
        request.state.language = principal.language
        accounts.require_anywhere(principal, Action.SEND_ALERT)
        return _Knows(None, principal.username, principal), principal.language
    source = sources.load(context.settings.data_dir).with_token(token)
    if source is None:
        raise sign_in_needed()
    return _Knows(source, source.name), "vi"


async def _body(request: Request) -> bytes:
    """One byte above the limit shows that it is too large. What follows is heard out, so that the answer is.

    Raises HTTPException 413 where there is no end to it.
    """
    found, heard_bytes = bytearray(), 0
    async for block in request.stream():
        heard_bytes += len(block)
        found += block[: safe.LIMIT_BYTES + 1 - len(found)]
        if heard_bytes > _PATIENCE_BYTES:
            raise HTTPException(413)
    return bytes(found)


def _raise_if_refused(row: CapMessageRow) -> None:
    """Raises Refused, or Repeated for what came before."""
    if row.verdict is not CapVerdict.REFUSED or row.reason is None:
        return
    kind = Repeated if row.reason == "cap.replayed" else Refused
    params: dict[str, Any] = {
        name: value for name, value in row.params.items() if isinstance(value, str | int | float)
    }
    raise kind(row.reason, **{**params, "message_id": row.id})


def _view(context: Context, row: CapMessageRow, language: str) -> CapMessageView:
    with context.database.read() as session:
        return views.one(session, row, context.texts, language)


def _entry(context: Context, revision: AlertRevision) -> Entry:
    content = Content.model_validate(revision.content)
    title = content.title or context.texts.say("vi", f"label.alert_kind.{content.kind}")
    if content.drill:
        title = context.texts.say("vi", "cap.drill_title", title=title)
    said = next((voice.text for voice in content.voices if voice.text), title)
    identifier = cast("str", revision.cap_identifier)
    return Entry(identifier, title, said, revision.done_at or revision.made_at)


def _base(request: Request, context: Context) -> str:
    return (context.settings.public_url or str(request.base_url)).rstrip("/")


def _cached(request: Request, body: bytes, media_type: str, cache: str) -> Response:
    """With a digest as its ETag; 304 for who has it already."""
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": cache}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=f"{media_type}; charset=utf-8", headers=headers)
