"""Codes: how they are made, kept and judged. Pure, but for the chance that makes them."""

import hashlib
import secrets
from collections import deque
from contextlib import suppress
from datetime import datetime, timedelta
from enum import StrEnum
from threading import Lock
from typing import Final

from controller.enrolment.errors import TooManyTries
from wire.enrolment import CODE_LENGTH, CODE_LETTERS, plain_code

VALID_FOR: Final = timedelta(hours=24)
TRIES_FOR: Final = timedelta(minutes=10)
TRIES_OF_ONE: Final = 10
TRIES_OF_ALL: Final = 100
_SALT: Final = b"loaban enrolment code"
_SCRYPT: Final = {"n": 2**14, "r": 8, "p": 1, "dklen": 32}


class CodeState(StrEnum):
    GOOD = "good"
    USED = "used"
    EXPIRED = "expired"


def new_code() -> str:
    """About 44 bits, in letters that no one mistakes for another."""
    return "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))


def digest_of(code: str) -> str:
    """scrypt (RFC 7914): a stolen table is of no use within a code's life. No salt of its own, so that a code
    can be looked up; codes are random, so none is alike another."""
    return hashlib.scrypt(plain_code(code).encode(), salt=_SALT, **_SCRYPT).hex()


def state_of(used_at: datetime | None, expires_at: datetime, now: datetime) -> CodeState:
    if used_at is not None:
        return CodeState.USED
    return CodeState.GOOD if now < expires_at else CodeState.EXPIRED


class Tries:
    """Codes of late that were not right: how many one address tried, and how many all together."""

    def __init__(self) -> None:
        self._wrong: deque[tuple[datetime, str]] = deque()
        self._lock = Lock()

    def begin(self, address: str, now: datetime) -> None:
        """Counts as wrong until it is forgiven. Raises `TooManyTries`."""
        with self._lock:
            while self._wrong and now - self._wrong[0][0] >= TRIES_FOR:
                self._wrong.popleft()
            mine = sum(whose == address for _at, whose in self._wrong)
            if mine >= TRIES_OF_ONE or len(self._wrong) >= TRIES_OF_ALL:
                raise TooManyTries("enrolment.too_many_tries", minutes=round(TRIES_FOR.total_seconds() / 60))
            self._wrong.append((now, address))

    def forgive(self, address: str, now: datetime) -> None:
        """The try that began then was right."""
        with self._lock, suppress(ValueError):
            self._wrong.remove((now, address))
