"""The job `emergency`: alerts that are over, and boards that are not as they should be."""

from controller.boards import service
from controller.boards.desk import JOB as NAME
from controller.boards.desk import Desk
from controller.context import Context

__all__ = ["NAME", "Emergency"]


class Emergency:
    """Quick, and on its own: the timetable's documents may take their time."""

    def __init__(self, context: Context, desk: Desk) -> None:
        self._context = context
        self._desk = desk

    def run(self) -> None:
        self.expire()
        self._desk.reconcile()

    def expire(self) -> int:
        """Mark what is over; returns how many alerts. Writes only where there is one."""
        now = self._context.now()
        with self._context.database.read() as session:
            if not service.any_over(session, now):
                return 0
        with self._context.database.write() as session:
            return service.expire(session, now)
