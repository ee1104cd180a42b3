"""Every document that arrives is judged here: signature, target, version, expiry. Refusals are kept.

A board of alerts that are all over is refused as expired, and still silences what its predecessor said.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from agent.board_store import BoardStore
from agent.clock import Clock
from agent.store import PlanStore
from schedules.errors import UnknownZone
from schedules.wall import zone_of
from wire import topics
from wire.alerts import AlertBoard, StandingLayer
from wire.errors import Expired, Malformed, StaleVersion, WireError, WrongTarget
from wire.ids import ClockTrust
from wire.messages import Ack, PlanLayer, Refusal, StationCard, TimeNotice
from wire.signing import Keyring

log = logging.getLogger(__name__)

REFUSALS_KEPT = 20
AHEAD_AT_MOST = timedelta(days=1)


class Inbox:
    """Takes payloads off the link and lets through only what holds."""

    def __init__(
        self,
        station: str,
        keyring: Keyring,
        store: PlanStore,
        boards: BoardStore,
        clock: Clock,
    ) -> None:
        self._station = station
        self._keyring = keyring
        self._store = store
        self._boards = boards
        self._clock = clock
        self.on_board: Callable[[], Awaitable[None]] = _nothing_to_do
        self.on_standing: Callable[[], None] = _nothing
        self.on_plan: Callable[[], None] = _nothing
        self.on_ack: Callable[[tuple[str, ...]], Awaitable[None]] = _nothing_awaited
        self.on_refusal: Callable[[], None] = _nothing
        self._refusals: deque[Refusal] = deque(maxlen=REFUSALS_KEPT)

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        return tuple(self._refusals)

    async def take(self, topic: str, payload: bytes) -> None:
        if not payload:
            log.warning("empty document ignored: topic=%s", topic)
            return
        try:
            await self._judge(topic, payload)
        except WireError as error:
            log.warning("refused: topic=%s reason=%s problem=%s", topic, error.reason, error)
            self._refuse(Refusal(topic=topic, reason=error.reason, at=self._clock.now()))

    async def _judge(self, topic: str, payload: bytes) -> None:
        if topic == topics.TIME:
            self._take_time(payload)
            return
        match topics.parse(topic):
            case topics.Topic("area", area, "alerts"):
                await self._take_board(area, payload)
            case topics.Topic("station", self._station, "card"):
                await self._take_card(payload)
            case topics.Topic("station", self._station, "ack"):
                await self._take_ack(payload)
            case topics.Topic("area", area, "plan"):
                await self._take_layer(area, payload)
            case topics.Topic("area", area, "standing"):
                await self._take_standing(area, payload)
            case _:
                raise WrongTarget(f"nothing for this station travels on {topic}")

    def _take_time(self, token: bytes) -> None:
        if self._clock.wants_notice():
            self._clock.heed_notice(self._keyring.open(token, TimeNotice).at)

    async def _take_card(self, token: bytes) -> None:
        card = self._keyring.open(token, StationCard)
        if card.station != self._station:
            raise WrongTarget(f"card of {card.station}")
        _check_zone(card.zone)
        self._clock.heed_issue(card.issued_at)
        held = self._store.card
        if _is_newer(card.version, held.version if held else None):
            await asyncio.to_thread(self._store.keep_card, card, token)
            log.info("card kept: version=%d areas=%s", card.version, ",".join(card.areas))
            self.on_plan()

    async def _take_board(self, area: str, token: bytes) -> None:
        """In memory, obeyed, and only then on disk."""
        board = self._keyring.open(token, AlertBoard)
        self._check_area(area, board.area)
        self._check_issue(board.issued_at)
        self._clock.heed_issue(board.issued_at)
        held = self._boards.board(area)
        if not _is_newer(board.version, held.version if held else None):
            return
        self._boards.hold_board(board, token)
        await self.on_board()
        log.info("board taken: area=%s version=%d alerts=%d", area, board.version, len(board.alerts))
        if board.alerts and self._trusts_its_clock():
            self._check_expiry(max(alert.expires_at for alert in board.alerts))

    async def _take_standing(self, area: str, token: bytes) -> None:
        layer = self._keyring.open(token, StandingLayer)
        self._check_area(area, layer.area)
        self._check_issue(layer.issued_at)
        self._clock.heed_issue(layer.issued_at)
        held = self._boards.standing(area)
        if _is_newer(layer.version, held.version if held else None):
            await asyncio.to_thread(self._boards.keep_standing, layer, token)
            log.info("standing kept: area=%s version=%d sounds=%d", area, layer.version, len(layer.sounds))
            self.on_standing()

    async def _take_layer(self, area: str, token: bytes) -> None:
        layer = self._keyring.open(token, PlanLayer)
        self._check_area(area, layer.area)
        if self._trusts_its_clock():
            self._check_expiry(layer.expires_at)
        self._clock.heed_issue(layer.issued_at)
        held = self._store.layer(area)
        if _is_newer(layer.version, held.version if held else None):
            await asyncio.to_thread(self._store.keep_layer, layer, token)
            log.info("plan kept: area=%s version=%d items=%d", area, layer.version, len(layer.occurrences))
            self.on_plan()

    def _check_area(self, area: str, meant_for: str) -> None:
        if meant_for != area:
            raise WrongTarget(f"document of {meant_for} on the topic of {area}")
        if self._store.card is None or area not in self._store.card.areas:
            raise WrongTarget(f"{area} is not in this station's chain")

    def _check_issue(self, issued_at: datetime) -> None:
        """What comes out of the future would keep out all that comes after it."""
        if self._trusts_its_clock() and issued_at > self._clock.now() + AHEAD_AT_MOST:
            raise Malformed(f"issued at {issued_at.isoformat()}, in the future")

    def _check_expiry(self, expires_at: datetime) -> None:
        if self._clock.now() >= expires_at:
            raise Expired(f"over since {expires_at.isoformat()}")

    def _trusts_its_clock(self) -> bool:
        return self._clock.trust() is not ClockTrust.UNKNOWN

    async def _take_ack(self, payload: bytes) -> None:
        ack = Ack.decode(payload)
        if ack.station != self._station:
            raise Malformed(f"acknowledgement for {ack.station}")
        await self.on_ack(ack.reports)

    def _refuse(self, refusal: Refusal) -> None:
        same = [old for old in self._refusals if (old.topic, old.reason) == (refusal.topic, refusal.reason)]
        for old in same:
            self._refusals.remove(old)
        self._refusals.append(refusal)
        self.on_refusal()


def _check_zone(zone: str) -> None:
    try:
        zone_of(zone)
    except UnknownZone as error:
        raise Malformed(f"zone {zone}") from error


def _nothing() -> None:
    return None


async def _nothing_to_do() -> None:
    return None


async def _nothing_awaited(_: tuple[str, ...]) -> None:
    return None


def _is_newer(version: int, held: int | None) -> bool:
    """False for a copy of what is held already. Raises `StaleVersion`."""
    if held is None or version > held:
        return True
    if version == held:
        return False
    raise StaleVersion(f"version {version}, held {held}")
