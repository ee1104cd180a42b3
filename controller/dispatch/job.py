"""The job `dispatch`: occurrences, documents, broker. Writes only where something changed."""

from controller.context import Context
from controller.dispatch import service
from controller.dispatch.publisher import Publisher
from controller.errors import Conflict
from controller.timetable import service as timetable

NAME = "dispatch"


class Dispatch:
    """One run brings the broker up to date with the timetable. Woken by edits and by new connections."""

    def __init__(self, context: Context, publisher: Publisher) -> None:
        self._context = context
        self._publisher = publisher

    def run(self) -> None:
        try:
            self.compile()
        finally:
            self._publisher.publish_due()

    def compile(self) -> int:
        """Materialise occurrences and issue what changed; returns how many documents were issued.

        Raises Conflict `dispatch.too_large` after all others if one is too large for stations to take.
        """
        self._expand()
        context, now = self._context, self._context.now()
        with context.database.read() as session:
            wanted = service.changes(session, now, context.settings)
        if not wanted:
            return 0
        fitting = [change for change in wanted if change.fits]
        with context.database.write() as session:
            issued = service.issue(session, now, context.signing_key, fitting)
        for change in wanted:
            if not change.fits:
                raise Conflict("dispatch.too_large", topic=change.topic)
        return issued

    def _expand(self) -> None:
        now, days = self._context.now(), self._context.settings.plan_days
        with self._context.database.read() as session:
            if not timetable.expansion(session, now, days):
                return
        with self._context.database.write() as session:
            timetable.expand_all(session, now, days)
