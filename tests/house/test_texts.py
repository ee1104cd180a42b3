"""Every visible text is in the catalogues, in both languages, with the same blanks to fill in."""

import ast
import re
import string
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from controller.web.texts import LANGUAGES, Texts
from tests.support.files import python_files

ROOT = Path(__file__).parents[2]
WEB = ROOT / "controller" / "web"
TEXTS = Texts()
KEY = re.compile(r"""\bt\(\s*["']([a-z_0-9.]+)["']\s*[,)]""")
VIETNAMESE = re.compile(
    "[ăâđêôơưàáảãạằắẳẵặầấẩẫậèéẻẽẹềếểễệìíỉĩịòóỏõọồốổỗộờớởỡợùúủũụừứửữựỳýỷỹỵ]", re.IGNORECASE
)
JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)


def test_no_key_is_missing_in_either_language() -> None:
    vi, en = (set(TEXTS.catalogues[language]) for language in LANGUAGES)
    assert vi - en == set()
    assert en - vi == set()
    assert vi, "the catalogues are empty"


@pytest.mark.parametrize("key", sorted(TEXTS.catalogues["vi"]))
def test_both_languages_fill_in_the_same_blanks(key: str) -> None:
    vi, en = (blanks(TEXTS.catalogues[language][key]) for language in LANGUAGES)
    assert vi == en


def test_every_key_that_is_used_exists() -> None:
    missing = {f"{path.name}: {key}" for path, key in used_keys() if key not in TEXTS.catalogues["vi"]}
    assert not missing


def test_vietnamese_sentences_carry_their_marks() -> None:
    """A sentence of several words with not one mark was typed without diacritics."""
    bare = {
        key: text
        for key, text in TEXTS.catalogues["vi"].items()
        if len(re.findall(r"[A-Za-zÀ-ỹ]{2,}", re.sub(r"\{.*?\}", "", text))) >= 3
        and not VIETNAMESE.search(text)
    }
    assert not bare


def test_templates_hold_no_text_of_their_own() -> None:
    found = {}
    for path in (WEB / "templates").rglob("*.html"):
        parser = TextFinder()
        parser.feed(JINJA.sub(" ", path.read_text(encoding="utf-8")))
        if parser.texts:
            found[path.name] = parser.texts
    assert not found


def test_code_holds_no_vietnamese() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for package in ("wire", "schedules", "audio_library", "controller", "agent", "firmware_sim")
        for path in python_files(ROOT / package)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and VIETNAMESE.search(node.value)
        if not is_docstring(node, path)
    ]
    assert not found


def blanks(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


def used_keys() -> Iterator[tuple[Path, str]]:
    for path in (WEB / "templates").rglob("*.html"):
        for key in KEY.findall(path.read_text(encoding="utf-8")):
            yield path, key
    sections = {key.split(".")[0] for key in TEXTS.catalogues["vi"]} | {"sound", "schedule", "web", "label"}
    whole_key = re.compile(rf"^(?:{'|'.join(sorted(sections))})(?:\.[a-z_0-9]+)+$")
    for path in (
        *python_files(ROOT / "controller"),
        *python_files(ROOT / "audio_library"),
        *python_files(ROOT / "schedules"),
    ):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and whole_key.match(node.value)
                and not is_not_a_key(path, node.value)
            ):
                yield path, node.value


def is_not_a_key(path: Path, value: str) -> bool:
    """Names of tables, columns and files look like keys too."""
    return (
        path.name in {"tables.py", "queries.py"}
        or "versions" in path.parts
        or value.endswith((".html", ".py", ".toml", ".js"))
    )


def is_docstring(constant: ast.Constant, path: Path) -> bool:
    return any(
        (node.lineno, node.col_offset) == (constant.lineno, constant.col_offset)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    )


class TextFinder(HTMLParser):
    """Collects words that stand in a page outside `{{ … }}`, and in attributes that people see or hear."""

    SPOKEN = frozenset({"title", "alt", "placeholder", "aria-label"})

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def handle_data(self, data: str) -> None:
        if re.search(r"[^\W\d_]{2,}", data):
            self.texts.append(data.strip())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in self.SPOKEN and value and re.search(r"[^\W\d_]{2,}", value):
                self.texts.append(f"{name}={value}")
