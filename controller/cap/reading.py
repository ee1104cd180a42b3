"""What a message says to us: its kind, how grave, until when, and in which words. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from controller.cap.errors import Refused
from controller.cap.events import Events
from controller.cap.model import CapArea, CapMessage, Info, MsgType, Response, Status
from controller.emergency.content import (
    LONGEST_VALIDITY_S,
    SHORTEST_VALIDITY_S,
    Certainty,
    Urgency,
)
from wire.ids import AlertKind, Severity

LONGEST_SPOKEN: Final = 1_000
"""Characters; about a minute, and it is said three times."""
LONGEST_TITLE: Final = 200
VIETNAM: Final = ZoneInfo("Asia/Ho_Chi_Minh")
_BROADCAST_TEXT: Final = "broadcast_text"
"""A parameter with the words for loudspeakers ends so (CAP Canadian Profile)."""


@dataclass(frozen=True)
class Reading:
    """Of the parts that are not over. `texts` by language code: `vi` for `vi-VN`."""

    kind: AlertKind
    event: str
    severity: Severity
    urgency: Urgency
    certainty: Certainty
    drill: bool
    title: str
    texts: Mapping[str, str]
    expires_at: datetime
    effective_at: datetime | None
    areas: tuple[CapArea, ...]


def read(message: CapMessage, events: Events, now: datetime, default_validity: timedelta | None) -> Reading:
    """Raises Refused `cap.no_info`, `cap.no_expires`, `cap.expired`."""
    if not message.infos:
        raise Refused("cap.no_info")
    live, expires_at = _live(message, now, default_validity)
    worst = max(live, key=lambda info: Severity(info.severity.lower()).rank)
    first = next((info for info in live if language_code(info.language) == "vi"), live[0])
    kinds = [kind for info in live if (kind := events.kind_of(info)) is not AlertKind.OTHER]
    effective = [info.effective for info in live if info.effective is not None]
    return Reading(
        kind=kinds[0] if kinds else AlertKind.OTHER,
        event=" ".join(info.event for info in live),
        severity=Severity(worst.severity.lower()),
        urgency=Urgency(worst.urgency.lower()),
        certainty=Certainty(worst.certainty.lower()),
        drill=message.status is Status.EXERCISE,
        title=_cut(_line(first.headline or first.event), LONGEST_TITLE),
        texts=_texts(live),
        expires_at=min(expires_at, now + timedelta(seconds=LONGEST_VALIDITY_S)),
        effective_at=min(effective) if effective else None,
        areas=tuple(area for info in live for area in info.areas),
    )


def ends_it(message: CapMessage) -> bool:
    """A Cancel, or an Update whose every part says that all is clear."""
    if message.msg_type is MsgType.CANCEL:
        return True
    return message.msg_type is MsgType.UPDATE and says_all_clear(message)


def says_all_clear(message: CapMessage) -> bool:
    return bool(message.infos) and all(Response.ALL_CLEAR in info.responses for info in message.infos)


def language_code(language: str) -> str:
    return language.strip().lower().replace("_", "-").partition("-")[0]


def _live(
    message: CapMessage, now: datetime, default_validity: timedelta | None
) -> tuple[list[Info], datetime]:
    """The parts that have time left, and the earliest end among them.

    A part without an end ends with the others; where none has one, the source's default counts from `sent`.
    """
    ends = [info.expires for info in message.infos if info.expires is not None]
    if not ends and default_validity is None:
        raise Refused("cap.no_expires")
    shortest = timedelta(seconds=SHORTEST_VALIDITY_S)
    to_come = [end for end in ends if end - now >= shortest]
    fallback = min(to_come or ends, default=message.sent + (default_validity or timedelta()))
    with_ends = [(info, info.expires or fallback) for info in message.infos]
    live = [(info, end) for info, end in with_ends if end - now >= shortest]
    if not live:
        raise Refused("cap.expired", at=_local(max(end for _, end in with_ends)))
    return [info for info, _ in live], min(end for _, end in live)


def _texts(infos: Iterable[Info]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for info in infos:
        said = found.setdefault(language_code(info.language), [])
        said += [line for line in _said(info) if line not in said]
    return {language: _cut(" ".join(said), LONGEST_SPOKEN) for language, said in found.items() if said}


def _said(info: Info) -> list[str]:
    """What a loudspeaker would say of it, in sentences that end."""
    given = [value for name, value in info.parameters if name.strip().lower().endswith(_BROADCAST_TEXT)]
    lines = given or [info.headline or info.event, info.description, info.instruction]
    return [_ended(_line(line)) for line in lines if _line(line)]


def _line(text: str) -> str:
    return " ".join(text.split())


def _ended(text: str) -> str:
    return text if text[-1] in ".!?…" else f"{text}."


def _cut(text: str, longest: int) -> str:
    """At the end of a sentence if there is one, else of a word."""
    if len(text) <= longest:
        return text
    head = text[:longest]
    for mark in (". ", "! ", "? "):
        end = head.rfind(mark)
        if end > longest // 2:
            return head[: end + 1]
    return head[: max(head.rfind(" "), longest // 2)].rstrip()


def _local(moment: datetime) -> str:
    return moment.astimezone(VIETNAM).strftime("%H:%M, %d/%m/%Y")
