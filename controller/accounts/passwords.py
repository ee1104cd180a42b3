"""Argon2id, through pwdlib with its recommended cost."""

from typing import Final

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError

NOBODY: Final = (
    "$argon2id$v=19$m=65536,t=3,p=4$xGXv5TPpWtXGwk+LBFEw4A$j+RUJZZyNvBJICm7V1FGgfgieOrFfm53w/GlqdEbu8k"
)
"""Of a password that nobody has: checked for unknown names, so that they take as long as known ones."""


def hashed(password: str) -> str:
    return PasswordHash.recommended().hash(password)


def matches(password: str, password_hash: str) -> bool:
    try:
        return PasswordHash.recommended().verify(password, password_hash)
    except UnknownHashError:
        return False
