"""From what an alert is to say to what stations sound."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from controller.dispatch.tree import AreaTree
from controller.emergency import errors, prepared, queries, signals
from controller.emergency.content import Content, Source, VoiceContent
from controller.emergency.prepared import Messages
from controller.emergency.sounds import item_of
from controller.emergency.tables import StandingUse
from controller.errors import Invalid
from controller.media.tables import Sound
from wire.alerts import Alert, Voice
from wire.ids import LatenessRule
from wire.messages import Item, Lateness

GAP_S: Final = 1.0
ALL_CLEAR_VALIDITY: Final = timedelta(minutes=30)
IN_TIME_S: Final = 30.0
"""How late a station may begin an alert that late comers do not sound."""
_MOST_BEFORE: Final = 50


@dataclass(frozen=True)
class Built:
    """`content` has the sound and text of every voice; `seconds` is for a station with all languages."""

    alert: Alert
    content: Content
    seconds: float


def alert_of(
    session: Session,
    now: datetime,
    content: Content,
    tree: AreaTree,
    *,
    alert_id: str,
    revision: int,
    not_before: datetime | None = None,
) -> Built:
    """A new sounding, in force until `not_before` at least.

    Raises Conflict and Invalid where a voice has no sound, or is too long.
    """
    found = prepared.messages(session, content, tree)
    prepared.check(content, found)
    content = _filled(content, found)
    sounds = queries.sounds(session, {voice.sound_sha256 for voice in content.voices if voice.sound_sha256})
    made = signals.items(session)
    expires_at = max(ends_at(content, now), not_before or now)
    alert = Alert(
        id=alert_id,
        revision=revision,
        sounding=sounding_of(alert_id, revision, now),
        kind=content.kind,
        severity=content.severity,
        drill=content.drill,
        title=content.title,
        sent_at=now,
        expires_at=expires_at,
        signal=made.drill if content.drill else made.attention,
        voices=tuple(_voice(content, voice, sounds, found) for voice in content.voices),
        closing=made.closing,
        repeats=content.repeats,
        gap_s=GAP_S,
        lateness=lateness_of(content, expires_at - now),
    )
    seconds = seconds_of(alert)
    if seconds > alert.validity.total_seconds():
        raise Invalid("emergency.longer_than_validity", field="validity_s", minutes=minutes_up(seconds))
    return Built(alert, content, seconds)


def all_clear_of(
    session: Session,
    now: datetime,
    last: Alert,
    content: Content,
    tree: AreaTree,
    *,
    revision: int,
    after: tuple[str, ...],
) -> Built:
    """For stations that heard the alert. Where no language has a message, the signal and a chime say it."""
    made = signals.items(session)
    found = prepared.messages(session, content, tree)
    voices = tuple(
        Voice(language=voice.language, items=(found[StandingUse.ALL_CLEAR.value, voice.language].item,))
        for voice in content.voices
        if (StandingUse.ALL_CLEAR.value, voice.language) in found
    )
    wordless = (Voice(language=content.voices[0].language, items=(made.closing,)),)
    alert = last.model_copy(
        update={
            "revision": revision,
            "sounding": sounding_of(last.id, revision, now),
            "sent_at": now,
            "expires_at": now + ALL_CLEAR_VALIDITY,
            "signal": made.all_clear,
            "voices": voices or wordless,
            "closing": made.closing if voices else None,
            "repeats": 1,
            "lateness": Lateness(rule=LatenessRule.CONTINUE, grace_s=ALL_CLEAR_VALIDITY.total_seconds()),
            "only_after": after[-_MOST_BEFORE:],
        }
    )
    return Built(alert, content, seconds_of(alert))


def extended(last: Alert, content: Content, expires_at: datetime, revision: int) -> Alert:
    """The same sounding, in force for longer; nobody hears it again."""
    lateness = lateness_of(content, expires_at - last.sent_at)
    return last.model_copy(update={"revision": revision, "expires_at": expires_at, "lateness": lateness})


def sounding_of(alert_id: str, revision: int, now: datetime) -> str:
    return f"{alert_id}-r{revision}@{now:%Y%m%dT%H%M%SZ}"


def ends_at(content: Content, now: datetime) -> datetime:
    """Raises Invalid `emergency.expired_already`."""
    if content.expires_at is None:
        return now + timedelta(seconds=content.validity_s)
    if now >= content.expires_at:
        raise errors.expired_already()
    return content.expires_at


def lateness_of(content: Content, validity: timedelta) -> Lateness:
    if content.late:
        return Lateness(rule=LatenessRule.CONTINUE, grace_s=validity.total_seconds())
    return Lateness(rule=LatenessRule.SKIP, grace_s=IN_TIME_S)


def seconds_of(alert: Alert) -> float:
    """From the first sample to the last where every language is spoken."""
    once = sum(item.seconds for voice in alert.voices for item in voice.items)
    around = alert.signal.seconds + (alert.closing.seconds if alert.closing else 0.0)
    return around + once * alert.repeats + alert.gap_s * (alert.repeats - 1)


def minutes_up(seconds: float) -> int:
    return int(-(-seconds // 60))


def _filled(content: Content, found: Messages) -> Content:
    voices = tuple(_filled_voice(content, voice, found) for voice in content.voices)
    return content.model_copy(update={"voices": voices})


def _filled_voice(content: Content, voice: VoiceContent, found: Messages) -> VoiceContent:
    if voice.source is not Source.STANDING:
        return voice
    message = found[content.kind.value, voice.language]
    return voice.model_copy(update={"text": message.text, "sound_sha256": message.item.sha256})


def _voice(content: Content, voice: VoiceContent, sounds: Mapping[str, Sound], found: Messages) -> Voice:
    sound = sounds.get(voice.sound_sha256 or "")
    if sound is None:
        raise errors.sound_missing(voice.language)
    instead = found.get((content.kind.value, voice.language))
    item = item_of(sound)
    if instead is not None and instead.item.sha256 != item.sha256:
        item = item.model_copy(update={"instead": instead.item})
    notice: tuple[Item, ...] = ()
    if content.drill:
        notice = (found[StandingUse.DRILL_NOTICE.value, voice.language].item,)
    return Voice(language=voice.language, items=(*notice, item))
