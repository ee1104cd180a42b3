"""The few sentences that the station's command line says, by key, in `agent/text/<language>.toml`."""

import tomllib
from collections.abc import Callable
from importlib import resources
from typing import Any

Say = Callable[..., str]


def sayer(language: str) -> Say:
    """A function from a dotted key and its parameters to a sentence. Raises KeyError for an unknown key."""
    text = (resources.files("agent") / "text" / f"{language}.toml").read_text(encoding="utf-8")
    catalogue = tomllib.loads(text)

    def say(key: str, **params: object) -> str:
        found: Any = catalogue
        for part in key.split("."):
            found = found[part]
        return str(found).format(**params)

    return say
