"""One alert with one voice, for a station that is tested without a controller."""

from datetime import UTC, datetime, timedelta

from wire.alerts import Alert, Voice
from wire.ids import AlertKind, LatenessRule, Severity
from wire.messages import Item, Lateness


def spoken(signal: Item, voice: Item, number: int = 1, now: datetime | None = None) -> Alert:
    """In force for ten minutes from `now`, said once; different numbers are different alerts."""
    now = now or datetime.now(UTC)
    return Alert(
        id=f"kc-20261123-{number:08x}",
        revision=1,
        sounding=f"kc-20261123-{number:08x}-r1@{now:%Y%m%dT%H%M%SZ}",
        kind=AlertKind.FLASH_FLOOD,
        severity=Severity.EXTREME,
        sent_at=now,
        expires_at=now + timedelta(minutes=10),
        signal=signal,
        voices=(Voice(language="vi", items=(voice,)),),
        repeats=1,
        gap_s=0.0,
        lateness=Lateness(rule=LatenessRule.CONTINUE, grace_s=600),
    )
