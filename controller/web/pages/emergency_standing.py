"""Standing messages: what there is for each kind and language, making them, and approving them."""

from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData

from audio_library import SoundError
from controller.accounts import service as accounts
from controller.accounts.rules import Action
from controller.emergency import sounds, standing
from controller.emergency.content import Source
from controller.emergency.rules import StandingMove
from controller.emergency.schemas import StandingForm, StandingView
from controller.emergency.tables import StandingState, StandingUse
from controller.errors import Invalid, LoabanError, NotFound
from controller.programmes.rules import LANGUAGES
from controller.web.alert_form import VoiceTyped, voice_typed
from controller.web.alerts import MATRIX
from controller.web.forms import Problem, Refused, area_choices, problem, status_of, text
from controller.web.page import InPage, Page, Posted
from schedules.errors import ScheduleError

router = APIRouter()
_DONE: Final = frozenset({"approved", "retired", "made"})


@dataclass(frozen=True, slots=True)
class Cell:
    """How many messages there are for one use in one language."""

    approved: int
    waiting: int


@dataclass(frozen=True, slots=True)
class MakingForm:
    """A message as it is typed."""

    area_id: str
    voice: VoiceTyped


@router.get(MATRIX)
def matrix(page: InPage, xong: str = "") -> Response:
    return _matrix(page, done=xong if xong in _DONE else "")


@router.get(f"{MATRIX}/{{use}}/{{language}}")
def cell(page: InPage, use: str, language: str, xong: str = "") -> Response:
    return _cell(page, use, language, done=xong if xong in _DONE else "")


@router.post(f"{MATRIX}/{{message_id}}/duyet")
def approve(page: InPage, message_id: str, typed: Posted) -> Response:
    return _decide(page, message_id, StandingMove.APPROVE, typed)


@router.post(f"{MATRIX}/{{message_id}}/thoi-dung")
def retire(page: InPage, message_id: str, typed: Posted) -> Response:
    return _decide(page, message_id, StandingMove.RETIRE, typed)


@router.post(f"{MATRIX}/{{use}}/{{language}}")
def make(page: InPage, use: str, language: str, typed: Posted) -> Response:
    accounts.require_anywhere(page.person, Action.MAKE_STANDING)
    form = MakingForm(text(typed, "area_id"), voice_typed(typed, language))
    try:
        wanted = _wanted(page, use, language, form)
        with page.context.database.write() as session:
            standing.make(session, page.now, page.person, wanted)
    except Refused as error:
        trouble = _at_its_field(page, error, language)
        return _cell(page, use, language, form=form, trouble=trouble, status=status_of(error))
    return RedirectResponse(f"{MATRIX}/{use}/{language}?xong=made", 303)


def _decide(page: Page, message_id: str, move: StandingMove, typed: FormData) -> Response:
    try:
        with page.context.database.write() as session:
            standing.decide(session, page.now, page.person, message_id, move)
    except Refused as error:
        return _matrix(page, trouble=problem(page, error), status=status_of(error))
    page.context.wake("dispatch")
    done = "approved" if move is StandingMove.APPROVE else "retired"
    back = text(typed, "back")
    return RedirectResponse(f"{back if back.startswith(f'{MATRIX}/') else MATRIX}?xong={done}", 303)


def _wanted(page: Page, use: str, language: str, form: MakingForm) -> StandingForm:
    """With a sound: typed words are read aloud here, before any writing transaction. Raises Invalid."""
    if not form.area_id:
        raise Invalid("page_programmes.area_missing", field="area_id")
    voice = form.voice
    sound = voice.sound
    if voice.source == Source.TYPED and not voice.text:
        raise Invalid("page_emergency.text_empty", field=f"voice-{language}")
    if voice.source == Source.TYPED and (not sound or voice.said != voice.text):
        sound = sounds.from_text(page.context, voice.text, language).sha256
    if not sound:
        raise Invalid("page_emergency.standing_sound_missing", field=f"voice-{language}")
    return StandingForm(use=use, language=language, area_id=form.area_id, text=voice.text, sound_sha256=sound)


def _at_its_field(page: Page, error: LoabanError | ScheduleError | SoundError, language: str) -> Problem:
    found = problem(page, error)
    return found if found.field in {"area_id", "use"} else Problem(found.sentence, f"voice-{language}")


def _matrix(page: Page, *, done: str = "", trouble: Problem | None = None, status: int = 200) -> Response:
    accounts.require_anywhere(page.person, Action.VIEW)
    with page.context.database.read() as session:
        found = standing.listing(session, page.person)
        areas = accounts.realm_areas(session, page.person)
    spoken = {language for area in areas for language in area.languages or ()}
    spoken |= {one.language for one in found} | {LANGUAGES[0]}
    languages = [language for language in LANGUAGES if language in spoken]
    return page.render(
        "emergency/standing.html",
        status,
        view="standing",
        waiting=[one for one in found if one.state is StandingState.WAITING],
        lacking=[one for one in found if one.in_use and one.lacking],
        not_told=max((one.not_told for one in found if one.in_use), default=0),
        uses=standing.USES,
        languages=languages,
        others=[language for language in LANGUAGES if language not in languages],
        matrix={(use, one): _count(found, use, one) for use in standing.USES for one in languages},
        use_name=lambda use: use_name(page, use),
        done=done,
        problem=trouble,
    )


def _count(found: list[StandingView], use: str, language: str) -> Cell:
    mine = [one for one in found if (one.use, one.language) == (use, language)]
    approved = sum(one.state is StandingState.APPROVED for one in mine)
    return Cell(approved, sum(one.state is StandingState.WAITING for one in mine))


def _cell(
    page: Page,
    use: str,
    language: str,
    *,
    form: MakingForm | None = None,
    trouble: Problem | None = None,
    status: int = 200,
    done: str = "",
) -> Response:
    accounts.require_anywhere(page.person, Action.VIEW)
    if use not in standing.USES or language not in LANGUAGES:
        raise NotFound("page_emergency.unknown_use")
    with page.context.database.read() as session:
        found = standing.listing(session, page.person)
        areas = area_choices(accounts.realm_areas(session, page.person, Action.MAKE_STANDING))
    first = areas[0].id if areas else ""
    speaks = language in page.context.speech.languages()
    usual = Source.TYPED if speaks else Source.RECORDED
    order = list(StandingState)
    mine = [one for one in found if (one.use, one.language) == (use, language)]
    return page.render(
        "emergency/standing_one.html",
        status,
        use=use,
        language=language,
        known=sorted(mine, key=lambda one: (order.index(one.state), not one.in_use)),
        areas=areas,
        form=form or MakingForm(first, VoiceTyped(source=usual.value)),
        speaks=speaks,
        use_name=lambda one: use_name(page, one),
        here=f"{MATRIX}/{use}/{language}",
        problem=trouble,
        done=done,
    )


def use_name(page: Page, use: str) -> str:
    section = "standing_use" if use in set(StandingUse) else "alert_kind"
    return page.say(f"label.{section}.{use}")
