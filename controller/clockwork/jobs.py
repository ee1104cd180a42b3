"""The controller's jobs."""

from datetime import timedelta

from controller.accounts import service as accounts
from controller.boards.desk import Desk
from controller.boards.job import NAME as EMERGENCY
from controller.boards.job import Emergency
from controller.cap.polling import NAME as CAP
from controller.cap.polling import Polling
from controller.cap.service import Reception
from controller.clockwork import queries
from controller.clockwork.service import Job
from controller.context import Context
from controller.dispatch.job import NAME as DISPATCH
from controller.dispatch.job import Dispatch
from controller.dispatch.publisher import Publisher
from controller.stations import service as stations
from controller.timetable import service as timetable

STATIONS = "stations"
CLEANUP = "cleanup"
_MISSED_KEPT = timedelta(days=90)


def jobs(context: Context, publisher: Publisher, desk: Desk) -> list[Job]:
    dispatch, emergency = Dispatch(context, publisher), Emergency(context, desk)
    polling = Polling(context, Reception(context, desk))
    return [
        Job(EMERGENCY, every_s=5, run=emergency.run),
        Job(DISPATCH, every_s=30, run=dispatch.run),
        Job(STATIONS, every_s=10, run=lambda: sweep_stations(context)),
        Job(CAP, every_s=15, run=polling.run, grace_s=120, lease_s=600),
        Job(CLEANUP, every_s=3600, run=lambda: clean_up(context), grace_s=600),
    ]


def sweep_stations(context: Context) -> None:
    """Write down which stations changed their state."""
    with context.database.write() as session:
        stations.sweep(session, context.now(), context.settings.heartbeat_timeout_s)


def clean_up(context: Context) -> None:
    """Drop what nobody will ask for again."""
    now = context.now()
    with context.database.write() as session:
        queries.forget_missed(session, now - _MISSED_KEPT)
        timetable.forget_old(session, now)
        stations.forget_old(session, now)
        accounts.forget_expired(session, now)
