"""Who does something about alerts, when, and with what: one object from the edge down to the rules."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from controller.accounts.rules import Principal
from controller.context import Context
from controller.emergency.acts import Act


@dataclass(frozen=True)
class Actor:
    """`person` None is a rule for a sender of CAP messages, which needs no right and no second person.

    `pending` are acts that the database may not know yet (`Desk.pending()`).
    """

    session: Session
    context: Context
    now: datetime
    person: Principal | None
    pending: tuple[Act, ...] = ()

    @property
    def person_id(self) -> str | None:
        return self.person.person_id if self.person else None


@dataclass(frozen=True)
class Somebody(Actor):
    """A person who is signed in."""

    person: Principal
