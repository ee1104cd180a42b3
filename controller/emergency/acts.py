"""One act on an alert, complete: enough to publish it and to write it down, in this order or the other.

The hot path carries an act from the press to the broker without waiting for the database; the recording
follows, from memory or, after a crash, from the spool.
"""

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from controller.emergency.content import Content
from controller.emergency.tables import ActKind
from wire.alerts import Alert
from wire.ids import AlertId, AreaId


class Act(BaseModel):
    """`alert` stands on the boards of `area_ids` from now on, and on no other; None takes it off them all."""

    model_config = ConfigDict(frozen=True)

    alert_id: AlertId
    revision: Annotated[int, Field(ge=1)]
    what: ActKind
    person_id: str | None
    """None where a rule for a CAP sender acts."""
    at: AwareDatetime
    content: Content
    area_ids: tuple[AreaId, ...]
    alert: Alert | None
    seconds: float = 0.0
    cap_message_id: int | None = None


class Performed(BaseModel):
    """How far it had come when the answer was due."""

    model_config = ConfigDict(frozen=True)

    published_at: datetime | None
    """When the broker had acknowledged every board; None while it has not."""
    recorded: bool
