"""What can go wrong when a board asks who it is."""

from typing import ClassVar

from controller.errors import LoabanError


class TooManyTries(LoabanError):
    """Codes are being guessed."""

    status: ClassVar[int] = 429
