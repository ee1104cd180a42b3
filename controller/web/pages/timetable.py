"""The timetable: schedules, their form with a preview, and withdrawing them."""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from controller.accounts import service as accounts
from controller.accounts.rules import Action
from controller.errors import NotFound
from controller.playback.summary import summaries
from controller.programmes import service as programmes
from controller.timetable import rules
from controller.timetable import service as timetable
from controller.timetable.schemas import ConflictView, ScheduleDraft
from controller.web.forms import Problem, Refused, area_choices, problem, status_of
from controller.web.page import InPage, Page, Posted
from controller.web.playlist import choices
from controller.web.schedule_form import FIELD_OF, FREQUENCIES, ScheduleForm
from controller.web.wording import rule_in_words
from schedules.rule import expand, next_after
from wire.ids import TIMETABLE_LATENESS

router = APIRouter()
LIST: Final = "/lich-phat"
_SHOWN_STARTS: Final = 5
_FAR: Final = timedelta(days=400)
_DONE: Final = frozenset({"saved", "withdrawn"})


@router.get(LIST)
def listing(page: InPage, xong: str = "") -> Response:
    with page.context.database.read() as session:
        found = timetable.listing(session, page.now, page.person)
    ordered = sorted(
        found,
        key=lambda one: (not one.waiting_for, one.next_start is None, one.next_start or page.now, one.title),
    )
    return page.render(
        "timetable/list.html",
        schedules=ordered,
        in_words=_wording(page),
        done=xong if xong in _DONE else "",
    )


@router.get(f"{LIST}/moi")
def new(page: InPage, chuong_trinh: str = "") -> Response:
    accounts.require_anywhere(page.person, Action.SCHEDULE)
    chosen = (chuong_trinh,) if chuong_trinh else ()
    form = ScheduleForm(programme_ids=chosen, start_date=page.today.isoformat())
    return _form(page, form, untouched=not chosen)


@router.post(f"{LIST}/moi")
def create(page: InPage, typed: Posted) -> Response:
    return _save(page, ScheduleForm.of_typed(typed), None)


@router.post(f"{LIST}/xem-truoc")
def preview(page: InPage, typed: Posted, lich: str = "") -> Response:
    """What the form as it stands would do: its next starts, and what it would collide with."""
    form = ScheduleForm.of_typed(typed)
    with page.context.database.read() as session:
        return page.render(
            "timetable/preview.html", untouched=False, **_preview(page, session, form, lich or None)
        )


@router.post(f"{LIST}/chuong-trinh")
def playlist(page: InPage, typed: Posted, lich: str = "") -> Response:
    """The form's playlist with what its area may play."""
    form = ScheduleForm.of_typed(typed)
    with page.context.database.read() as session:
        found = choices(page, session, form, lich or None)
    return page.render("timetable/playlist.html", form=form, choices=found, problem=None)


@router.get(f"{LIST}/{{schedule_id}}")
def one(page: InPage, schedule_id: str) -> Response:
    since, until = page.now - timedelta(days=7), page.now + timedelta(days=15)
    with page.context.database.read() as session:
        schedule = timetable.schedule_view(session, page.now, page.person, schedule_id)
        nearby = timetable.occurrences(
            session, page.now, page.person, schedule.area_id, since=since, until=until
        )
        mine = [occurrence for occurrence in nearby if occurrence.schedule_id == schedule_id]
        past = [occurrence for occurrence in reversed(mine) if occurrence.is_past(page.now)][:10]
        deadline_s = page.context.settings.report_deadline_s
        went = summaries(session, page.now, page.person, past, report_deadline_s=deadline_s)
    return page.render(
        "timetable/one.html",
        schedule=schedule,
        in_words=_wording(page),
        coming=[occurrence for occurrence in mine if not occurrence.is_past(page.now)][:10],
        past=past,
        went=went,
    )


@router.get(f"{LIST}/{{schedule_id}}/sua")
def edit(page: InPage, schedule_id: str) -> Response:
    with page.context.database.read() as session:
        timetable.schedule_view(session, page.now, page.person, schedule_id)
        draft = timetable.of_schedule(timetable.changeable(session, page.person, schedule_id))
    return _form(page, ScheduleForm.of_draft(draft), schedule_id=schedule_id)


@router.post(f"{LIST}/{{schedule_id}}/sua")
def change(page: InPage, schedule_id: str, typed: Posted) -> Response:
    return _save(page, ScheduleForm.of_typed(typed), schedule_id)


@router.post(f"{LIST}/{{schedule_id}}/huy")
def withdraw(page: InPage, schedule_id: str) -> Response:
    with page.context.database.write() as session:
        timetable.withdraw(session, page.now, page.person, schedule_id)
    page.context.wake("dispatch")
    return RedirectResponse(f"{LIST}?xong=withdrawn", 303)


def _save(page: Page, form: ScheduleForm, schedule_id: str | None) -> Response:
    """Saved at once, unless it collides with something that the person has not been shown yet."""
    days = page.context.settings.plan_days
    try:
        with page.context.database.read() as session:
            draft = form.draft(page.now, choices(page, session, form, schedule_id).titles)
            found = timetable.draft_conflicts(session, page.now, page.person, draft, schedule_id=schedule_id)
        if found and fingerprint(found) != form.seen:
            return _form(page, form, unseen=True, status=409, schedule_id=schedule_id)
        with page.context.database.write() as session:
            if schedule_id:
                timetable.change(session, page.now, page.person, schedule_id, draft, days=days)
            else:
                timetable.create(session, page.now, page.person, draft, days=days)
    except Refused as error:
        trouble = problem(page, error, FIELD_OF)
        return _form(page, form, trouble, status=status_of(error), schedule_id=schedule_id)
    page.context.wake("dispatch")
    return RedirectResponse(f"{LIST}?xong=saved", 303)


def fingerprint(found: Sequence[ConflictView]) -> str:
    """The same for the same collisions, whenever they are looked at."""
    named = sorted(f"{one.schedule_id} {one.loser} {one.effect}" for one in found)
    return hashlib.sha256("\n".join(named).encode()).hexdigest()[:16] if named else ""


def _form(
    page: Page,
    form: ScheduleForm,
    trouble: Problem | None = None,
    *,
    unseen: bool = False,
    untouched: bool = False,
    status: int = 200,
    schedule_id: str | None = None,
) -> Response:
    with page.context.database.read() as session:
        areas = area_choices(accounts.realm_areas(session, page.person, Action.SCHEDULE))
        if not form.area_id and areas:
            form = replace(form, area_id=_home(page, session, form, [area.id for area in areas]))
        found = choices(page, session, form, schedule_id)
        shown = _preview(page, session, form, schedule_id)
    return page.render(
        "timetable/form.html",
        status,
        form=form,
        problem=trouble,
        unseen=unseen,
        untouched=untouched,
        schedule_id=schedule_id,
        areas=areas,
        choices=found,
        frequencies=FREQUENCIES,
        priorities=[priority.value for priority in rules.PRIORITIES],
        lateness_rules=list(TIMETABLE_LATENESS),
        **shown,
    )


def _home(page: Page, session: Session, form: ScheduleForm, areas: Sequence[str]) -> str:
    """The area of the first programme, if this person may schedule there; else the widest one."""
    for programme_id in form.programme_ids[:1]:
        with suppress(NotFound):
            area_id = programmes.get(session, page.person, programme_id).area_id
            return area_id if area_id in areas else areas[0]
    return areas[0]


def _preview(page: Page, session: Session, form: ScheduleForm, schedule_id: str | None) -> dict[str, Any]:
    try:
        draft = form.draft(page.now, choices(page, session, form, schedule_id).titles)
        found = timetable.draft_conflicts(session, page.now, page.person, draft, schedule_id=schedule_id)
        starts = next_starts(draft, page.now)
    except Refused as error:
        return {"starts": [], "conflicts": [], "fingerprint": "", "not_yet": problem(page, error).sentence}
    return {"starts": starts, "conflicts": found, "fingerprint": fingerprint(found), "not_yet": ""}


def next_starts(draft: ScheduleDraft, now: datetime) -> list[datetime]:
    first = next_after(draft.rule, now)
    if first is None:
        return []
    starts = expand(draft.rule, first, first + _FAR)
    return [start for start, _ in zip(starts, range(_SHOWN_STARTS), strict=False)]


def _wording(page: Page) -> Any:
    return lambda rule: rule_in_words(page.say, rule, page.today)
