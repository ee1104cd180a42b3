"""What is done to the running province, round by round, and what is measured on the way."""

import random
import time
from base64 import urlsafe_b64decode
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from bench.alert.figures import Figure, Target
from bench.alert.heard import Heard
from bench.alert.people import Editor, Officer, next_minute
from bench.alert.processes import Fleet
from bench.alert.province import BROADCAST_S, Province
from firmware_sim.fleet.events import Happened
from wire.alerts import AlertBoard

LATE_SHARE = 0.03
AWAY_S = 8.0
_HOT_S = 3.0
"""So long after a press nothing but the press itself is at work."""
_HEARD_WITHIN_S = 60.0
_FINAL_WITHIN_S = 90.0
_BROADCAST_REPEATS = 3


@dataclass
class Boards:
    """Every board as the bench itself got it: it subscribed first, so the broker serves it first."""

    seen: list[tuple[float, AlertBoard]] = field(default_factory=list)
    size_bytes: int = 0

    def take(self, at_s: float, _topic: str, token: bytes) -> None:
        payload = token.split(b".")[1]
        board = AlertBoard.decode(urlsafe_b64decode(payload + b"=" * (-len(payload) % 4)))
        self.seen.append((at_s, board))
        if len(board.alerts) == 1:
            self.size_bytes = len(token)

    def published_s(self, since_s: float) -> float | None:
        return next((at_s for at_s, _ in self.seen if at_s >= since_s), None)


def _figures() -> dict[str, Figure]:
    silent = Target(last=2.0)
    made = (
        Figure("press_to_answer"),
        Figure("press_to_published"),
        Figure("press_to_decided"),
        Figure("published_to_decided"),
        Figure("one_station_decides"),
        Figure("press_to_first_frame", Target(p50=0.5, p99=1.0, last=2.0)),
        Figure("end_to_all_final", Target(last=30.0)),
        Figure("board_page_answer"),
        Figure("update_to_old_silent", silent),
        Figure("update_to_new_first_frame"),
        Figure("cancel_to_silent", silent),
        Figure("preempt_press_to_broadcast_silent"),
        Figure("preempt_silent_to_alert", Target(last=0.5)),
        Figure("preempt_press_to_first_frame"),
        Figure("back_online_to_first_frame"),
    )
    return {figure.name: figure for figure in made}


@dataclass
class Bench:
    province: Province
    officer: Officer
    editor: Editor
    fleet: Fleet
    heard: Heard
    boards: Boards
    processes: int
    figures: dict[str, Figure] = field(default_factory=_figures)
    finals: list[dict[str, int]] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    @property
    def everyone(self) -> frozenset[str]:
        return frozenset(self.province.station_ids)

    def plain(self) -> None:
        """Press, and wait until every station is in a final state."""
        alert, sounding, pressed_s = self._press()
        self._measure_press(sounding, pressed_s)
        self._wait_until_final(alert, sounding)
        self._act("cancel", lambda: self.officer.cancel(alert))

    def changed(self) -> None:
        """Press; while it sounds, update; while that sounds, cancel."""
        alert, old, _ = self._press()
        self.officer.prepare_update(alert, self.province.voices[1])
        answer, updated_s = self._act("update", lambda: self.officer.update(alert))
        new = str(answer["sounding"])
        self._wait_for_all(Happened.FIRST_FRAME, new)
        self._measure("update_to_old_silent", self.heard.times(Happened.STOPPED, old), updated_s)
        self._measure("update_to_new_first_frame", self.heard.times(Happened.FIRST_FRAME, new), updated_s)
        _, cancelled_s = self._act("cancel", lambda: self.officer.cancel(alert))
        self._wait_for_all(Happened.STOPPED, new)
        self._measure("cancel_to_silent", self.heard.times(Happened.STOPPED, new), cancelled_s)
        time.sleep(_HOT_S)

    def preempting(self) -> None:
        """Press while a broadcast sounds everywhere; afterwards the broadcast goes on."""
        at = next_minute(datetime.now(UTC), timedelta(seconds=25))
        broadcast = self.editor.broadcast(self.province.programme_id, at, _BROADCAST_REPEATS)
        wait_s = (at - datetime.now(UTC)).total_seconds() + 20
        if not self.heard.wait(lambda: self._has(Happened.FIRST_FRAME, broadcast), wait_s):
            self.broken.append("the broadcast did not begin on every station")
        alert, sounding, pressed_s = self._press()
        stopped = self.heard.times(Happened.STOPPED, broadcast)
        began = self.heard.times(Happened.FIRST_FRAME, sounding)
        self._measure("preempt_press_to_broadcast_silent", stopped, pressed_s)
        self._measure("preempt_press_to_first_frame", began, pressed_s)
        gaps = {station: began[station] - at_s for station, at_s in stopped.items() if station in began}
        self._measure("preempt_silent_to_alert", gaps, 0.0)
        self._wait_until_final(alert, sounding)
        time.sleep(2.0)
        self.heard.look()
        on_again = self.heard.times(Happened.FIRST_FRAME, broadcast, since_s=pressed_s)
        if len(on_again) < len(self.everyone):
            self.broken.append(f"the broadcast went on at {len(on_again)} stations only")
        self._act("cancel", lambda: self.officer.cancel(alert))
        left_s = (at - datetime.now(UTC)).total_seconds() + BROADCAST_S * _BROADCAST_REPEATS + 5
        self.heard.wait(lambda: self.heard.over(broadcast, self.everyone), max(left_s, 5.0))

    def late(self) -> None:
        """Some stations have no network at the press, and come back while the others hear it."""
        count = max(round(len(self.everyone) * LATE_SHARE), 1)
        away = tuple(random.sample(self.province.station_ids, count))
        self.fleet.plug(away, plugged=False)
        time.sleep(2.0)
        alert, sounding, _ = self._press(self.everyone - set(away))
        time.sleep(AWAY_S - _HOT_S)
        back_s = time.monotonic()
        self.fleet.plug(away, plugged=True)
        self._wait_for_all(Happened.FIRST_FRAME, sounding)
        first = self.heard.times(Happened.FIRST_FRAME, sounding)
        online = self.heard.times(Happened.ONLINE, since_s=back_s)
        waits = {name: first[name] - online[name] for name in away if name in first and name in online}
        self._measure("back_online_to_first_frame", waits, 0.0)
        self._wait_until_final(alert, sounding)
        self._act("cancel", lambda: self.officer.cancel(alert))

    def _press(self, expected: frozenset[str] | None = None) -> tuple[str, str, float]:
        """Alert, sounding and the instant of the press, once it sounds everywhere it is expected to."""
        alert = self.officer.draft(self.province.voices[0])
        time.sleep(1.0)
        answer, pressed_s = self._act("press", lambda: self.officer.press(alert))
        sounding = str(answer["sounding"])
        self._wait_for_all(Happened.FIRST_FRAME, sounding, expected)
        return alert, sounding, pressed_s

    def _wait_for_all(
        self, happened: Happened, sounding: str, expected: frozenset[str] | None = None
    ) -> None:
        """On those that are expected, or on everyone."""
        expected = expected or self.everyone

        def everywhere() -> bool:
            return self.heard.times(happened, sounding).keys() >= expected

        if not self.heard.wait(everywhere, _HEARD_WITHIN_S):
            missing = expected - self.heard.times(happened, sounding).keys()
            self.broken.append(f"no {happened} of {sounding} at {len(missing)} stations")

    def _act(self, what: str, act: Callable[[], dict[str, Any]]) -> tuple[dict[str, Any], float]:
        """The answer and the instant of the click; afterwards the fleet is left alone while it is hot."""
        clicked_s = time.monotonic()
        answer = act()
        answered_s = time.monotonic() - clicked_s
        time.sleep(_HOT_S)
        self.heard.look()
        if what == "press":
            self.figures["press_to_answer"].add([answered_s])
        return answer, clicked_s

    def _measure_press(self, sounding: str, pressed_s: float) -> None:
        decided = self.heard.times(Happened.DECIDED, sounding)
        self._measure("press_to_decided", decided, pressed_s)
        self._measure("press_to_first_frame", self.heard.times(Happened.FIRST_FRAME, sounding), pressed_s)
        published_s = self.boards.published_s(pressed_s)
        if published_s is not None:
            self.figures["press_to_published"].add([published_s - pressed_s])
            self._measure("published_to_decided", decided, published_s)
        self.figures["one_station_decides"].add(self._between_decisions(decided))

    def _between_decisions(self, decided: Mapping[str, float]) -> Iterator[float]:
        """Of stations that share a process, and so a processor, each after the other."""
        for number in range(self.processes):
            names = self.province.station_ids[number :: self.processes]
            times_s = sorted(decided[name] for name in names if name in decided)
            yield from (later - earlier for earlier, later in pairwise(times_s))

    def _measure(self, name: str, at_s: Mapping[str, float], since_s: float) -> None:
        self.figures[name].add(one - since_s for one in at_s.values())

    def _has(self, happened: Happened, sounding: str) -> bool:
        return self.heard.count(happened, sounding) >= len(self.everyone)

    def _wait_until_final(self, alert: str, sounding: str) -> None:
        """Looks at the live board every second, as the officer's page does."""
        deadline_s = time.monotonic() + _HEARD_WITHIN_S + _FINAL_WITHIN_S
        answers_s: list[float] = []
        counts: Counter[str] = Counter()
        while time.monotonic() < deadline_s:
            asked_s = time.monotonic()
            counts = Counter(self.officer.board(alert)["counts"])
            answers_s.append(time.monotonic() - asked_s)
            self.heard.look()
            if self.heard.over(sounding, self.everyone) and counts["final"] == counts["total"]:
                break
            time.sleep(1.0)
        else:
            self.broken.append(f"not every station of {sounding} became final")
        ended = self.heard.times(Happened.ENDED, sounding)
        if ended:
            self.figures["end_to_all_final"].add([max(time.monotonic() - max(ended.values()), 0.0)])
        self.figures["board_page_answer"].add(answers_s)
        self.finals.append(dict(counts))
