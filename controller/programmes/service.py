"""Programmes: making, editing, submitting, deciding. Rights are asked for here, in `_reach` and `create`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy.orm import Session

from controller.accounts import rules as rights
from controller.accounts import service as accounts
from controller.accounts.rules import Action, Principal
from controller.areas import service as areas
from controller.errors import Conflict
from controller.programmes import checks, queries, views
from controller.programmes.errors import refused, unknown
from controller.programmes.rules import STEPS, Move, refusal, restored
from controller.programmes.schemas import ProgrammeView
from controller.programmes.tables import Programme, ProgrammeState
from schedules.category import Category


def create(
    session: Session,
    now: datetime,
    principal: Principal,
    *,
    area_id: str,
    title: str,
    category: Category,
    language: str,
    sound_sha256: str,
    id: str | None = None,  # noqa: A002
) -> Programme:
    """A draft. Raises Invalid, Forbidden, NotFound `areas.unknown`, Conflict `programmes.id_taken`."""
    accounts.require(session, principal, Action.EDIT_PROGRAMME, area_id)
    programme = Programme(
        id=_free_id(session, id),
        area_id=area_id,
        title=checks.title(title),
        category=category,
        language=checks.language(language),
        sound_sha256=_known_sound(session, sound_sha256),
        state=ProgrammeState.DRAFT,
        created_by=principal.person_id,
        created_at=now,
    )
    session.add(programme)
    session.flush()
    return programme


def edit(
    session: Session,
    now: datetime,
    principal: Principal,
    programme_id: str,
    *,
    title: str | None = None,
    category: Category | None = None,
    language: str | None = None,
    sound_sha256: str | None = None,
) -> Programme:
    """Change a draft, or one that was sent back; it is a draft again. What is None stays."""
    programme = _reach(session, principal, programme_id, Move.EDIT)
    values: dict[str, Any] = {
        "title": programme.title if title is None else checks.title(title),
        "category": category or programme.category,
        "language": programme.language if language is None else checks.language(language),
        "sound_sha256": programme.sound_sha256
        if sound_sha256 is None
        else _known_sound(session, sound_sha256),
        "edited_by": principal.person_id,
    }
    return _move(session, programme, Move.EDIT, values)


def submit(session: Session, now: datetime, principal: Principal, programme_id: str) -> Programme:
    programme = _reach(session, principal, programme_id, Move.SUBMIT)
    values = {
        "submitted_by": principal.person_id,
        "submitted_at": now,
        "decided_by": None,
        "decided_at": None,
        "reason": None,
    }
    return _move(session, programme, Move.SUBMIT, values)


def approve(session: Session, now: datetime, principal: Principal, programme_id: str) -> Programme:
    """Raises Forbidden `programmes.own_programme` to whose work it is, administrators too."""
    programme = _reach(session, principal, programme_id, Move.APPROVE)
    values = {"decided_by": principal.person_id, "decided_at": now, "reason": None}
    return _move(session, programme, Move.APPROVE, values)


def send_back(
    session: Session, now: datetime, principal: Principal, programme_id: str, reason: str
) -> Programme:
    """Raises Invalid `programmes.reason_missing`."""
    programme = _reach(session, principal, programme_id, Move.SEND_BACK)
    values = {"decided_by": principal.person_id, "decided_at": now, "reason": checks.reason(reason)}
    return _move(session, programme, Move.SEND_BACK, values)


def archive(session: Session, now: datetime, principal: Principal, programme_id: str) -> Programme:
    """It leaves the lists, and the schedules that name it play it no more."""
    return _move(session, _reach(session, principal, programme_id, Move.ARCHIVE), Move.ARCHIVE, {})


def unarchive(session: Session, now: datetime, principal: Principal, programme_id: str) -> Programme:
    """Back to what it was approved as, else to a draft; schedules that name an approved one play it again."""
    programme = _reach(session, principal, programme_id, Move.UNARCHIVE)
    state = restored(programme.decided_at, programme.reason)
    return _move(session, programme, Move.UNARCHIVE, {"state": state})


def require(session: Session, principal: Principal, programme_id: str, move: Move) -> None:
    """Raises what the move itself would raise before it looks at any field."""
    _reach(session, principal, programme_id, move)


def exists(session: Session, programme_id: str) -> bool:
    return queries.by_id(session, programme_id) is not None


def get(session: Session, principal: Principal, programme_id: str) -> ProgrammeView:
    """With its waveform. What is approved further up may be heard here, so it may be looked at here.

    Raises NotFound for everything else outside the person's realm, too.
    """
    found = queries.with_sound(session, programme_id)
    if found is None:
        raise unknown(programme_id)
    programme, sound, area_name = found
    chain = areas.chain_ids(session, programme.area_id)
    if not (rights.may(principal, Action.VIEW, chain) or _is_from_above(session, principal, programme)):
        raise unknown(programme_id)
    allowed = {action for action in Action if rights.may(principal, action, chain)}
    names = accounts.full_names(session, views.people_of([programme]))
    may = views.moves(programme, principal, allowed)
    view = views.view(programme, sound.seconds, area_name, names, may)
    return view.model_copy(update={"peaks": sound.peaks})


def listing(
    session: Session,
    principal: Principal,
    state: ProgrammeState | None = None,
    limit: int = 200,
    *,
    archived: bool = False,
) -> list[ProgrammeView]:
    """The newest in the person's realm; archived ones only when asked for."""
    realm = rights.granted_areas(principal, Action.VIEW)
    rows = queries.listing(session, realm, state, limit, archived=archived)
    return _views(session, principal, rows)


def offered(session: Session, principal: Principal, area_id: str) -> list[ProgrammeView]:
    """What a schedule of this area may play: approved programmes of it and of the areas above it.

    The newest first. Raises Forbidden, NotFound `areas.unknown`.
    """
    accounts.require(session, principal, Action.SCHEDULE, area_id)
    return _views(session, principal, queries.approved_of(session, areas.chain_ids(session, area_id)))


def _is_from_above(session: Session, principal: Principal, programme: Programme) -> bool:
    mine = rights.granted_areas(principal, Action.VIEW)
    approved = programme.state is ProgrammeState.APPROVED
    return approved and bool(areas.those_below(session, mine, [programme.area_id]))


def _views(session: Session, principal: Principal, rows: Sequence[queries.Listed]) -> list[ProgrammeView]:
    area_ids = {programme.area_id for programme, _seconds, _name in rows}
    names = accounts.full_names(session, views.people_of(row[0] for row in rows))
    realms = {action: accounts.within(session, principal, action, area_ids) for action in views.ACTIONS}
    listed: list[ProgrammeView] = []
    for programme, seconds, area_name in rows:
        allowed = {action for action, realm in realms.items() if programme.area_id in realm}
        may = views.moves(programme, principal, allowed)
        listed.append(views.view(programme, seconds, area_name, names, may))
    return listed


def _reach(session: Session, principal: Principal, programme_id: str, move: Move) -> Programme:
    """The programme, if this person may make this move on it now; else the reason why not."""
    programme = queries.by_id(session, programme_id)
    if programme is None:
        raise unknown(programme_id)
    accounts.require(session, principal, STEPS[move].action, programme.area_id)
    why_not = refusal(move, programme.state, own_work=programme.is_work_of(principal.person_id))
    if why_not:
        raise refused(move, why_not, programme.title)
    return programme


def _move(session: Session, programme: Programme, move: Move, values: dict[str, Any]) -> Programme:
    step = STEPS[move]
    if not queries.change(session, programme.id, step.sources, {"state": step.target, **values}):
        raise Conflict("programmes.changed_meanwhile", title=programme.title)
    session.refresh(programme)
    return programme


def _free_id(session: Session, wanted: str | None) -> str:
    if wanted is None:
        return str(uuid4())
    if queries.by_id(session, checks.programme_id(wanted)):
        raise Conflict("programmes.id_taken", field="id", programme=wanted)
    return wanted


def _known_sound(session: Session, sha256: str) -> str:
    return checks.sound(sha256, known=queries.known_sound(session, sha256))
