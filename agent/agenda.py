"""All that this station has before it: its plan, its alerts, and what has begun and not ended."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import is_
from pathlib import Path

from agent.ages import Ages
from agent.alert_book import AlertBook, is_alert
from agent.board_store import BoardStore
from agent.clock import Clock
from agent.ledger import Ledger
from agent.posted import Moment, standing_for
from agent.programme import Part, items_by_first_use, last_chance, merge, part_of, quiet_of, volume_for
from agent.store import PlanStore
from agent.timeline import items_of
from schedules.quiet import QuietWindow
from wire.alerts import StandingSound
from wire.ids import ClockTrust
from wire.messages import Item, PlanLayer, StationCard
from wire.signing import Keyring


@dataclass
class Agenda:
    store: PlanStore
    boards: BoardStore
    alerts: AlertBook
    ledger: Ledger
    clock: Clock
    _stands_on: tuple[object, ...] = ()
    _plan: dict[str, Part] = field(default_factory=dict)

    def load(self) -> None:
        """All that the last life left on disk. Raises OSError or sqlite3.Error."""
        self.store.load()
        self.boards.load()
        self.alerts.load()
        at = self.moment()
        self.ledger.load(at.now, clock_trusted=at.clock_trusted)

    def issued_at(self) -> Iterator[datetime]:
        """Of all that is held: by any right clock it is later now."""
        card = self.store.card
        if card is not None:
            yield card.issued_at
            yield from (layer.issued_at for layer in self.store.layers())
            yield from (board.issued_at for board in self.boards.boards(card.areas))
            yield from (layer.issued_at for layer in self.boards.standing_layers(card.areas))

    def moment(self) -> Moment:
        return Moment(self.clock.now(), self.clock.trust() is not ClockTrust.UNKNOWN)

    def parts(self, at: Moment) -> dict[str, Part]:
        """Without what has ended or never was ours; what has begun stays in until it has ended."""
        if self.store.card is None:
            return {}
        parts = self._planned(self.store.card, at) | self.alerts.parts(at)
        for id_, row in self.ledger.begun.items():
            if id_ not in parts:
                parts[id_] = part_of(row.planned, row.area, 0, row.replaced)
        return parts

    def withdrawn(self, now: datetime) -> list[Part]:
        """What is in no plan and on no board any more, and has not ended here yet."""
        gone = self.alerts.withdrawn()
        for id_, row in self.ledger.begun.items():
            if id_ not in gone and self._is_withdrawn(id_, now):
                gone[id_] = part_of(row.planned, row.area, 0, row.replaced)
        return list(gone.values())

    def quiet(self) -> QuietWindow | None:
        return quiet_of(self.store.card) if self.store.card else None

    def volume(self, part: Part) -> int:
        card = self.store.card
        return part.planned.volume if card is None else volume_for(part.planned, card)

    def standing(self) -> tuple[StandingSound, ...]:
        """What is to be held for alerts to come."""
        card = self.store.card
        return standing_for(card, self.boards.standing_layers(card.areas)) if card else ()

    def scheduled_sound(self, at: Moment) -> Iterator[Item]:
        """Of the plan, in the order of first use."""
        plan = [part for part in self.parts(at).values() if part.alert is None]
        return items_by_first_use(plan, self.ledger.begun, at.now)

    def alert_sound(self, at: Moment) -> Iterator[Item]:
        """Of the alerts, the worst first."""
        alerts = self.alerts.parts(at).values()
        for part in sorted(alerts, key=lambda part: (-part.occurrence.rank, part.occurrence.start)):
            if part.alert is not None:
                yield part.alert.signal
            yield from items_of(part.planned)

    def _planned(self, card: StationCard, at: Moment) -> dict[str, Part]:
        """Put together anew only when something it stands on has changed."""
        live = tuple(layer for layer in self.store.layers() if _counts(layer, at))
        stands_on = (card, self.ledger.known_since, *live)
        if not _are_same(stands_on, self._stands_on):
            merged = merge(card, live, at.now, clock_trusted=at.clock_trusted)
            self._plan = {id_: part for id_, part in merged.items() if self._is_ours(part)}
            self._stands_on = stands_on
        ended = self.ledger.ended
        return {id_: part for id_, part in self._plan.items() if id_ not in ended}

    def _is_ours(self, part: Part) -> bool:
        """Not over before this station first held that area's plan."""
        since = self.ledger.known_since.get(part.area)
        return since is None or last_chance(part) > since

    def _is_withdrawn(self, id_: str, now: datetime) -> bool:
        row, card = self.ledger.begun[id_], self.store.card
        over = row.planned.start + timedelta(seconds=row.planned.seconds) <= now
        if card is None or over or is_alert(row):
            return False
        if row.area not in card.areas:
            return True
        layer = self.store.layer(row.area)
        return layer is not None and all(planned.id != id_ for planned in layer.occurrences)


def _counts(layer: PlanLayer, at: Moment) -> bool:
    return not (at.clock_trusted and at.now >= layer.expires_at)


def _are_same(these: tuple[object, ...], those: tuple[object, ...]) -> bool:
    """The very same objects: to compare what is in them would cost more than to merge it."""
    return len(these) == len(those) and all(map(is_, these, those))


def agenda_of(folder: Path, keyring: Keyring, ledger: Ledger, clock: Clock) -> Agenda:
    """On the state folder of a station."""
    store = PlanStore(folder, keyring)
    boards = BoardStore(folder, keyring)
    ages = Ages(folder / "boards" / "ages.json", clock)
    return Agenda(store, boards, AlertBook(store, boards, ledger, ages), ledger, clock)
