"""Acts on alerts, complete as the service builds them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from controller.emergency.acts import Act
from controller.emergency.content import Content
from controller.emergency.tables import ActKind
from wire.alerts import Alert, Voice
from wire.ids import AlertKind, LatenessRule, Severity
from wire.messages import Item, Lateness

XA = "bat-xat-02683"


@pytest.fixture
def act(now: datetime) -> Callable[..., Act]:
    """`number` names the alert; `silent` takes it off its boards; `alert` changes what is published."""

    def make(
        number: int = 1,
        revision: int = 1,
        what: ActKind = ActKind.PRESS,
        *,
        area_ids: tuple[str, ...] = (XA,),
        after_s: float = 0.0,
        validity_s: float = 3600.0,
        silent: bool = False,
        **alert: Any,
    ) -> Act:
        at, id_ = now + timedelta(seconds=after_s), f"kc-20261123-{number:08x}"
        item = Item(sha256="5a" * 32, seconds=30.0, size_bytes=90_000)
        values = {
            "id": id_,
            "revision": revision,
            "sounding": f"{id_}-r{revision}@{at:%Y%m%dT%H%M%SZ}",
            "kind": AlertKind.FLOOD,
            "severity": Severity.SEVERE,
            "sent_at": at,
            "expires_at": at + timedelta(seconds=validity_s),
            "signal": item,
            "voices": (Voice(language="vi", items=(item,)),),
            "lateness": Lateness(rule=LatenessRule.CONTINUE, grace_s=validity_s),
        }
        return Act(
            alert_id=id_,
            revision=revision,
            what=what,
            person_id=None,
            at=at,
            content=Content(kind=AlertKind.FLOOD, severity=Severity.SEVERE, area_ids=area_ids),
            area_ids=area_ids,
            alert=None if silent else Alert(**(values | alert)),
        )

    return make
