"""Composing an alert, or an update of one, on one page; kept as one goes."""

from dataclasses import dataclass, replace
from typing import Final

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse, RedirectResponse

from audio_library import SoundError
from controller.accounts import service as accounts
from controller.accounts.rules import Action
from controller.dispatch.tree import AreaTree
from controller.emergency import drafts, sounds
from controller.emergency.content import Certainty, Source, Urgency
from controller.emergency.schemas import AlertView, ContentView, VoiceView
from controller.errors import LoabanError
from controller.programmes.rules import LANGUAGES
from controller.web import times
from controller.web.alert_areas import nodes, spoken_in
from controller.web.alert_form import KINDS, SEVERITIES, ComposeForm, lengths, of_shown
from controller.web.alerts import LIST, alert_of, somebody, whom_of
from controller.web.forms import Problem, Refused, problem, status_of
from controller.web.page import InPage, Page, Posted
from schedules.errors import ScheduleError

router = APIRouter()
FIELD_OF: Final = {"emergency.expired_already": "validity_s", "emergency.bad_validity": "validity_s"}


@dataclass(frozen=True, slots=True)
class Found:
    """What a voice comes to: its words, its sound, and how the machine reads typed words."""

    source: str
    text: str
    sound_url: str | None
    reading: str


@router.get(f"{LIST}/moi")
def new(page: InPage, khu_vuc: str = "") -> Response:
    accounts.require_anywhere(page.person, Action.SEND_ALERT)
    return _form(page, ComposeForm(area_ids=(khu_vuc,) if khu_vuc else ()))


@router.post(f"{LIST}/moi")
def create(page: InPage, typed: Posted) -> Response:
    form = ComposeForm.of_typed(typed)
    return _save(page, form)


@router.get(f"{LIST}/{{alert_id}}/sua")
def edit(page: InPage, alert_id: str) -> Response:
    accounts.require_anywhere(page.person, Action.SEND_ALERT)
    with page.context.database.read() as session:
        alert = alert_of(page, session, alert_id)
        spoken = spoken_in(AreaTree.read(session), [area.id for area in _prepared(alert).areas])
    return _form(page, of_shown(alert, spoken), alert=alert)


@router.post(f"{LIST}/{{alert_id}}/sua")
def change(page: InPage, alert_id: str, typed: Posted) -> Response:
    return _save(page, replace(ComposeForm.of_typed(typed), draft=alert_id))


@router.post(f"{LIST}/luu")
def keep(page: InPage, typed: Posted) -> Response:
    """The draft as it stands, for the page that goes on; refused as long as it cannot be an alert."""
    try:
        alert_id = _store(page, ComposeForm.of_typed(typed))
    except Refused as error:
        trouble = at_its_field(page, error)
        return JSONResponse({"unfinished": trouble.sentence, "field": trouble.field})
    with page.context.database.read() as session:
        alert = alert_of(page, session, alert_id)
    voices = [_found(voice) for voice in _prepared(alert).voices]
    return JSONResponse(
        {
            "id": alert_id,
            "address": f"{LIST}/{alert_id}/sua",
            "saved": page.say("page_emergency.saved", when=times.to_the_second(page.context.now())),
            "voices": [
                {"language": voice.language, "text": found.text, "sound_url": found.sound_url}
                for voice, found in zip(_prepared(alert).voices, voices, strict=True)
            ],
        }
    )


@router.post(f"{LIST}/toi")
def whom(page: InPage, typed: Posted) -> Response:
    """Whom the form as it stands would reach at this moment: a piece of the page."""
    form = ComposeForm.of_typed(typed)
    with page.context.database.read() as session:
        return page.render("emergency/reach.html", **whom_of(page, session, form.area_ids, form.severity))


def _save(page: Page, form: ComposeForm) -> Response:
    try:
        alert_id = _store(page, form)
    except Refused as error:
        alert = None
        if form.draft:
            with page.context.database.read() as session:
                alert = alert_of(page, session, form.draft)
        return _form(page, form, at_its_field(page, error), status_of(error), alert)
    with page.context.database.read() as session:
        alert = alert_of(page, session, alert_id)
    return RedirectResponse(f"{LIST}/{alert_id}{'/xac-nhan' if alert.revision else ''}", 303)


def _store(page: Page, form: ComposeForm) -> str:
    """Checks and reads aloud first, so that no writing transaction waits for it."""
    with page.context.database.read() as session:
        form = form.following(spoken_in(AreaTree.read(session), form.area_ids))
    content = drafts.ready(page.context, page.person, form.alert())
    with page.context.database.write() as session:
        if not form.draft:
            return drafts.create(session, page.now, page.person, content).id
        drafts.edit(somebody(page, session), form.draft, content)
        return form.draft


def at_its_field(page: Page, error: LoabanError | ScheduleError | SoundError) -> Problem:
    """A trouble of one language stands in the part of that language."""
    found = problem(page, error, FIELD_OF)
    language = str(error.params.get("language", "")).removeprefix("label.language.")
    in_a_voice = language and (found.field in {"voices", "text", None})
    return Problem(found.sentence, f"voice-{language}") if in_a_voice else found


def _prepared(alert: AlertView) -> ContentView:
    """What is being composed: the update that is open, or what the alert says."""
    return alert.open.content if alert.open else alert.content


def _found(voice: VoiceView) -> Found:
    typed = voice.source is Source.TYPED and bool(voice.text)
    reading = sounds.words_of(voice.text, voice.language) if typed else ""
    return Found(voice.source.value, voice.text, voice.sound_url, reading)


def _form(
    page: Page,
    form: ComposeForm,
    trouble: Problem | None = None,
    status: int = 200,
    alert: AlertView | None = None,
) -> Response:
    with page.context.database.read() as session:
        areas = accounts.realm_areas(session, page.person, Action.SEND_ALERT)
        if not form.area_ids and len(areas) == 1:
            form = replace(form, area_ids=(areas[0].id,))
        shown = whom_of(page, session, form.area_ids, form.severity)
    form = form.following(shown["area_languages"])
    if not form.languages and not form.languages_chosen:
        form = replace(form, languages=LANGUAGES[:1])
    near = dict.fromkeys([*form.languages, *shown["area_languages"]])
    return page.render(
        "emergency/compose.html",
        status,
        form=form,
        problem=trouble,
        address=f"{LIST}/{form.draft}/sua" if form.draft else f"{LIST}/moi",
        updating=alert is not None and alert.revision > 0,
        areas=nodes(areas),
        kinds=KINDS,
        severities=SEVERITIES,
        languages=[language for language in near if language in LANGUAGES],
        others=[language for language in LANGUAGES if language not in near],
        resolved={voice.language: _found(voice) for voice in _prepared(alert).voices} if alert else {},
        end=form.offered_end,
        keeps_end=alert is not None and alert.in_force and form.offered_end == alert.expires_at,
        speaks=page.context.speech.languages(),
        validities=lengths(form.validity_s),
        urgencies=list(Urgency),
        certainties=list(Certainty),
        **shown,
    )
