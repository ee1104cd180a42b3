"""Why a document was refused.

WireError
├── Malformed       not a JWS, not JSON, or not the shape of its type
├── BadSignature    signed by nobody we know, or changed on the way
├── WrongTarget     meant for another area or station
├── StaleVersion    not newer than the one already held
└── Expired         its validity is over
"""

from enum import StrEnum


class RefusalReason(StrEnum):
    MALFORMED = "malformed"
    BAD_SIGNATURE = "bad_signature"
    WRONG_TARGET = "wrong_target"
    STALE_VERSION = "stale_version"
    EXPIRED = "expired"


class WireError(Exception):
    """A message that must not be acted on."""

    reason: RefusalReason


class Malformed(WireError):
    reason = RefusalReason.MALFORMED


class BadSignature(WireError):
    reason = RefusalReason.BAD_SIGNATURE


class WrongTarget(WireError):
    reason = RefusalReason.WRONG_TARGET


class StaleVersion(WireError):
    reason = RefusalReason.STALE_VERSION


class Expired(WireError):
    reason = RefusalReason.EXPIRED
