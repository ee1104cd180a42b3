"""How long ago each alert came in, over reboots: the only time that a station without a clock has."""

import asyncio
import json
import logging
import threading
from collections.abc import Callable, Collection
from pathlib import Path

from agent.clock import Clock, boot_id
from agent.files import make_folder, write_durably

log = logging.getLogger(__name__)


class Ages:
    """By sounding. Time with the power off does not count; a restart of the program alone does."""

    def __init__(self, file: Path, clock: Clock, boot: Callable[[], str] = boot_id) -> None:
        self._file = file
        self._clock = clock
        self._boot = boot()
        self._received_at_s: dict[str, float] = {}
        self._pen = threading.Lock()

    def load(self) -> None:
        """What cannot be read counts from now."""
        if not self._file.exists():
            return
        try:
            record = json.loads(self._file.read_bytes())
            ages = {str(id_): float(age_s) for id_, age_s in record["ages_s"].items()}
            since_s = self._clock.monotonic_s() - float(record["at_s"]) if record["boot"] == self._boot else 0
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("ages of alerts unreadable, counted anew: %s", error)
            return
        now_s = self._clock.monotonic_s() - max(since_s, 0.0)
        self._received_at_s = {id_: now_s - age_s for id_, age_s in ages.items()}

    def of(self, sounding: str) -> float:
        """Seconds since it was first received; 0 for one that comes in now."""
        now_s = self._clock.monotonic_s()
        return now_s - self._received_at_s.setdefault(sounding, now_s)

    def keep_only(self, soundings: Collection[str]) -> None:
        self._received_at_s = {id_: at_s for id_, at_s in self._received_at_s.items() if id_ in soundings}

    async def write(self) -> None:
        """Every minute or so, and when an alert has come or gone. Raises OSError."""
        if not self._received_at_s and not self._file.exists():
            return
        now_s = self._clock.monotonic_s()
        ages_s = {id_: round(now_s - at_s, 3) for id_, at_s in self._received_at_s.items()}
        record = {"boot": self._boot, "at_s": now_s, "ages_s": ages_s}
        await asyncio.to_thread(self._write, json.dumps(record).encode())

    def _write(self, content: bytes) -> None:
        with self._pen:
            make_folder(self._file.parent)
            write_durably(self._file, content)
