"""The look keeps its promises: contrast AA in light and dark, and a first load that a 3G phone can bear."""

import gzip
import itertools
import re
from pathlib import Path

import pytest

WEB = Path(__file__).parents[4] / "controller" / "web"
TOKENS = (WEB / "assets" / "src" / "css" / "tokens.css").read_text(encoding="utf-8")
LIGHT, DARK = (
    dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", half))
    for half in TOKENS.split("@media (prefers-color-scheme: dark)")
)
PAIRS = [
    *itertools.product(["ink", "ink-soft", "accent-ink"], ["ground", "surface", "sunken"]),
    *((tone, f"{tone}-soft") for tone in ("good", "warn", "bad", "now", "quiet")),
    *(("ink", f"{tone}-soft") for tone in ("good", "warn", "bad", "now", "accent")),
    ("on-accent", "accent"),
    ("on-accent", "accent-hover"),
    ("cloth-ink", "cloth"),
    ("cloth-ink", "cloth-raised"),
    ("cloth-soft", "cloth"),
    ("accent-ink", "accent-soft"),
    ("on-alarm", "alarm"),
    ("on-alarm", "alarm-hover"),
    ("on-drill", "drill"),
    ("bad", "surface"),
    ("bad", "ground"),
]


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_can_be_read_on_its_ground(theme: dict[str, str], text: str, ground: str) -> None:
    assert contrast(theme[text], theme[ground]) >= 4.5


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("mark", ["line-strong", "focus"])
def test_edges_of_fields_can_be_seen(theme: dict[str, str], mark: str) -> None:
    assert contrast(theme[mark], theme["surface"]) >= 3


def test_the_first_load_is_small() -> None:
    """The sign-in page's style and script, and the waveform's, as they are sent."""
    dist = WEB / "static" / "dist"
    files = [dist / name for name in ("app.css", "app.js", "waveform.js")]
    if not all(path.exists() for path in files):
        pytest.skip("the pages' assets are not built: make install")
    assert sum(len(gzip.compress(path.read_bytes())) for path in files) < 60_000


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, relative luminance and contrast ratio."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
