"""From what a message says to an alert as an officer would compose it."""

import logging
from collections.abc import Iterable

from sqlalchemy.orm import Session

from audio_library import SoundError
from controller.cap.errors import Refused
from controller.cap.judge import Judgement
from controller.cap.reading import Reading
from controller.context import Context
from controller.dispatch.tree import AreaTree
from controller.emergency import prepared, sounds
from controller.emergency.content import Content, Source, VoiceContent
from controller.emergency.prepared import Messages
from controller.emergency.tables import StandingUse
from controller.errors import LoabanError
from controller.programmes.rules import LANGUAGES
from controller.stations import queries as stations

_log = logging.getLogger(__name__)


def composed(session: Session, judgement: Judgement) -> Content:
    """In the languages of its areas: the message's own words where it has them, else the standing message.

    Areas without a station are left out, unless none has one.
    """
    said = judgement.reading
    if said is None:
        raise Refused("cap.no_info")
    tree = AreaTree.read(session)
    covered = _with_stations(session, tree)
    area_ids = tuple(id_ for id_ in judgement.area_ids if id_ in covered) or judgement.area_ids
    bare = Content(
        kind=said.kind,
        severity=said.severity,
        urgency=said.urgency,
        certainty=said.certainty,
        drill=said.drill,
        title=said.title,
        area_ids=area_ids,
        expires_at=said.expires_at,
    )
    voices = _voices(said, _languages(area_ids, tree), prepared.messages(session, bare, tree))
    return bare.model_copy(update={"voices": voices})


def read_aloud(context: Context, content: Content) -> Content:
    """With a sound for every text that the machine can read; opens transactions of its own."""
    voices = tuple(_read_aloud(context, voice) for voice in content.voices)
    return content.model_copy(update={"voices": voices})


def ready_to_sound(session: Session, content: Content) -> Content:
    """With only the voices that stations can sound now. Raises Refused `cap.no_voice`."""
    found = prepared.messages(session, content, AreaTree.read(session))
    voices = (_or_standing(voice, content, found) for voice in content.voices)
    kept = tuple(voice for voice in voices if voice is not None)
    if not kept:
        raise Refused("cap.no_voice")
    return content.model_copy(update={"voices": kept})


def sounds_alike(one: Content, other: Content) -> bool:
    """Only their ends differ, or what nobody hears."""
    return _heard(one) == _heard(other)


def _voices(said: Reading, wanted: Iterable[str], found: Messages) -> tuple[VoiceContent, ...]:
    typed = [language for language in said.texts if language in LANGUAGES]
    voices = []
    for language in dict.fromkeys((*wanted, *typed)):
        if language in typed:
            text = said.texts[language]
            voices.append(VoiceContent(language=language, source=Source.TYPED, text=text))
        elif (said.kind.value, language) in found:
            voices.append(VoiceContent(language=language, source=Source.STANDING))
    return tuple(voices[:12])


def _languages(area_ids: Iterable[str], tree: AreaTree) -> list[str]:
    spoken = dict.fromkeys(language for area_id in area_ids for language in tree.languages(area_id))
    return [language for language in spoken if language in LANGUAGES]


def _read_aloud(context: Context, voice: VoiceContent) -> VoiceContent:
    if voice.source is not Source.TYPED:
        return voice
    try:
        made = sounds.from_text(context, voice.text, voice.language)
    except (SoundError, LoabanError) as error:
        _log.warning("a CAP text in %s is not read aloud: %s", voice.language, error)
        return voice
    return voice.model_copy(update={"sound_sha256": made.sha256})


def _or_standing(voice: VoiceContent, content: Content, found: Messages) -> VoiceContent | None:
    if content.drill and (StandingUse.DRILL_NOTICE.value, voice.language) not in found:
        return None
    if voice.source is Source.TYPED and voice.sound_sha256:
        return voice
    if (content.kind.value, voice.language) not in found:
        return None
    return VoiceContent(language=voice.language, source=Source.STANDING)


def _with_stations(session: Session, tree: AreaTree) -> set[str]:
    """Every area with an installed station in it or below it."""
    places = stations.places(session)
    installed = [places[id_] for id_, seen in stations.evidence(session).items() if seen.installed]
    return {above for area_id in installed for above in tree.chain(area_id)}


def _heard(content: Content) -> object:
    standing = VoiceContent(language="vi", source=Source.STANDING)
    voices = [
        standing.model_copy(update={"language": voice.language}) if voice.source is Source.STANDING else voice
        for voice in content.voices
    ]
    return content.kind, content.severity, content.drill, frozenset(content.area_ids), voices, content.repeats
