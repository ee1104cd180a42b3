"""Every text that a person sees, by key, in Vietnamese and English."""

import tomllib
from pathlib import Path
from typing import Any

LANGUAGES = ("vi", "en")
_LABELS = "label."
_FOLDER = Path(__file__).parent / "text"


class Texts:
    """The catalogues `text/<language>/<section>.toml`; a key is `<section>.<name>[.<name>…]`."""

    def __init__(self, folder: Path = _FOLDER) -> None:
        self.catalogues = {language: _load(folder / language) for language in LANGUAGES}

    def say(self, language: str, key: str, /, **params: object) -> str:
        """The sentence in that language. Raises KeyError for a key or parameter that is missing.

        A parameter that is itself the key of a label is said by that label.
        """
        written = {name: _written(language, self._label(language, value)) for name, value in params.items()}
        return self.catalogues[language][key].format(**written)

    def _label(self, language: str, value: object) -> object:
        is_key = isinstance(value, str) and value.startswith(_LABELS)
        return self.catalogues[language].get(str(value), value) if is_key else value


def _written(language: str, value: object) -> object:
    """Fractions with the reader's own decimal mark."""
    if not isinstance(value, float):
        return value
    text = f"{value:.12g}"
    return text.replace(".", ",") if language == "vi" else text


def _load(folder: Path) -> dict[str, str]:
    catalogue: dict[str, str] = {}
    for path in sorted(folder.glob("*.toml")):
        catalogue.update(_flatten(path.stem, tomllib.loads(path.read_text(encoding="utf-8"))))
    return catalogue


def _flatten(prefix: str, table: dict[str, Any]) -> dict[str, str]:
    flat: dict[str, str] = {}
    for name, value in table.items():
        key = f"{prefix}.{name}"
        flat.update(_flatten(key, value) if isinstance(value, dict) else {key: str(value)})
    return flat
