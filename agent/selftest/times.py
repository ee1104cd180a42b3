"""When a station tests itself. Pure.

Every station of a village has its own instant in the window, always the same: two that sweep at once would
hear each other.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from wire.evidence import SelfTestFinding as Finding
from wire.evidence import SelfTestKind, SelfTestResult
from wire.evidence import SelfTestVerdict as Verdict
from wire.messages import SelfTestTimes, StationCard

LONGEST: Final = timedelta(minutes=15)
"""Of one test with its second round."""
NEARLY: Final = timedelta(hours=12)
"""The window of the last day counts, whatever the minute was."""
AGAIN_UNCLEAR: Final = timedelta(minutes=30)
AGAIN_FAILED: Final = timedelta(days=1)


def is_due(kind: SelfTestKind, card: StationCard, last: SelfTestResult | None, now: datetime) -> bool:
    """Whether this test is to begin now."""
    every = timedelta(days=days_between(kind, card.self_test))
    if not every or not _is_in_window(card, now):
        return False
    return last is None or last.at > now or now - last.at >= _pause(last, every)


def days_between(kind: SelfTestKind, times: SelfTestTimes) -> int:
    return times.audible_every_days if kind is SelfTestKind.ACOUSTIC else times.silent_every_days


def _is_in_window(card: StationCard, now: datetime) -> bool:
    """From the station's own instant on."""
    local = now.astimezone(ZoneInfo(card.zone))
    begins = datetime.combine(local.date(), card.self_test.begins, local.tzinfo)
    ends = datetime.combine(local.date(), card.self_test.ends, local.tzinfo)
    spread = max(ends - begins - LONGEST, timedelta(0))
    return begins + spread * share_of(card.station) <= local < ends


def share_of(station: str) -> float:
    """A fixed number from 0 up to 1 for each station."""
    digest = hashlib.sha256(station.encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32


def _pause(last: SelfTestResult, every: timedelta) -> timedelta:
    """What said nothing is tried again the same morning, what was bad every day."""
    if last.verdict is Verdict.INCONCLUSIVE and Finding.MICROPHONE_DEAD not in last.findings:
        return AGAIN_UNCLEAR
    if last.verdict in {Verdict.PASSED, Verdict.CALIBRATED}:
        return every - NEARLY
    return min(AGAIN_FAILED, every) - NEARLY
