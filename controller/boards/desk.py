"""Where a press becomes sound: acts in memory, boards signed and published at once, the record beside it."""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from controller.boards import boards, service
from controller.boards.boards import Key, key_of
from controller.boards.mirror import Mirror
from controller.boards.recorder import Recorder
from controller.boards.spool import Spool
from controller.boards.tickets import Carried, Ticket
from controller.boards.wall import Sent, Wall
from controller.clockwork.waker import Ear
from controller.context import Context
from controller.db.session import Database
from controller.emergency.acts import Act
from controller.emergency.tables import ActKind
from controller.mqtt.link import Link

_log = logging.getLogger(__name__)

JOB: Final = "emergency"
_REQUESTS: Final = 8
_GLANCE_S: Final = 0.1
"""How long a press waits for a look at the database."""
_LOOK_EVERY_S: Final = 1.0
_SETTLE_EVERY_S: Final = 0.25
_PUBLISH_TIMEOUT_S: Final = 5.0
_HEAD_START_S: Final = 0.2
_RECORD_WAIT_S: Final = 0.25
"""How long a press that is published waits for its record, so that the next page finds it."""
_URGENT_S: Final = 10.0
_IDLE_S: Final = 30.0
_LEAVE_S: Final = 3.0
_AHEAD: Final = timedelta(days=3650)
"""How far a clock of ours may once have been ahead."""
_HEED_EVERY_S: Final = 60.0
_REMEMBERED: Final = timedelta(days=8)
"""Longer than any validity."""


class Desk:
    """Every alert in force, by this process's best knowledge, and the boards that follow from it.

    Any thread may call. `context` has a database engine of its own, and `pool` is for requests on alerts:
    what else the controller does, or waits for, holds up neither. Without a link nothing is published.
    """

    def __init__(self, context: Context, link: Link | None, record: Callable[[Context, Act], bool]) -> None:
        self.context = replace(context, database=Database(context.settings.resolved_database_url(), 5.0))
        self.pool = ThreadPoolExecutor(_REQUESTS, thread_name_prefix="desk-request")
        self._link = link
        self._announced: deque[Act] = deque()
        self._tickets: dict[Key, Ticket] = {}
        self._performing = 0
        self._idle = threading.Condition()
        self._looking: tuple[float, Future[None]] | None = None
        self._heeded_s: dict[str, float] = {}
        self._blind = self._unsettled = False
        self._recording = ThreadPoolExecutor(1, thread_name_prefix="desk-record")
        self._background = ThreadPoolExecutor(4, thread_name_prefix="desk")
        self._record_ear, self._settle_ear = Ear(), Ear()
        nudge = self._settle_ear.nudge
        mirror = Mirror(context.process_id, context.signing_key, context.now, nudge, self._on_announced)
        self._mirror = mirror
        self._wall = Wall(context.signing_key, context.now, mirror, link)
        spool = Spool(context.settings.data_dir / "emergency" / "spool")
        self._recorder = Recorder(
            spool, lambda act: record(self.context, act), self._on_recorded, self._on_met
        )
        if link is not None:
            mirror.listen(link)
            link.greet(lambda _connection: self._settle_ear.nudge())

    def load(self) -> None:
        """Acts from the database and the spool, before anything is made of them. Raises SQLAlchemyError."""
        with self.context.database.read() as session:
            for area_id, kept in service.kept_boards(session).items():
                self._mirror.raise_version(area_id, kept.version)
        self._look()
        for act in self._recorder.load():
            self._wall.learn(act)

    def perform(self, act: Act, wait_s: float = 2.0) -> Carried:
        """Publish and record; returns when it is published, or after `wait_s` in any case.

        What is not done then goes on: nothing that a database, a disk or a broker does makes this raise.
        The same revision of the same alert is performed once, and every caller is told how far it has come.
        A cancel that met another act on the way still cancels, as the revision after that one. Where another
        act holds, that act is in the answer.
        """
        deadline_s = time.monotonic() + wait_s
        with self._idle:
            self._performing += 1
        try:
            if act.what is not ActKind.CANCEL or self._wall.newest(act.alert_id) is None:
                self._glance()
            self._wall.wait_until_told()
            ticket, sent = self._take(act)
            if sent is not None:
                self._recording.submit(self._record_behind, sent)
                self._record_ear.nudge()
                self._confirm(sent, wait_s)
            if self._link is None:
                ticket.recorded.wait(wait_s)
                return ticket.carried(0.0, 0.0)
            return ticket.carried(deadline_s, _RECORD_WAIT_S)
        finally:
            with self._idle:
                self._performing -= 1
                self._idle.notify_all()

    def pending(self) -> tuple[Act, ...]:
        """Acts that are not recorded yet, oldest first."""
        return self._recorder.pending()

    def in_force(self, now: datetime) -> dict[str, Act]:
        """The newest act of each alert that may sound now, recorded or not, by alert."""
        return self._wall.in_force(now)

    def newest(self, alert_id: str) -> Act | None:
        """The newest act on this alert, recorded or not; None also for an old one that is over."""
        self._hear_others()
        return self._wall.newest(alert_id)

    def recorded(self, alert_id: str, revision: int) -> Act | None:
        """The act on record as this revision; None also where the database does not say."""
        try:
            with self.context.database.read() as session:
                return service.act_of(session, alert_id, revision)
        except SQLAlchemyError:
            _log.exception("whether %s r%d is recorded cannot be seen", alert_id, revision)
            return None

    def heed_versions(self, held: Mapping[str, int]) -> None:
        """The versions of boards that stations hold, by area: they would refuse a smaller one.

        Anybody may say so: only what our clocks may have made counts, in areas that there are, now and then.
        """
        most, now_s = boards.next_version(0, self.context.now() + _AHEAD), time.monotonic()
        higher = {
            area_id: one for area_id, one in held.items() if self._mirror.version(area_id) < one <= most
        }
        if not higher:
            return
        try:
            with self.context.database.read() as session:
                there = service.areas(session, higher)
        except SQLAlchemyError:
            _log.exception("the versions that stations hold are heeded the next time")
            return
        for area_id in there:
            if self._heeded_s.get(area_id, float("-inf")) < now_s - _HEED_EVERY_S:
                self._heeded_s[area_id] = now_s
                self._mirror.raise_version(area_id, higher[area_id])
        self._settle_ear.nudge()

    async def run(self) -> None:
        """Until cancelled: records, looks at the database, and sets boards right."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._keep_recording(), name="desk records")
                group.create_task(self._keep_looking(), name="desk looks")
                group.create_task(self._keep_settling(), name="desk settles")
        finally:
            await asyncio.to_thread(self.close)

    def close(self) -> None:
        """After the presses that are under way. What is not recorded by now is in the spool."""
        with self._idle:
            self._idle.wait_for(lambda: self._performing == 0, timeout=_LEAVE_S)
        for pool in (self.pool, self._recording, self._background):
            pool.shutdown(wait=False, cancel_futures=True)
        self._recorder.close()
        self.context.database.close()

    def reconcile(self) -> int:
        """For the job: look, publish, and bring the rows up to date; how many were written."""
        self._look()
        self.settle()
        with self.context.database.read() as session:
            issued = self._wall.for_rows(service.kept_boards(session))
        if not issued:
            return 0
        with self.context.database.write() as session:
            written = service.note(session, self.context.now(), issued)
        if not all(one.acknowledged for one in issued):
            self.context.wake("dispatch")
        return written

    def settle(self) -> int:
        """Publish every board that the broker should hold and does not; how many it has acknowledged."""
        self._hear_others()
        urgent = {
            area_id for ticket in list(self._tickets.values()) if ticket.is_urgent for area_id in ticket.areas
        }
        return self._confirm(self._wall.set_right(self.pending(), urgent), _PUBLISH_TIMEOUT_S)

    def _take(self, act: Act) -> tuple[Ticket, Sent | None]:
        """Put the act up, unless it, or a later one, is up already."""
        with self._wall.lock:
            self._hear_others()
            known = self._wall.newest(act.alert_id)
            if known is None or act.revision > known.revision:
                return self._put_up(act)
            if boards.is_overruled(act, known):
                return self._put_up(boards.renumbered(act, known.revision + 1, known))
            ticket = self._tickets.get(key_of(act))
            if ticket is not None:
                return ticket, None
            is_it = act.revision == known.revision and boards.alike(act, known)
            if is_it and not self._wall.is_up(known, known.area_ids):
                return self._put_up(known)
            return self._ticket_of(known), None

    def _put_up(self, act: Act) -> tuple[Ticket, Sent]:
        areas = self._wall.concerned(act)
        ticket = Ticket(act, areas, time.monotonic() + _URGENT_S)
        self._tickets[key_of(act)] = ticket
        spooled = self._recorder.keep(act)
        sent = self._wall.put_up(act)
        self._recorder.await_spooled(act, spooled)
        return ticket, sent

    def _ticket_of(self, act: Act) -> Ticket:
        """Of one that came from elsewhere, made when it is asked for."""
        ticket = self._tickets.get(key_of(act))
        if ticket is None:
            ticket = self._tickets[key_of(act)] = Ticket(act, list(act.area_ids), float("-inf"))
            if self._wall.is_up(act, act.area_ids):
                ticket.is_up(act.at)
            if act not in self.pending():
                ticket.recorded.set()
        return ticket

    def _cancel_again(self, cancel: Act, winner: Act) -> None:
        """Another act took its revision, or came after it unknowing: the alert stays cancelled."""
        again = boards.renumbered(cancel, winner.revision + 1, winner)
        _log.warning(
            "%s: r%d came in between, cancelled as r%d", again.alert_id, winner.revision, again.revision
        )
        before = self._tickets.pop(key_of(cancel), None)
        ticket, sent = self._put_up(again)
        if before is not None:
            before.act, before.areas = again, ticket.areas
            self._tickets[key_of(again)] = before
        self._recorder.give_up(cancel)
        self._background.submit(self._confirm, sent, _PUBLISH_TIMEOUT_S)
        self._record_ear.nudge()

    def _confirm(self, sent: Sent, timeout_s: float) -> int:
        done = self._wall.confirm(sent, timeout_s)
        for ticket in list(self._tickets.values()):
            if not ticket.published.is_set() and self._wall.is_up(ticket.act, ticket.areas):
                ticket.is_up(self.context.now())
        return done

    def _record_behind(self, sent: Sent) -> None:
        """The record takes the processor too: the boards leave first."""
        if sent.sending is not None:
            sent.sending.wait(_HEAD_START_S)
        self._recorder.work()

    def _glance(self) -> None:
        """A quick look at what others have recorded, if the database is quick."""
        began_s, looking = self._look_beside()
        if time.monotonic() - began_s > _LOOK_EVERY_S:
            return
        try:
            looking.result(_GLANCE_S)
        except TimeoutError:
            _log.warning("the database is slow: the alert does not wait for it")

    def _look_beside(self) -> tuple[float, Future[None]]:
        """One look at a time, in a thread of its own."""
        with self._wall.lock:
            if self._looking is None or self._looking[1].done():
                self._looking = time.monotonic(), self._background.submit(self._try_to_look)
            return self._looking

    def _try_to_look(self) -> None:
        try:
            self._look()
        except Exception:  # noqa: BLE001  whatever the database does, the boards stand, and we look again
            if not self._blind:
                _log.exception("the desk cannot see the database; alerts go out without it")
            self._blind = True
            return
        if self._blind:
            _log.warning("the desk sees the database again")
        self._blind = False

    def _try_to_settle(self) -> None:
        try:
            self.settle()
        except Exception:  # noqa: BLE001  whatever a stranger says to the broker, the desk stays
            if not self._unsettled:
                _log.exception("the boards cannot be set right; tried again")
            self._unsettled = True
            return
        self._unsettled = False

    def _look(self) -> None:
        self._hear_others()
        began_s, now = time.monotonic(), self.context.now()
        with self.context.database.read() as session:
            recorded = service.acts(session, now, self._wall.ids())
        with self._wall.lock:
            for act in recorded.values():
                known = self._wall.newest(act.alert_id)
                if known is not None and boards.is_overruled(known, act):
                    self._cancel_again(known, act)
            self._wall.adopt(recorded, began_s)
        self._forget(now)

    def _forget(self, now: datetime) -> None:
        pending = {key_of(act) for act in self.pending()}
        self._wall.forget(now - _REMEMBERED, pending)
        for key, ticket in list(self._tickets.items()):
            if ticket.act.at <= now - _REMEMBERED and key not in pending:
                self._tickets.pop(key, None)

    def _hear_others(self) -> None:
        """Acts of other controllers. Not in the link's thread, which a press may be waiting for."""
        while self._announced:
            act = self._announced.popleft()
            with self._wall.lock:
                self._hear_other(act)

    def _hear_other(self, act: Act) -> None:
        known = self._wall.newest(act.alert_id)
        if not self._wall.learn(act):
            return
        _log.info("%s r%d was pressed at another controller", act.alert_id, act.revision)
        self._recorder.yield_to(act)
        if known is not None and boards.is_overruled(known, act):
            self._cancel_again(known, act)

    def _on_announced(self, act: Act) -> None:
        self._announced.append(act)
        self._settle_ear.nudge()

    def _on_met(self, act: Act) -> None:
        """Its revision was on record already: as this act, or as one that came first."""
        self._look()
        with self.context.database.read() as session:
            winner = service.act_of(session, act.alert_id, act.revision)
        ticket = self._tickets.get(key_of(act))
        if winner is None or act.what is ActKind.CANCEL or boards.alike(winner, act):
            return
        _log.warning("%s r%d was another act on record: ours is dropped", act.alert_id, act.revision)
        if ticket is not None:
            ticket.act = winner

    def _on_recorded(self, act: Act) -> None:
        ticket = self._tickets.get(key_of(act))
        if ticket is not None:
            ticket.recorded.set()
        self.context.wake(JOB)

    async def _keep_recording(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            pause_s = await loop.run_in_executor(self._recording, self._recorder.work)
            await self._record_ear.heard(pause_s if self.pending() else _IDLE_S)

    async def _keep_looking(self) -> None:
        while True:
            _began_s, looking = self._look_beside()
            await asyncio.wrap_future(looking)
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _keep_settling(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await loop.run_in_executor(self._background, self._try_to_settle)
            await self._settle_ear.heard(_SETTLE_EVERY_S)
