"""An alert as it is typed into a form, and the draft that it means. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, Self, TypeVar

from starlette.datastructures import FormData

from controller.emergency.content import Certainty, Source, Urgency
from controller.emergency.schemas import AlertForm, AlertView, ContentView, VoiceForm, VoiceView
from controller.errors import Invalid
from controller.programmes.rules import LANGUAGES
from controller.web.forms import text, texts
from wire.ids import AlertKind, Severity

Choice = TypeVar("Choice", bound=StrEnum)
KINDS: Final = tuple(AlertKind)
SEVERITIES: Final = tuple(Severity)
VALIDITIES: Final = (900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400)
DRILL: Final = "drill"
REAL: Final = "real"
FIXED: Final = "fixed"
"""The validity of an alert that ends at a given moment, as those from CAP do."""


@dataclass(frozen=True)
class VoiceTyped:
    """One language. `said` is what `sound` says: no sound stands for words it does not say."""

    source: str = Source.STANDING.value
    text: str = ""
    sound: str = ""
    said: str = ""

    def form(self, language: str) -> VoiceForm:
        source = _one_of(Source, self.source, "page_emergency.wrong_source", f"voice-{language}")
        return VoiceForm(language=language, source=source, text=self.text, sound_sha256=self._sound(source))

    def _sound(self, source: Source) -> str | None:
        if source is Source.STANDING or (source is Source.TYPED and self.said != self.text):
            return None
        return self.sound or None


@dataclass(frozen=True)
class ComposeForm:
    """Every field as text, so that what a person typed comes back as it was."""

    draft: str = ""
    kind: str = ""
    severity: str = Severity.SEVERE.value
    drill: str = REAL
    title: str = ""
    area_ids: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    voices: Mapping[str, VoiceTyped] = field(default_factory=dict)
    repeats: str = "3"
    validity_s: str = "3600"
    expires_at: str = ""
    late: bool = True
    urgency: str = Urgency.IMMEDIATE.value
    certainty: str = Certainty.OBSERVED.value
    languages_chosen: bool = False
    """By a person, so that they do not follow the areas any more."""

    @classmethod
    def of_typed(cls, typed: FormData) -> Self:
        followed = set(text(typed, "followed").split())
        every = [name.removeprefix("source-") for name in typed if name.startswith("source-")]
        return cls(
            draft=text(typed, "draft"),
            kind=text(typed, "kind"),
            severity=text(typed, "severity"),
            drill=text(typed, "drill"),
            title=text(typed, "title"),
            area_ids=tuple(texts(typed, "areas")),
            languages=tuple(texts(typed, "languages")),
            voices={language: voice_typed(typed, language) for language in every},
            repeats=text(typed, "repeats"),
            validity_s=text(typed, "validity_s"),
            expires_at=text(typed, "expires_at"),
            late=bool(text(typed, "late")),
            urgency=text(typed, "urgency"),
            certainty=text(typed, "certainty"),
            languages_chosen=not followed or followed != set(texts(typed, "languages")),
        )

    @classmethod
    def of_content(cls, alert_id: str, content: ContentView, spoken: Collection[str]) -> Self:
        """`spoken`: what is spoken in its areas."""
        return cls(
            draft=alert_id,
            kind=content.kind.value,
            severity=content.severity.value,
            drill=DRILL if content.drill else REAL,
            title=content.title,
            area_ids=tuple(area.id for area in content.areas),
            languages=tuple(voice.language for voice in content.voices),
            voices={voice.language: _voice_shown(voice) for voice in content.voices},
            repeats=str(content.repeats),
            validity_s=str(round(content.validity_s)),
            expires_at=content.expires_at.isoformat() if content.expires_at else "",
            late=content.late,
            urgency=content.urgency.value,
            certainty=content.certainty.value,
            languages_chosen=bool(content.voices) and {one.language for one in content.voices} != set(spoken),
        )

    def following(self, spoken: Collection[str]) -> Self:
        """In the languages that are spoken in its areas, unless a person has chosen others."""
        known = tuple(language for language in spoken if language in LANGUAGES)
        return self if self.languages_chosen or not known else replace(self, languages=known)

    def voice(self, language: str) -> VoiceTyped:
        return self.voices.get(language, VoiceTyped())

    def alert(self) -> AlertForm:
        """Raises Invalid at a field that is missing or cannot be; its service checks the rest."""
        return AlertForm(
            kind=_one_of(AlertKind, self.kind, "page_emergency.kind_missing", "kind"),
            severity=_one_of(Severity, self.severity, "page_emergency.severity_missing", "severity"),
            urgency=_one_of(Urgency, self.urgency, "web.bad_request", "urgency"),
            certainty=_one_of(Certainty, self.certainty, "web.bad_request", "certainty"),
            drill=self.drill == DRILL,
            title=self.title,
            area_ids=list(self.area_ids),
            voices=[self.voice(language).form(language) for language in self.languages],
            repeats=_whole(self.repeats, "repeats"),
            validity_s=3600.0 if self.until else float(_whole(self.validity_s, "validity_s")),
            expires_at=self.until,
            late=self.late,
        )

    @property
    def until(self) -> datetime | None:
        """The fixed end; None where a length was chosen. Raises Invalid."""
        if self.validity_s != FIXED and not (self.expires_at and not self.validity_s):
            return None
        return _moment(self.expires_at)

    @property
    def offered_end(self) -> datetime | None:
        """The fixed end that may be chosen, whether it is or not."""
        try:
            return _moment(self.expires_at)
        except Invalid:
            return None


def of_shown(alert: AlertView, spoken: Collection[str]) -> ComposeForm:
    """What an alert says now, or the update of it that is open, to be changed.

    An update that says nothing else ends when the alert does. `spoken`: what is spoken in its areas.
    """
    content = alert.open.content if alert.open else alert.content
    form = ComposeForm.of_content(alert.id, content, spoken)
    keeps = alert.in_force and alert.expires_at is not None and content.expires_at is None
    if keeps and alert.expires_at:
        form = replace(form, expires_at=alert.expires_at.isoformat())
    if content.expires_at or (keeps and alert.open is None):
        form = replace(form, validity_s=FIXED)
    return form


def lengths(chosen: str) -> list[int]:
    """The validities on offer, with the chosen one among them."""
    own = {int(chosen)} if chosen.isdecimal() else set()
    return sorted({*VALIDITIES, *own})


def voice_typed(typed: FormData, language: str) -> VoiceTyped:
    return VoiceTyped(
        source=text(typed, f"source-{language}"),
        text=text(typed, f"text-{language}"),
        sound=text(typed, f"sound-{language}"),
        said=text(typed, f"said-{language}"),
    )


def _voice_shown(voice: VoiceView) -> VoiceTyped:
    sound = voice.sound_sha256 or ""
    own = voice.source is not Source.STANDING
    return VoiceTyped(
        source=voice.source.value,
        text=voice.text if own else "",
        sound=sound if own else "",
        said=voice.text if own and sound else "",
    )


def _one_of(choices: type[Choice], value: str, key: str, field_name: str) -> Choice:
    try:
        return choices(value)
    except ValueError as error:
        raise Invalid(key, field=field_name) from error


def _whole(value: str, field_name: str) -> int:
    try:
        return int(value)
    except ValueError as error:
        raise Invalid("web.shape.number", field=field_name, name=value[:20]) from error


def _moment(value: str) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        raise Invalid("web.shape.moment", field="validity_s", name=value[:30]) from error
    if moment.tzinfo is None:
        raise Invalid("web.shape.moment", field="validity_s", name=value[:30])
    return moment
