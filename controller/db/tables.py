"""Every table of the controller in one place, for migrations."""

from controller.accounts import tables as accounts
from controller.areas import tables as areas
from controller.cap import tables as cap
from controller.clockwork import tables as clockwork
from controller.db.base import Base
from controller.dispatch import tables as dispatch
from controller.emergency import tables as emergency
from controller.enrolment import tables as enrolment
from controller.media import tables as media
from controller.playback import tables as playback
from controller.programmes import tables as programmes
from controller.stations import tables as stations
from controller.timetable import tables as timetable

__all__ = [
    "Base",
    "accounts",
    "areas",
    "cap",
    "clockwork",
    "dispatch",
    "emergency",
    "enrolment",
    "media",
    "playback",
    "programmes",
    "stations",
    "timetable",
]
