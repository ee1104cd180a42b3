"""What the form of a schedule offers for its playlist."""

from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from controller.errors import Forbidden, NotFound
from controller.programmes import service as programmes
from controller.programmes.schemas import ProgrammeView
from controller.timetable import service as timetable
from controller.web.page import Page
from controller.web.schedule_form import ScheduleForm


@dataclass(frozen=True, slots=True)
class Choice:
    id: str
    title: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Choices:
    """`here` by their area's name; `kept` are chosen, though they cannot be heard there now."""

    here: dict[str, list[Choice]] = field(default_factory=dict)
    kept: list[Choice] = field(default_factory=list)

    @property
    def titles(self) -> dict[str, str]:
        everything = [*self.kept, *(one for group in self.here.values() for one in group)]
        return {one.id: one.title for one in everything}


def choices(page: Page, session: Session, form: ScheduleForm, schedule_id: str | None) -> Choices:
    """What the form's area may play, its own first; and what is on the form already, so that none is lost."""
    found = Choices()
    for one in sorted(_offered(page, session, form.area_id), key=lambda one: one.area_id != form.area_id):
        found.here.setdefault(one.area_name, []).append(Choice(one.id, one.title, one.seconds))
    known = found.titles
    present = _present(page, session, schedule_id)
    for programme_id in dict.fromkeys(form.programme_ids):
        if programme_id not in known:
            found.kept.append(present.get(programme_id) or _named(page, session, programme_id))
    return found


def _offered(page: Page, session: Session, area_id: str) -> list[ProgrammeView]:
    try:
        return programmes.offered(session, page.person, area_id)
    except (Forbidden, NotFound):
        return []


def _present(page: Page, session: Session, schedule_id: str | None) -> dict[str, Choice]:
    """The playlist of the schedule that is being changed."""
    if schedule_id is None:
        return {}
    items = timetable.schedule_view(session, page.now, page.person, schedule_id).items
    return {item.programme_id: Choice(item.programme_id, item.title, item.seconds) for item in items}


def _named(page: Page, session: Session, programme_id: str) -> Choice:
    try:
        one = programmes.get(session, page.person, programme_id)
    except NotFound:
        return Choice(programme_id, programme_id, 0.0)
    return Choice(one.id, one.title, one.seconds)
