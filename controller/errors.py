"""What can go wrong for a person, each with a key into the catalogues and an HTTP status.

LoabanError
├── Invalid      422  what was sent cannot be; the sentence says what to change
├── Forbidden    403  not with this role, or not on this area
├── SignInNeeded 401  nobody is signed in
├── NotFound     404  no such thing, or not in this person's realm
└── Conflict     409  true a moment ago, no longer
Errors of `audio_library` and `schedules` carry `key` and `params` in the same way and count as `Invalid`.
"""

from typing import ClassVar, Protocol, runtime_checkable

Params = dict[str, str | int | float]


@runtime_checkable
class Sayable(Protocol):
    """An error that can be told to a person: a catalogue key and what to put into its sentence."""

    key: str
    params: Params


class LoabanError(Exception):
    status: ClassVar[int] = 500

    def __init__(self, key: str, field: str | None = None, **params: str | int | float) -> None:
        super().__init__(key, params)
        self.key = key
        self.params: Params = params
        self.field = field
        """The form field to point at, if one is to blame."""


class Invalid(LoabanError):
    status = 422


class Forbidden(LoabanError):
    status = 403


class SignInNeeded(LoabanError):
    status = 401


class NotFound(LoabanError):
    status = 404


class Conflict(LoabanError):
    status = 409
