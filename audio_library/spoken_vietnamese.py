"""Figures, units, roads and abbreviations of a Vietnamese text in words, so that a machine reads no nonsense.

Made for short emergency texts: wind forces, hours, dates, rain, roads and numbers to call. What it does not
know stays as it is. All words are in `vietnamese.toml`. The steps come in this order:

    abbreviations · telephone numbers · dates · hours · roads · places on roads · ranges · units · numbers
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]

_DATA = Path(__file__).with_name("vietnamese.toml")
_LONGEST_NUMBER = 12
_NUMBER = r"\d+(?:[.,]\d+)*"


def spoken(text: str) -> str:
    """The text as it is to be read, on one line. What is in words already comes back unchanged."""
    said = unicodedata.normalize("NFC", text)
    for pattern, say in _reader().rules:
        said = pattern.sub(say, said)
    return re.sub(r"\s+([,.;:!?])", r"\1", " ".join(said.split()))


@cache
def _reader() -> _Reader:
    return _Reader(tomllib.loads(_DATA.read_text(encoding="utf-8")))


class _Reader:
    def __init__(self, data: Mapping[str, Any]) -> None:
        self._digits: list[str] = data["digits"]
        self._n: dict[str, str] = data["number"]
        self._w: dict[str, str] = data["word"]
        self._units: dict[str, str] = data["units"]
        self._roads: dict[str, str] = data["roads"]
        self._letters: dict[str, str] = data["letters"]
        self._short: dict[str, str] = data["abbreviations"]
        self._not_dates: list[str] = data["not_dates"]
        self.rules = self._made_rules(_any_of(data["calls"]))

    def _made_rules(self, calls: str) -> list[Rule]:
        day, month, w = self._w["day"], self._w["month"], self._w
        units, roads = _any_of(self._units), _any_of(self._roads)
        rules = [
            (r"[–—−]", lambda _: "-"),
            (rf"(?<!\w)({_any_of(self._short)})(?!\w)\.?", lambda m: self._short[m[1]]),
            (rf"(?i:\b({calls})(:?)\s+)(\d{{3,}}(?:[ .]\d{{3,}})*)(?![\d,])", self._dialled_after),
            (r"(?<![\w.,])(?:\+84|0)\d(?:[ .-]?\d){7,9}(?![\d,])", lambda m: self._dialled(m[0])),
            (rf"(?:{day}\s+)?(?<!\d)(\d\d?)([/.-])(\d\d?)\2(\d{{4}})(?!\d)", self._date),
            (rf"(?:{day}\s+)?(?<![\d/])(\d\d?)\s*-\s*(\d\d?)/(\d\d?)(?![\d/])", self._days),
            (rf"(?:{day}\s+)?(?<![\d/,.])(\d\d?)/(\d\d?)(?![\d/])", self._date),
            (rf"(?:{month}\s+)?(?<![\d/])(\d\d?)/(\d{{4}})(?!\d)", self._month),
            (r"(?<![\d,.])(\d\d?)\s?[hHg:](\d\d)(?!\w)(?:\s*(?:ph|p)(?!\w))?", self._time),
            (r"(?<![\d,.])(\d\d?)\s?[hH](?!\w)", lambda m: f"{int(m[1])} {w['hour']}"),
            (rf"(?<!\w)({roads})\.?\s*(?=\d)", lambda m: f"{self._roads[m[1]]} "),
            (rf"(?<!\w)(\d+)([{''.join(self._letters)}])(?!\w)", lambda m: f"{m[1]} {self._letters[m[2]]}"),
            (r"(?i:(?<!\w)km)\s*(\d+)\s*\+\s*(\d+)", self._place),
            (r"(?i:(?<!\w)km)\s*(?=\d)", lambda _: f"{w['kilometre']} "),
            (r"(?<=\d)\s*-\s*(?=\d)", lambda _: f" {w['to']} "),
            (rf"({w['hour']}|{w['minute']})\s*-\s*(?=\d)", lambda m: f"{m[1]} {w['to']} "),
            (rf"({_NUMBER})\s?({units})(?!\w)", lambda m: f"{m[1]} {self._units[m[2]]}"),
            (r"(?<![^\s(])-(?=\d)", lambda _: f"{self._n['minus']} "),
            (rf"(?<![\w.,])({_NUMBER})(?!\w)", lambda m: self._number(m[1])),
            (r"\s*/\s*(?=\d|\w)", lambda _: f" {w['over']} "),
            (r"\s+-\s+", lambda _: ", "),
            (r"\s*&\s*", lambda _: f" {w['and']} "),
        ]
        return [(re.compile(pattern), say) for pattern, say in rules]

    def _dialled_after(self, found: re.Match[str]) -> str:
        return f"{found[1]}{found[2]} {self._dialled(found[3])}"

    def _dialled(self, number: str) -> str:
        """Figure by figure, with a rest where the writer left one."""
        groups = re.split(r"[ .-]", number.replace("+84", "0"))
        return ", ".join(" ".join(self._digits[int(figure)] for figure in group) for group in groups)

    def _date(self, found: re.Match[str]) -> str:
        parts = [part for part in found.groups() if part.isdigit()]
        if not self._is_date(parts[0], parts[1]) or found[0] in self._not_dates:
            return found[0]
        year = f" {self._w['year']} {parts[2]}" if len(parts) > 2 else ""
        return f"{self._w['day']} {int(parts[0])} {self._named_month(parts[1])}{year}"

    def _days(self, found: re.Match[str]) -> str:
        first, last, month = found.groups()
        if not (self._is_date(first, month) and self._is_date(last, month)):
            return found[0]
        return f"{self._w['day']} {int(first)} {self._w['to']} {int(last)} {self._named_month(month)}"

    def _month(self, found: re.Match[str]) -> str:
        if not self._is_date("1", found[1]):
            return found[0]
        return f"{self._named_month(found[1])} {self._w['year']} {found[2]}"

    def _named_month(self, number: str) -> str:
        month = int(number)
        return f"{self._w['month']} {self._w['april'] if month == 4 else month}"

    @staticmethod
    def _is_date(day: str, month: str) -> bool:
        return 1 <= int(day) <= 31 and 1 <= int(month) <= 12

    def _time(self, found: re.Match[str]) -> str:
        hour, minute = int(found[1]), int(found[2])
        if hour > 24 or minute > 59:
            return found[0]
        minutes = f" {minute} {self._w['minute']}" if minute else ""
        return f"{hour} {self._w['hour']}{minutes}"

    def _place(self, found: re.Match[str]) -> str:
        return f"{self._w['kilometre']} {found[1]} {self._w['plus']} {found[2]}"

    def _number(self, written: str) -> str:
        """Vietnamese writes 1.200 for a thousand and two hundred, 2,5 for two and a half."""
        if re.fullmatch(r"\d{1,3}(\.\d{3})+", written):
            return self._whole(written.replace(".", ""))
        whole, *parts = re.split(r"[.,]", written)
        point = f" {self._n['point']} "
        return point.join([self._whole(whole), *(self._decimals(part) for part in parts)])

    def _decimals(self, figures: str) -> str:
        by_one = figures.startswith("0") or len(figures) > 2
        return self._figures(figures) if by_one else self._whole(figures)

    def _figures(self, figures: str) -> str:
        return " ".join(self._digits[int(figure)] for figure in figures)

    def _whole(self, figures: str) -> str:
        if len(figures) > _LONGEST_NUMBER:
            return self._figures(figures)
        groups = [int(group) for group in f"{int(figures):,}".split(",")]
        names = ("", self._n["thousand"], self._n["million"], self._n["billion"])
        said = [
            f"{self._hundreds(group, first=place == 0)} {names[len(groups) - 1 - place]}"
            for place, group in enumerate(groups)
            if group or len(groups) == 1
        ]
        return " ".join(" ".join(said).split())

    def _hundreds(self, number: int, *, first: bool) -> str:
        """A group of three figures; after another group its hundreds are said even where there are none."""
        hundreds, rest = divmod(number, 100)
        if first and not hundreds:
            return self._tens(rest)
        said = f"{self._digits[hundreds]} {self._n['hundred']}"
        if rest == 0:
            return said
        linked = f"{self._n['nothing_before_ones']} {self._digits[rest]}" if rest < 10 else self._tens(rest)
        return f"{said} {linked}"

    def _tens(self, number: int) -> str:
        tens, ones = divmod(number, 10)
        if tens == 0:
            return self._digits[ones]
        head = self._n["ten"] if tens == 1 else f"{self._digits[tens]} {self._n['tens']}"
        special = {5: self._n["five_after_ten"]}
        if tens > 1:
            special |= {1: self._n["one_after_tens"], 4: self._n["four_after_tens"]}
        return f"{head} {special.get(ones, self._digits[ones])}" if ones else head


def _any_of(words: Mapping[str, str] | list[str]) -> str:
    """The longest first, so that `km/h` is not taken for `km`."""
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
