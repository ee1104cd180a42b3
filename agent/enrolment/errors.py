"""Why a board does not become a station.

AgentError
└── NotEnrolled
    ├── BadUrl         the centre's address is none
    ├── NotSecure      it is not encrypted, and nobody said that this may be
    ├── BadCode        the code cannot be one
    ├── CodeRefused    wrong, used, expired, or too many tries: the centre's own reason
    ├── Unreachable    nobody answers
    ├── NotTrusted     somebody answers with a certificate that does not hold
    ├── CaptivePortal  something on the way answers in the centre's place
    └── NotWritten     the settings cannot be written
"""

from agent.errors import AgentError


class NotEnrolled(AgentError):
    key = "enrol.refused"


class BadUrl(NotEnrolled):
    key = "enrol.bad_url"


class NotSecure(NotEnrolled):
    key = "enrol.not_secure"


class BadCode(NotEnrolled):
    key = "enrol.bad_code"


class CodeRefused(NotEnrolled):
    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__()


class Unreachable(NotEnrolled):
    key = "enrol.unreachable"


class NotTrusted(NotEnrolled):
    key = "enrol.not_trusted"


class CaptivePortal(NotEnrolled):
    key = "enrol.captive_portal"


class NotWritten(NotEnrolled):
    key = "enrol.not_written"
