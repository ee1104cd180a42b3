"""The sentences of the simulator's command line: its own catalogue, and behind it the station program's."""

import tomllib
from enum import StrEnum
from importlib import resources
from typing import Any

from agent.wording import Say, sayer


class Language(StrEnum):
    VI = "vi"
    EN = "en"


def say_in(language: str) -> Say:
    """Raises KeyError for a key that neither has."""
    text = (resources.files("firmware_sim") / "text" / f"{language}.toml").read_text(encoding="utf-8")
    own: dict[str, Any] = tomllib.loads(text)
    behind = sayer(language)

    def say(key: str, **params: object) -> str:
        section, _, name = key.partition(".")
        sentence = own.get(section, {}).get(name)
        return behind(key, **params) if sentence is None else str(sentence).format(**params)

    return say
