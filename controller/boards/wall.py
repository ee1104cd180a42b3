"""All boards together: the acts they follow from, what has been put up, and what the broker shows instead."""

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from controller.boards import boards
from controller.boards.boards import Key, key_of
from controller.boards.known import Known
from controller.boards.mirror import ACTS_TOPIC, Announcement, Mirror, Told
from controller.boards.queries import KeptBoard
from controller.boards.service import Issued, digest_of
from controller.emergency.acts import Act
from controller.mqtt.link import Connection, Link, Publication, Sending
from wire import topics
from wire.alerts import Alert, AlertBoard
from wire.signing import SigningKey

_log = logging.getLogger(__name__)

_COURTESY_S: Final = 0.7
"""How long another controller may take to put up its act, and its board stands before it is set right."""
_PATIENCE_S: Final = 10.0
"""How long it stands where the database does not say who is right."""


@dataclass(frozen=True)
class Sent:
    """Boards on their way to the broker, in the order of `sending`, behind `ahead` announcements."""

    issued: Sequence[Issued] = ()
    sending: Sending | None = None
    ahead: int = 0


class Wall:
    """Any thread may call, but the link's own: it would wait for itself."""

    def __init__(
        self, key: SigningKey, now: Callable[[], datetime], mirror: Mirror, link: Link | None
    ) -> None:
        self.lock = threading.RLock()
        """Held while an act is put up: what follows from it is sent before what follows from the next."""
        self._key = key
        self._now = now
        self._mirror = mirror
        self._link = link
        self._known = Known()
        self._issued: dict[str, Issued] = {}
        self._taken_over_s: dict[str, float] = {}
        self._looked_s = float("-inf")

    def newest(self, alert_id: str) -> Act | None:
        with self.lock:
            return self._known.get(alert_id)

    def in_force(self, now: datetime) -> dict[str, Act]:
        with self.lock:
            return {id_: act for id_, act in self._known.acts.items() if boards.in_force(act, now)}

    def ids(self) -> set[str]:
        """All alerts that are known or shown."""
        with self.lock:
            shown = {alert.id for area_id in self._mirror.areas() for alert in self._mirror.shown(area_id)}
            return self._known.acts.keys() | shown

    def learn(self, act: Act) -> bool:
        """Of an act that was announced or spooled; whether it is news."""
        with self.lock:
            is_news = boards.replaces(act, self._known.get(act.alert_id))
            if is_news:
                self._take_over(act)
            return is_news

    def adopt(self, recorded: Mapping[str, Act], began_s: float) -> None:
        """What the database said when it was asked at `began_s`: it is right, or only behind."""
        with self.lock:
            for act in recorded.values():
                known = self._known.get(act.alert_id)
                if known is None or act.revision > known.revision or boards.differs(act, known):
                    self._take_over(act)
            self._looked_s = began_s

    def forget(self, over_since: datetime, but: Collection[Key]) -> None:
        """Drop acts that were made before, and were over by then."""
        with self.lock:
            for alert_id, act in list(self._known.acts.items()):
                over_at = act.alert.expires_at if act.alert else act.at
                if max(over_at, act.at) <= over_since and key_of(act) not in but:
                    self._known.drop(alert_id)

    def wait_until_told(self) -> None:
        """On a new connection, for the fraction of a second in which the broker tells its boards."""
        connection = self._link.connection if self._link else None
        if connection is not None:
            self._mirror.has_told(connection, wait=True)

    def concerned(self, act: Act) -> list[str]:
        """The areas whose boards change; also those that show the alert though it has left them."""
        with self.lock:
            areas = boards.concerned(self._known.get(act.alert_id), act)
            return [*areas, *sorted(self._showing(act.alert_id).difference(areas))]

    def put_up(self, act: Act) -> Sent:
        """Sign and send the boards of every area that the act concerns; the first to gain it come first."""
        with self.lock:
            areas = self.concerned(act)
            self._known.put(act)
            return self._send(areas, announced=(act,))

    def set_right(self, announced: Sequence[Act], urgent: Iterable[str]) -> Sent:
        """Send every board that the broker should carry and does not; `urgent` ones without courtesy."""
        connection = self._link.connection if self._link else None
        if connection is None or not self._mirror.has_told(connection):
            return Sent()
        with self.lock:
            hurried = set(urgent)
            wrong = [one for one in sorted(self._areas()) if self._is_wrong(one, connection, one in hurried)]
            if not wrong:
                return Sent()
            _log.info(
                "the broker's boards of %s are not as they should be: sent again", ", ".join(wrong[:20])
            )
            return self._send(wrong, announced=announced)

    def confirm(self, sent: Sent, timeout_s: float) -> int:
        """Wait for the broker; how many boards it has acknowledged."""
        if sent.sending is None:
            return 0
        done = sent.sending.wait(timeout_s)[sent.ahead :]
        with self.lock:
            for issued, well in zip(sent.issued, done, strict=True):
                if well and self._issued.get(issued.board.area) == issued:
                    self._issued[issued.board.area] = replace(issued, acknowledged=True)
        return sum(done)

    def is_up(self, act: Act, area_ids: Iterable[str]) -> bool:
        """Whether it stands on the boards of these areas in the broker, whoever put it there."""
        connection = self._link.connection if self._link else None
        with self.lock:
            return all(self._carries(act, area_id, connection) for area_id in area_ids)

    def for_rows(self, kept: Mapping[str, KeptBoard]) -> list[Issued]:
        """Boards whose rows are to be written: each is the one that is up, or else one to be published."""
        with self.lock:
            areas = sorted(self._areas() | kept.keys())
            return [one for area_id in areas if (one := self._for_row(area_id, kept.get(area_id)))]

    def _showing(self, alert_id: str) -> set[str]:
        shown = ((area_id, self._mirror.shown(area_id)) for area_id in self._mirror.areas())
        return {area_id for area_id, alerts in shown if any(one.id == alert_id for one in alerts)}

    def _take_over(self, act: Act) -> None:
        """Whoever made it puts it up; we only see to it that it is done."""
        for area_id in boards.concerned(self._known.get(act.alert_id), act):
            self._taken_over_s[area_id] = time.monotonic()
        self._known.put(act)

    def _for_row(self, area_id: str, kept: KeptBoard | None) -> Issued | None:
        connection = self._link.connection if self._link else None
        found = self._to_publish(area_id, kept) if connection is None else self._up(area_id, connection)
        if found is not None and (kept is None or kept.version < found.board.version):
            return found
        return None

    def _up(self, area_id: str, connection: Connection) -> Issued | None:
        told = self._mirror.told(area_id, connection.number)
        if told is None or told.board is None:
            return None
        right = boards.as_wanted(told.board, self._wanted(area_id), self._now())
        return Issued(told.board, told.token, acknowledged=True) if right else None

    def _to_publish(self, area_id: str, kept: KeptBoard | None) -> Issued | None:
        """Another link may reach the broker where ours does not."""
        wanted, issued = self._wanted(area_id), self._issued.get(area_id)
        if issued is not None and issued.board.alerts == wanted:
            return issued
        is_kept = kept.digest == digest_of(area_id, wanted) if kept else not wanted
        return None if is_kept else self._issue(area_id)

    def _carries(self, act: Act, area_id: str, connection: Connection | None) -> bool:
        issued = self._issued.get(area_id)
        if issued is not None and issued.acknowledged and boards.carries(issued.board, act):
            return True
        told = self._mirror.told(area_id, connection.number) if connection else None
        theirs = told.board if told is not None and not told.ours else None
        return theirs is not None and boards.carries(theirs, act)

    def _areas(self) -> set[str]:
        return self._known.areas | self._issued.keys() | self._mirror.areas()

    def _wanted(self, area_id: str) -> tuple[Alert, ...]:
        known, shown = self._known, self._mirror.shown(area_id)
        alerts = boards.standing(area_id, self._now(), known.acts, shown, known.at(area_id))
        if len(alerts) > boards.MOST_ALERTS:
            _log.error("%d alerts in force in %s: only the worst fit on its board", len(alerts), area_id)
        return boards.fitting(alerts)

    def _is_wrong(self, area_id: str, connection: Connection, hurried: bool) -> bool:
        wanted, told = self._wanted(area_id), self._mirror.told(area_id, connection.number)
        if self._awaits_other(area_id, told):
            return False
        if told is None:
            return bool(wanted) or area_id in self._issued
        is_behind = told.board is None or told.board.version < self._mirror.version(area_id)
        if told.ours and told.board is not None:
            return is_behind or told.board.alerts != wanted
        if told.board is not None and not is_behind and boards.as_wanted(told.board, wanted, self._now()):
            return False
        return hurried or self._had_its_time(told)

    def _awaits_other(self, area_id: str, told: Told | None) -> bool:
        """Whether the controller that made the last act is about to put it up."""
        made_s = self._taken_over_s.get(area_id, float("-inf"))
        is_up = told is not None and not told.ours and told.since_s >= made_s
        return not is_up and time.monotonic() < made_s + _COURTESY_S

    def _had_its_time(self, told: Told) -> bool:
        age_s = time.monotonic() - told.since_s
        return age_s >= _PATIENCE_S or (age_s >= _COURTESY_S and self._looked_s >= told.since_s)

    def _send(self, area_ids: Sequence[str], announced: Sequence[Act]) -> Sent:
        issued = [self._issue(area_id) for area_id in area_ids]
        if self._link is None:
            return Sent(issued)
        connection = self._link.connection
        news = [Publication(ACTS_TOPIC, self._key.sign(Announcement(act=act))) for act in announced]
        shown = [Publication(topics.alerts(one.board.area), one.token, retain=True) for one in issued]
        sending = self._link.begin([*news, *shown])
        if connection is not None:
            for one in issued:
                self._mirror.sent(one.board, one.token, connection.number)
        return Sent(issued, sending, ahead=len(news))

    def _issue(self, area_id: str) -> Issued:
        """The board as it is wanted now: the one that is there already, or its next version."""
        wanted, old = self._wanted(area_id), self._issued.get(area_id)
        version, now = self._mirror.version(area_id), self._now()
        if old is not None and old.board.alerts == wanted and old.board.version >= version:
            return old
        board = AlertBoard(
            area=area_id, version=boards.next_version(version, now), issued_at=now, alerts=wanted
        )
        issued = Issued(board, self._key.sign(board))
        self._issued[area_id] = issued
        self._mirror.raise_version(area_id, board.version)
        return issued
