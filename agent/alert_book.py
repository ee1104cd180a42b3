"""The alerts this station has before it: what its boards say, how old it is here, and what has left them."""

import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from agent.ages import Ages
from agent.board_store import BoardStore
from agent.journal import Begun
from agent.ledger import Ledger
from agent.posted import Moment, Posted, begins_at, ends_at, lateness_of, part_for, posted
from agent.programme import Part, part_of
from agent.store import PlanStore
from wire.alerts import Alert
from wire.ids import Priority
from wire.messages import StationCard

log = logging.getLogger(__name__)


class AlertBook:
    """`refresh` it when a board or the card has changed; the rest only looks.

    `heard` is asked whether anything of a sounding has been heard here, what sounds now included;
    `holds` whether a sound is at hand.
    """

    def __init__(self, store: PlanStore, boards: BoardStore, ledger: Ledger, ages: Ages) -> None:
        self.heard: Callable[[str], bool] = ledger.has_been_heard
        self.holds: Callable[[str], bool] = lambda _: True
        self._store = store
        self._boards = boards
        self._ledger = ledger
        self._ages = ages
        self._posted: dict[str, Posted] = {}
        self._expired: dict[str, Posted] = {}
        self._withdrawn: dict[str, Part] = {}
        self._changes = self._written = 0

    def load(self) -> None:
        self._ages.load()

    def refresh(self, at: Moment) -> None:
        """What was over when it left the boards ends by itself; what was not is withdrawn."""
        card = self._store.card
        if card is None:
            return
        before = self._posted | self._expired
        self._posted = posted(card, self._boards.boards(card.areas))
        left = {id_: one for id_, one in before.items() if id_ not in self._posted and self._is_open(id_)}
        self._expired = {id_: one for id_, one in left.items() if self._is_over(one, at)}
        gone = {id_: self._part(one, card, at) for id_, one in left.items() if id_ not in self._expired}
        found = self.withdrawn() | dict(self._begun_and_gone(card, at)) | gone
        self._withdrawn = {id_: part for id_, part in found.items() if id_ not in self._posted}
        self._ages.keep_only({*self._posted, *self._expired})
        self._changes += 1

    def parts(self, at: Moment) -> dict[str, Part]:
        """By sounding: what may sound here and has not ended here."""
        card = self._store.card
        if card is None:
            return {}
        return {id_: self._part(one, card, at) for id_, one in self._open() if self._has_point(one.alert)}

    def pointless(self, at: Moment) -> list[Part]:
        """An all-clear of what was never heard here."""
        card = self._store.card
        if card is None:
            return []
        return [self._part(one, card, at) for _, one in self._open() if not self._has_point(one.alert)]

    def withdrawn(self) -> dict[str, Part]:
        """Cancelled or replaced, and not ended here yet."""
        return {id_: part for id_, part in self._withdrawn.items() if self._is_open(id_)}

    def soundings(self) -> frozenset[str]:
        """All that the boards name, ended here or not: none of them may be forgotten."""
        before = (id_ for one in self._posted.values() for id_ in one.alert.only_after)
        return frozenset((*self._posted, *before))

    def in_force(self) -> Iterator[Alert]:
        """Those that have not ended here."""
        return (one.alert for id_, one in self._posted.items() if self._is_open(id_))

    async def write(self) -> None:
        """What has come in since the last time, and how old it all is."""
        changes = self._changes
        if changes != self._written:
            await self._boards.write()
            await self.write_ages()
            self._written = changes

    async def write_ages(self) -> None:
        """Every minute or so. Without them a reboot makes an alert young again, and no more."""
        try:
            await self._ages.write()
        except OSError:
            log.exception("ages of alerts not written")

    def _open(self) -> Iterator[tuple[str, Posted]]:
        for alerts in (self._posted, self._expired):
            for id_, one in alerts.items():
                if self._is_open(id_):
                    yield id_, one

    def _is_open(self, sounding: str) -> bool:
        return sounding not in self._ledger.ended

    def _has_point(self, alert: Alert) -> bool:
        return not alert.only_after or any(map(self.heard, alert.only_after))

    def _is_over(self, one: Posted, at: Moment) -> bool:
        """By our clock, or because whoever took it off the board did so when its time was over."""
        if at.now >= ends_at(one.alert, self._ages.of(one.alert.sounding), at):
            return True
        board = self._boards.board(one.area)
        return board is not None and board.issued_at >= one.alert.expires_at

    def _part(self, one: Posted, card: StationCard, at: Moment) -> Part:
        """What has begun stays what it was then, but for its time and its volume."""
        sounding = one.alert.sounding
        age_s, over = self._ages.of(sounding), sounding in self._expired
        row = self._ledger.begun.get(sounding)
        if row is None:
            with_signal = self.holds(one.alert.signal.sha256)
            return part_for(one, card, age_s, at, with_signal=with_signal, over=over)
        changes = {
            "start": begins_at(one.alert, age_s, at),
            "lateness": lateness_of(one.alert, age_s, at, over=over),
            "volume": card.emergency_volume,
        }
        planned = row.planned.model_copy(update=changes)
        return part_of(planned, one.area, one.depth, row.replaced, one.alert)

    def _begun_and_gone(self, card: StationCard, at: Moment) -> Iterator[tuple[str, Part]]:
        """Begun in an earlier life, and on no board that has come since."""
        for id_, row in self._ledger.begun.items():
            judged = row.area in self._boards.taken or row.area not in card.areas
            known = id_ in self._posted or id_ in self._expired
            if is_alert(row) and judged and not known and at.now < _closes(row):
                yield id_, part_of(row.planned, row.area, 0, row.replaced)


def is_alert(row: Begun) -> bool:
    """An emergency that came by a board, not by a plan, whose ids begin with those of their schedules."""
    planned = row.planned
    return planned.priority is Priority.EMERGENCY and not planned.id.startswith(f"{planned.schedule}@")


def _closes(row: Begun) -> datetime:
    return row.planned.start + timedelta(seconds=row.planned.lateness.grace_s)
