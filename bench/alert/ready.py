"""Waiting until every station has said that it holds its card and knows what to hold for alerts."""

import time
from collections.abc import Sequence

from bench.alert.tap import Tap
from wire import topics
from wire.messages import Heartbeat

_WITHIN_S = 180.0


class _Told:
    def __init__(self) -> None:
        self.ready: set[str] = set()

    def take(self, _at_s: float, _topic: str, payload: bytes) -> None:
        beat = Heartbeat.decode(payload)
        if beat.card_version is not None and beat.standing is not None and beat.standing.wanted:
            self.ready.add(beat.station)


def wait_until_ready(port: int, station_ids: Sequence[str]) -> None:
    """By their own heartbeats. Raises SystemExit when some do not say so in time."""
    told, deadline_s = _Told(), time.monotonic() + _WITHIN_S
    with Tap(port, "bench-ready", [topics.ALL_HEARTBEATS], told.take):
        while not told.ready.issuperset(station_ids):
            if time.monotonic() > deadline_s:
                missing = len(set(station_ids) - told.ready)
                raise SystemExit(f"{missing} of {len(station_ids)} stations are not ready")
            time.sleep(0.5)
