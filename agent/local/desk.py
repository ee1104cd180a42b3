"""What the running program tells whoever stands before the board, at its socket and on its page."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from agent.errors import AgentError
from agent.health import Health
from agent.local.errors import NoSuchTest
from agent.local.lines import heartbeat_lines, verdict
from agent.local.tests import Tests
from agent.settings import Settings
from agent.status import lines
from agent.wording import Say
from wire.evidence import SelfTestKind, SelfTestVerdict

log = logging.getLogger(__name__)

TONE: Final = "tone"
KINDS: Final[Mapping[str, SelfTestKind | None]] = {
    TONE: None,
    "acoustic": SelfTestKind.ACOUSTIC,
    "electrical": SelfTestKind.ELECTRICAL,
}
_USUAL_SHIFT: Final = timedelta(hours=7)
"""Indochina Time; a board without a card does not know its zone."""


_WELL: Final = frozenset({SelfTestVerdict.PASSED, SelfTestVerdict.CALIBRATED})


@dataclass(frozen=True)
class Told:
    """What came of a test, in words, and whether it came out well."""

    text: str
    well: bool


@dataclass
class Desk:
    """Raises nothing but AgentError."""

    settings: Settings
    health: Health
    tests: Tests
    say: Say
    zone: Callable[[], str | None]

    async def answer(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """At the socket: `{"do": "status"}` or `{"do": "test", "what": …, …}`."""
        match question.get("do"):
            case "status":
                return {"lines": await self.lines()}
            case "test":
                insist = question.get("insist") is True
                calibrate = question.get("calibrate") is True
                what = str(question.get("what"))
                return asdict(await self.test(what, insist=insist, calibrate=calibrate))
        raise NoSuchTest

    async def lines(self) -> list[str]:
        """How the program is, then what the disk says. Raises OSError or sqlite3.Error."""
        beat = await self.health.heartbeat()
        live = heartbeat_lines(beat, self.say, self._shift(beat.at))
        return [*live, *await asyncio.to_thread(list, lines(self.settings, self.say))]

    async def test(self, what: str, *, insist: bool, calibrate: bool = False) -> Told:
        """Make it, and tell what came of it. Raises AgentError."""
        if what not in KINDS:
            raise NoSuchTest
        kind = KINDS[what]
        if kind is None:
            await self.tests.tone(insist=insist)
            return Told(self.say("test.tone_sounded"), well=True)
        result = await self.tests.examine(kind, insist=insist, calibrate=calibrate)
        text = verdict(result, self.say)
        return Told(text[:1].upper() + text[1:], result.verdict in _WELL)

    async def try_test(self, what: str) -> str:
        """The same, with what refused it as a sentence."""
        try:
            return (await self.test(what, insist=False)).text
        except AgentError as error:
            log.info("test not made: what=%s why=%s", what, error.key)
            return self.say(error.key, **error.params)
        except OSError as error:
            log.warning("test not made: what=%s problem=%s", what, error)
            return self.say("page.unreadable")

    def _shift(self, at: Any) -> timedelta:
        name = self.zone()
        try:
            shift = at.astimezone(ZoneInfo(name)).utcoffset() if name else None
        except (ZoneInfoNotFoundError, ValueError):
            shift = None
        return _USUAL_SHIFT if shift is None else shift
