"""Acts on their way into the database: beside the alert, never before it, and for as long as it takes."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from controller.boards.boards import Key, key_of
from controller.boards.spool import Spool
from controller.emergency.acts import Act

_log = logging.getLogger(__name__)

_SPOOL_WAIT_S: Final = 0.2
_FIRST_PAUSE_S: Final = 0.25
_LONGEST_PAUSE_S: Final = 5.0


class Recorder:
    """Keeps what is not recorded yet. `record` is idempotent, and may raise or block as databases do."""

    def __init__(
        self,
        spool: Spool,
        record: Callable[[Act], bool],
        recorded: Callable[[Act], None],
        met: Callable[[Act], None],
    ) -> None:
        """`met` is told before `recorded` of one whose revision was on record already; it may raise."""
        self._met = met
        self._spool = spool
        self._record = record
        self._recorded = recorded
        self._lock = threading.Lock()
        self._working = threading.Lock()
        self._pending: dict[Key, Act] = {}
        self._failures = 0
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="desk-spool")

    def load(self) -> list[Act]:
        """What an earlier process left behind; it is pending again."""
        left = self._spool.acts()
        for act in left:
            self.add(act)
        return left

    def keep(self, act: Act) -> Future[None]:
        """Pending from now on, and being spooled."""
        self.add(act)
        return self._pool.submit(self._spool.keep, act)

    def await_spooled(self, act: Act, writing: Future[None]) -> None:
        """For a moment: the disk may be slow, or full."""
        try:
            writing.result(_SPOOL_WAIT_S)
        except (OSError, TimeoutError):
            _log.exception("%s r%d is not spooled, only in memory", act.alert_id, act.revision)

    def add(self, act: Act) -> None:
        with self._lock:
            self._pending[key_of(act)] = act

    def yield_to(self, act: Act) -> None:
        """The act of another controller holds where one of ours claims to be the same."""
        with self._lock:
            if key_of(act) in self._pending:
                self._pending[key_of(act)] = act

    def give_up(self, act: Act) -> None:
        """Another act is to be recorded in its place."""
        with self._lock:
            if self._pending.get(key_of(act)) == act:
                del self._pending[key_of(act)]
        self._drop(act)

    def pending(self) -> tuple[Act, ...]:
        """In the order of their making."""
        with self._lock:
            return tuple(sorted(self._pending.values(), key=lambda act: (act.at, act.alert_id, act.revision)))

    def work(self) -> float:
        """One try for each; how long to wait before the next. One thread at a time."""
        with self._working:
            stuck: set[str] = set()
            while acts := [act for act in self.pending() if act.alert_id not in stuck]:
                if not self._attempt(acts[0]):
                    stuck.add(acts[0].alert_id)
            if stuck:
                self._failures += 1
            elif self._failures:
                _log.warning("every act is in the database again, after %d failed tries", self._failures)
                self._failures = 0
            pause_s: float = _FIRST_PAUSE_S * 2 ** min(self._failures, 10)
            return min(_LONGEST_PAUSE_S, pause_s)

    def close(self) -> None:
        self._pool.shutdown(wait=False)

    def _attempt(self, act: Act) -> bool:
        self._sync(act)
        try:
            if not self._record(act):
                self._met(act)
        except Exception as error:  # noqa: BLE001  whatever the database does, the act stays pending
            why = error if not self._failures else None
            _log.warning("%s r%d is not recorded yet: %s", act.alert_id, act.revision, error, exc_info=why)
            return False
        with self._lock:
            self._pending.pop(key_of(act), None)
        self._drop(act)
        self._recorded(act)
        return True

    def _sync(self, act: Act) -> None:
        try:
            self._spool.sync(act)
        except OSError:
            _log.exception("%s r%d is not on disk, only in memory", act.alert_id, act.revision)

    def _drop(self, act: Act) -> None:
        try:
            self._spool.drop(act)
        except OSError:
            _log.exception("%s r%d stays in the spool though it is recorded", act.alert_id, act.revision)
