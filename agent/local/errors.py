"""Why a test that somebody asks for on the spot is not made.

AgentError
└── TestRefused          not now; with `insist` perhaps
    ├── AlertFirst       an alert sounds, or is still to be heard here: never, whoever insists
    ├── Sounding         something is being broadcast
    ├── SoonSounding     something begins in a moment
    ├── QuietNow         quiet hours
    ├── TimeUnknown      there are quiet hours, and the clock is not to be believed
    ├── Busy             another test is running
    ├── GaveWay          it began, and broke off because something was to be heard
    └── NoSuchTest       this board has nothing to make it with
ProgramSilent            no program answers at the state folder
NoStation                this board has no settings yet
NotAllowed               its files belong to somebody else
"""

from agent.errors import AgentError


class TestRefused(AgentError):
    __test__ = False
    key = "test.refused"


class AlertFirst(TestRefused):
    key = "test.alert_first"


class Sounding(TestRefused):
    key = "test.sounding"


class SoonSounding(TestRefused):
    key = "test.soon_sounding"


class QuietNow(TestRefused):
    key = "test.quiet_now"


class TimeUnknown(TestRefused):
    key = "test.time_unknown"


class Busy(TestRefused):
    key = "test.busy"


class GaveWay(TestRefused):
    key = "test.gave_way"


class NoSuchTest(TestRefused):
    key = "test.none_such"


class ProgramSilent(AgentError):
    key = "error.program_silent"


class NoStation(AgentError):
    key = "error.no_station"


class NotAllowed(AgentError):
    key = "error.not_allowed"
