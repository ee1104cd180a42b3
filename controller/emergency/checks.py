"""What an alert must be before it may be kept or sent; each check says what to change."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from controller.accounts import rules as rights
from controller.accounts.errors import not_your_role, outside_your_area
from controller.accounts.rules import Action, Principal
from controller.areas.errors import unknown as unknown_area
from controller.areas.rules import short_slug, slug
from controller.dispatch.tree import AreaTree
from controller.emergency import errors, prepared, queries
from controller.emergency.content import (
    LONGEST_TEXT,
    LONGEST_VALIDITY_S,
    MOST_AREAS,
    SHORTEST_VALIDITY_S,
    Content,
    Source,
    VoiceContent,
)
from controller.emergency.schemas import AlertForm, VoiceForm
from controller.errors import Invalid
from controller.programmes.rules import LANGUAGES
from controller.stations import queries as stations

HELD = "held"
LEAST_HELD_S = 1.5
MOST_REPEATS = 10


def composed(form: AlertForm) -> Content:
    """The form as content, each area and language once. Raises Invalid."""
    area_ids = tuple(dict.fromkeys(form.area_ids))
    if not area_ids:
        raise errors.no_area()
    if len(area_ids) > MOST_AREAS:
        raise errors.too_many_areas()
    _check_figures(form)
    return Content(
        kind=form.kind,
        severity=form.severity,
        urgency=form.urgency,
        certainty=form.certainty,
        drill=form.drill,
        title=" ".join(plain(form.title).split()),
        area_ids=area_ids,
        voices=_voices(form.voices),
        repeats=form.repeats,
        validity_s=form.validity_s,
        expires_at=form.expires_at,
        late=form.late,
    )


def verified(
    session: Session,
    now: datetime,
    principal: Principal | None,
    content: Content,
    tree: AreaTree,
    *,
    spoken_yet: bool = True,
) -> Content:
    """The content with only the areas that no other chosen one contains. None: a rule acts, not a person.

    Typed text has a sound only after it was read aloud; `spoken_yet` says whether it must have been.
    Raises Invalid, Forbidden, NotFound `areas.unknown`, Conflict.
    """
    if not content.area_ids:
        raise errors.no_area()
    for area_id in content.area_ids:
        if area_id not in tree.areas:
            raise unknown_area(area_id)
    check_realm(principal, content.area_ids, tree)
    _check_end(now, content)
    content = content.model_copy(update={"area_ids": outermost(content.area_ids, tree)})
    _check_stations(session, content.area_ids, tree)
    _check_voices(session, content, spoken_yet=spoken_yet)
    prepared.check(content, prepared.messages(session, content, tree))
    return content


def check_realm(principal: Principal | None, area_ids: Iterable[str], tree: AreaTree) -> None:
    """Raises Forbidden with the first area where this person may not send alerts."""
    if principal is None:
        return
    for area_id in area_ids:
        if rights.may(principal, Action.SEND_ALERT, tree.chain(area_id)):
            continue
        if not rights.may_anywhere(principal, Action.SEND_ALERT):
            raise not_your_role()
        raise outside_your_area(tree.name(area_id))


def outermost(area_ids: Collection[str], tree: AreaTree) -> tuple[str, ...]:
    chosen = set(area_ids)
    return tuple(
        area_id for area_id in dict.fromkeys(area_ids) if chosen.isdisjoint(tree.chain(area_id)[:-1])
    )


def few(area_ids: Collection[str], tree: AreaTree) -> tuple[str, ...]:
    """All of them in no more than one alert may name: where they are too many, the areas above."""
    found = outermost(area_ids, tree)
    while len(found) > MOST_AREAS:
        above = outermost([(tree.chain(area_id)[-2:] or (area_id,))[0] for area_id in found], tree)
        if above == found:
            break
        found = above
    return found


def check_confirmed(confirmed: str, content: Content, tree: AreaTree) -> None:
    """Held long enough, or typed: one of the areas or the title, whatever marks and capitals.

    Raises Invalid `emergency.not_confirmed`.
    """
    names = [tree.name(area_id) for area_id in content.area_ids]
    wanted = {slug(name) for name in (*names, content.title)} | {short_slug(name) for name in names}
    if confirmed != HELD and slug(confirmed) not in wanted - {""}:
        raise errors.not_confirmed(names[0] if names else content.title)


def confirmation(confirm: str, held_s: float | None) -> str:
    """What the button or the field gave; a button says for how long.

    Raises Invalid `emergency.held_too_short`.
    """
    if confirm == HELD and (held_s is None or not held_s >= LEAST_HELD_S):
        raise Invalid("emergency.held_too_short", field="confirm")
    return confirm


def plain(text: str) -> str:
    """Without control characters: not every database keeps them, and XML knows none."""
    return "".join(letter for letter in text if letter.isprintable() or letter in "\n\t")


def _check_figures(form: AlertForm) -> None:
    if not 1 <= form.repeats <= MOST_REPEATS:
        raise Invalid("emergency.bad_repeats", field="repeats", most=MOST_REPEATS)
    if not SHORTEST_VALIDITY_S <= form.validity_s <= LONGEST_VALIDITY_S:
        raise bad_validity("validity_s")


def bad_validity(field: str) -> Invalid:
    least, most = round(SHORTEST_VALIDITY_S / 60), round(LONGEST_VALIDITY_S / 86_400)
    return Invalid("emergency.bad_validity", field=field, least_minutes=least, most_days=most)


def _check_end(now: datetime, content: Content) -> None:
    if content.expires_at is None:
        return
    if now >= content.expires_at:
        raise errors.expired_already()
    left_s = (content.expires_at - now).total_seconds()
    if not SHORTEST_VALIDITY_S <= left_s <= LONGEST_VALIDITY_S:
        raise bad_validity("expires_at")


def _voices(forms: Iterable[VoiceForm]) -> tuple[VoiceContent, ...]:
    found: dict[str, VoiceContent] = {}
    for form in forms:
        if form.language not in found:
            found[form.language] = _voice(form)
    if not found:
        raise errors.no_voice()
    return tuple(found.values())


def _voice(form: VoiceForm) -> VoiceContent:
    language, text = form.language, plain(form.text).strip()
    if language not in LANGUAGES:
        raise errors.unknown_language(language)
    if form.source is Source.TYPED and not any(letter.isalnum() for letter in text):
        raise errors.text_missing(language)
    if len(text) > LONGEST_TEXT:
        raise errors.text_too_long(language, LONGEST_TEXT)
    if form.source in {Source.RECORDED, Source.UPLOADED} and not form.sound_sha256:
        raise errors.sound_missing(language)
    sound = form.sound_sha256 if form.source is not Source.STANDING else None
    return VoiceContent(language=language, source=form.source, text=text, sound_sha256=sound)


def _check_stations(session: Session, area_ids: Iterable[str], tree: AreaTree) -> None:
    covered = _with_stations(session, tree)
    for area_id in area_ids:
        if area_id not in covered:
            raise errors.no_station(tree.name(area_id))


def _with_stations(session: Session, tree: AreaTree) -> set[str]:
    """Every area with an installed station in it or below it."""
    places: Mapping[str, str] = stations.places(session)
    own = {places[id_] for id_, seen in stations.evidence(session).items() if seen.installed}
    return {above for area_id in own for above in tree.chain(area_id)}


def _check_voices(session: Session, content: Content, *, spoken_yet: bool) -> None:
    if not content.voices:
        raise errors.no_voice()
    known = queries.sounds(session, {voice.sound_sha256 for voice in content.voices if voice.sound_sha256})
    for voice in content.voices:
        if voice.language not in LANGUAGES:
            raise errors.unknown_language(voice.language)
        if voice.source is Source.TYPED and not any(letter.isalnum() for letter in voice.text):
            raise errors.text_missing(voice.language)
        waits = voice.source is Source.TYPED and not spoken_yet
        if voice.source is not Source.STANDING and voice.sound_sha256 not in known and not waits:
            raise errors.sound_missing(voice.language)
