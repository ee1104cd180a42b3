"""A heartbeat full of evidence, as a station in trouble sends it."""

from datetime import datetime, timedelta
from typing import Any

from wire.evidence import (
    AmplifierFault,
    AmplifierState,
    LineState,
    LinkState,
    SelfTestFinding,
    SelfTestKind,
    SelfTestResult,
    SelfTestVerdict,
    StorageState,
)
from wire.ids import ClockTrust
from wire.messages import CacheState, Heartbeat


def full_heartbeat(station: str, at: datetime, **changed: Any) -> Heartbeat:
    """Everything was measured a little before, on the same clock."""
    values: dict[str, Any] = {
        "station": station,
        "boot_id": "b",
        "at": at,
        "uptime_s": 7200.0,
        "clock": ClockTrust.TRUSTED,
        "cache": CacheState(held=0, wanted=0),
        "amplifier": _amplifier(at - timedelta(seconds=20)),
        "acoustic_test": _test(
            at - timedelta(days=3), SelfTestKind.ACOUSTIC, level_db=-7.5, bands_db=(-2.0, -11.5)
        ),
        "electrical_test": _test(at - timedelta(minutes=30), SelfTestKind.ELECTRICAL, line_ma=(41.0, 0.0)),
        "storage": StorageState(writable=False, remembers=False, bytes_free=2_500_000_000, damaged=2),
        "link": LinkState(connects=14, up_s=95.0),
    }
    return Heartbeat(**(values | changed))


def _amplifier(at: datetime) -> AmplifierState:
    return AmplifierState(
        at=at,
        power_on=True,
        lines=(
            LineState(relay_on=True, muted=False, current_ma=812.0),
            LineState(relay_on=True, muted=True, current_ma=3.0),
        ),
        rail_v=23.6,
        mains_present=False,
        battery_v=12.4,
        heat_sink_c=61.0,
        faults=(AmplifierFault.FAN,),
    )


def _test(at: datetime, kind: SelfTestKind, **more: Any) -> SelfTestResult:
    return SelfTestResult(
        id=f"t-{kind}",
        kind=kind,
        at=at,
        verdict=SelfTestVerdict.FAILED,
        findings=(SelfTestFinding.WEAK,),
        attempts=3,
        **more,
    )
