"""An alert as a person sees it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from controller.accounts import rules as rights
from controller.accounts.rules import Action, Principal
from controller.areas.tables import AreaLevel
from controller.dispatch.tree import AreaTree
from controller.emergency import rules
from controller.emergency.content import Content, Source, VoiceContent
from controller.emergency.found import Found, content_of
from controller.emergency.policy import Policy, TwoPeopleRule
from controller.emergency.prepared import Messages
from controller.emergency.rules import Move
from controller.emergency.schemas import (
    AlertLine,
    AlertView,
    AreaName,
    ContentView,
    RevisionView,
    TwoPeople,
    VoiceView,
)
from controller.emergency.tables import ActKind, AlertRevision, AlertRow, AlertState, RevisionState
from controller.media.schemas import url_of
from controller.media.tables import Sound

_SECOND_PRESS = frozenset({Move.PRESS, Move.UPDATE, Move.REPEAT})


@dataclass(frozen=True)
class Viewer:
    """Who looks, when, and what his view is put together from. `names` are of people, by id."""

    principal: Principal
    now: datetime
    tree: AreaTree
    policy: Policy
    names: Mapping[str, str]

    def sees(self, area_ids: Iterable[str], state: AlertState, created_by: str | None) -> bool:
        """What has sounded, all who have to do with its areas; what is prepared, alert officers there."""
        sent = state in {AlertState.ACTIVE, AlertState.CANCELLED, AlertState.EXPIRED}
        mine = rights.granted_areas(self.principal, Action.VIEW if sent else Action.SEND_ALERT)
        above = {area_id for one in mine for area_id in self.tree.chain(one)}
        near = any(area_id in above or mine & set(self.tree.chain(area_id)) for area_id in area_ids)
        return near or created_by == self.principal.person_id or (bool(mine) and not list(area_ids))

    def may_act(self, area_ids: Iterable[str]) -> bool:
        return rights.may_anywhere(self.principal, Action.SEND_ALERT) and all(
            rights.may(self.principal, Action.SEND_ALERT, self.tree.chain(area_id)) for area_id in area_ids
        )

    def rule(self, found: Found) -> TwoPeopleRule | None:
        return found.two_people(self.policy, self.tree)

    def moves(self, found: Found) -> tuple[Move, ...]:
        if not self.may_act(concerned_areas(found)):
            return ()
        needs_two = self.rule(found) is not None
        situation = found.situation(self.now, self.principal.person_id, needs_two=needs_two)
        return rules.moves(situation)

    def name(self, person_id: str | None) -> str | None:
        return self.names.get(person_id) if person_id else None

    def areas(self, area_ids: Iterable[str]) -> tuple[AreaName, ...]:
        return tuple(self._area(area_id) for area_id in area_ids)

    def _area(self, area_id: str) -> AreaName:
        area = self.tree.areas.get(area_id)
        level = area.level if area else AreaLevel.VILLAGE
        return AreaName(id=area_id, name=self.tree.name(area_id), level=level)


def people_of(found: Found) -> set[str]:
    named = {person for one in found.revisions for person in (one.made_by, one.asked_by, one.done_by)}
    acting = {act.person_id for act in found.pending}
    made = {found.row.created_by} if found.row else set()
    return {person for person in named | acting | made if person}


def concerned_areas(found: Found) -> tuple[str, ...]:
    """Of what sounds, and of what is prepared."""
    prepared = content_of(found.open).area_ids if found.open else ()
    return (*found.area_ids, *prepared)


def line(viewer: Viewer, found: Found) -> AlertLine:
    newest, content, row = found.newest, found.content, found.row or _row_of(found)
    first = found.acts[0] if found.acts else None
    prepared = found.open
    asked = prepared if prepared and prepared.state is RevisionState.WAITING else None
    moves = set(viewer.moves(found)) if asked else set()
    return AlertLine(
        id=found.alert_id,
        kind=content.kind,
        severity=content.severity,
        drill=content.drill,
        title=content.title,
        state=found.state(viewer.now),
        in_force=found.in_force(viewer.now),
        areas=viewer.areas(content.area_ids),
        created_by_name=viewer.name(row.created_by),
        created_at=row.created_at,
        sent_at=first.at if first else None,
        expires_at=_expires_at(found) if found.acts else content.expires_at,
        ended_at=found.cancelled_at or row.ended_at,
        asked_by_name=viewer.name(asked.asked_by) if asked else None,
        waits_for_me=bool(moves & _SECOND_PRESS),
        record_pending=bool(newest and newest.revision in found.unrecorded),
    )


def alert(
    viewer: Viewer, found: Found, sounds: Mapping[str, Sound], messages: Messages, lacking: tuple[str, ...]
) -> AlertView:
    rule, prepared = viewer.rule(found), found.open
    contents = _Contents(viewer, sounds, messages)
    done = [one for one in found.revisions if one.state is RevisionState.DONE]
    return AlertView(
        **dict(line(viewer, found)),
        revision=found.newest.revision if found.newest else 0,
        content=contents.view(found.content),
        open=_revision(viewer, contents, prepared) if prepared else None,
        history=tuple(_revision(viewer, contents, one) for one in done),
        may=viewer.moves(found),
        two_people=_two_people(viewer, rule) if rule else None,
        all_clear_lacks=lacking,
    )


@dataclass(frozen=True)
class _Contents:
    viewer: Viewer
    sounds: Mapping[str, Sound]
    messages: Messages

    def view(self, content: Content) -> ContentView:
        fields = content.model_dump(exclude={"area_ids", "voices"})
        areas = self.viewer.areas(content.area_ids)
        voices = tuple(self._voice(content, voice) for voice in content.voices)
        return ContentView(**fields, digest=content.digest, areas=areas, voices=voices)

    def _voice(self, content: Content, voice: VoiceContent) -> VoiceView:
        text, digest, seconds = voice.text, voice.sound_sha256, None
        message = self.messages.get((content.kind.value, voice.language))
        if voice.source is Source.STANDING and digest is None and message is not None:
            text, digest, seconds = message.text, message.item.sha256, message.item.seconds
        if digest and digest in self.sounds:
            seconds = self.sounds[digest].seconds
        return VoiceView(
            language=voice.language,
            source=voice.source,
            text=text,
            sound_sha256=digest,
            sound_url=url_of(digest) if digest else None,
            seconds=seconds,
        )


def _revision(viewer: Viewer, contents: _Contents, one: AlertRevision) -> RevisionView:
    return RevisionView(
        revision=one.revision,
        act=one.act,
        state=one.state,
        content=contents.view(content_of(one)),
        made_by_name=viewer.name(one.made_by),
        made_at=one.made_at,
        asked_by_name=viewer.name(one.asked_by),
        asked_at=one.asked_at,
        done_by_name=viewer.name(one.done_by),
        done_at=one.done_at,
        sounding=one.sounding,
        seconds=one.seconds,
        expires_at=one.expires_at,
        cap_identifier=one.cap_identifier,
    )


def _two_people(viewer: Viewer, rule: TwoPeopleRule) -> TwoPeople:
    name = viewer.tree.name(rule.area_id)
    return TwoPeople(area_id=rule.area_id, area_name=name, from_severity=rule.from_severity)


def _expires_at(found: Found) -> datetime | None:
    """Of the alert itself, not of its all-clear."""
    sounded = [act.alert for act in found.acts if act.alert and act.what is not ActKind.CANCEL]
    return sounded[-1].expires_at if sounded else None


def _row_of(found: Found) -> AlertRow:
    """Of an alert that is not on record yet."""
    first = found.acts[0]
    return AlertRow(
        id=found.alert_id, created_by=first.person_id, created_at=first.at, revision=0, ended_at=None
    )
