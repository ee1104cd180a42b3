"""Timetable files: the real examples load; what is wrong is named with its line."""

from datetime import date, time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules import errors
from schedules.category import Category
from schedules.errors import (
    BadValue,
    BadYaml,
    EndsBeforeItStarts,
    MissingField,
    NeverOccurs,
    NoSuchDate,
    NoTimes,
    RepeatedId,
    ScheduleError,
    UnknownField,
    UnknownZone,
)
from schedules.rule import Frequency, Rule
from schedules.timetable_file import TimetableFile, load
from wire.ids import LatenessRule, Priority

EXAMPLES = sorted((Path(errors.__file__).parent / "examples").glob("*.yaml"))

GOOD = """\
programmes:
  - id: ban-tin-sang
    title: Bản tin sáng
    category: general
    language: vi
    sound: chao-buoi-sang.wav
schedules:
  - id: sang-va-chieu
    title: Phát thanh hằng ngày
    area: bat-xat
    programmes: [ban-tin-sang]
    frequency: daily
    times: [5:30, "17:00"]
    start_date: 2026-01-01
    end_date: null
    exceptions: []
    priority: priority
    volume: 70
    lateness: skip
    grace_s: 12.5
    repeats: 2
    gap_s: 3
"""


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_loads_and_names_only_programmes_it_holds(path: Path) -> None:
    timetable = load(path.read_text(encoding="utf-8"))
    known = {programme.id for programme in timetable.programmes}
    assert timetable.schedules
    assert {id_ for schedule in timetable.schedules for id_ in schedule.programmes} == known


def test_the_examples_share_no_id() -> None:
    loaded = [load(path.read_text(encoding="utf-8")) for path in EXAMPLES]
    ids = [entry.id for timetable in loaded for entry in timetable.schedules]
    assert len(ids) == len(set(ids)) > 0


def test_every_field_is_read() -> None:
    timetable = load(GOOD)
    programme, schedule = timetable.programmes[0], timetable.schedules[0]
    assert (programme.category, programme.sound) == (Category.GENERAL, "chao-buoi-sang.wav")
    assert schedule.rule == Rule(
        frequency=Frequency.DAILY, times=(time(5, 30), time(17)), start_date=date(2026, 1, 1)
    )
    assert (schedule.priority, schedule.lateness) == (Priority.PRIORITY, LatenessRule.SKIP)
    assert (schedule.volume, schedule.grace_s, schedule.repeats, schedule.gap_s) == (70, 12.5, 2, 3)


def test_a_time_without_quotes_is_still_a_time() -> None:
    assert load(GOOD.replace('"17:00"', "17:00:30")).schedules[0].rule.times[1] == time(17, 0, 30)


def test_weekdays_by_name_or_number() -> None:
    text = GOOD.replace("frequency: daily", "frequency: weekdays\n    weekdays: [sun, Mon, 2]")
    assert load(text).schedules[0].rule.weekdays == (0, 2, 6)


def test_empty_exceptions_are_none_at_all() -> None:
    assert load(GOOD.replace("exceptions: []", "exceptions:")).schedules[0].exceptions == ()


@pytest.mark.parametrize(
    ("error", "line", "old", "new"),
    [
        (BadYaml, 12, "[ban-tin-sang]", "[ban-tin-sang"),
        (BadYaml, 3, "Bản tin sáng", "@sáng"),
        (BadYaml, 3, "    title: Bản tin sáng", "    id: ban-tin-sang"),
        (BadYaml, 9, "Phát thanh", "Phát\x00thanh"),
        (MissingField, 8, "    area: bat-xat\n", ""),
        (UnknownField, 13, "frequency: daily", "frequency: daily\n    colour: red"),
        (BadValue, 12, "frequency: daily", "frequency: hourly"),
        (BadValue, 10, "bat-xat", "Bát Xát"),
        (BadValue, 10, "bat-xat", "../bat-xat"),
        (BadValue, 13, "5:30", "530"),
        (BadValue, 13, "5:30", "25:30"),
        (BadValue, 14, "2026-01-01", "1/1/2026"),
        (BadValue, 14, "2026-01-01", "20260101"),
        (BadValue, 17, "priority: priority", "priority: emergency"),
        (BadValue, 18, "volume: 70", "volume: 101"),
        (BadValue, 18, "volume: 70", "volume: loud"),
        (BadValue, 19, "lateness: skip", "lateness: continue"),
        (BadValue, 20, "12.5", "nan"),
        (BadValue, 11, "[ban-tin-sang]", "[]"),
        (BadValue, 6, "chao-buoi-sang.wav", "../../etc/shadow"),
        (BadValue, 6, "chao-buoi-sang.wav", "/etc/shadow"),
        (BadValue, 6, "chao-buoi-sang.wav", "..\\\\boot.ini"),
        (NoSuchDate, 14, "2026-01-01", "2026-02-30"),
        (NoSuchDate, 15, "null", "2027-02-29"),
        (EndsBeforeItStarts, 8, "null", "2025-12-31"),
        (NeverOccurs, 8, "null\n    exceptions: []", "2026-01-01\n    exceptions: [2026-01-01]"),
        (NoTimes, 8, '[5:30, "17:00"]', "[]"),
        (UnknownZone, 8, "volume: 70", "zone: Asia/Saigon2"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(
    error: type[ScheduleError], line: int, old: str, new: str
) -> None:
    with pytest.raises(error) as caught:
        load(GOOD.replace(old, new, 1))
    assert caught.value.params["line"] == line
    assert type(caught.value) is error


def test_the_field_and_value_are_named() -> None:
    with pytest.raises(BadValue) as caught:
        load(GOOD.replace("volume: 70", "volume: 700"))
    assert caught.value.params["field"] == "schedules.0.volume"
    assert caught.value.params["value"] == "700"


def test_an_error_of_a_rule_names_the_schedule() -> None:
    with pytest.raises(EndsBeforeItStarts) as caught:
        load(GOOD.replace("null", "2025-12-31"))
    assert caught.value.params["schedule"] == "sang-va-chieu"


def test_two_entries_with_one_id() -> None:
    again = "  - id: ban-tin-sang\n    title: Lần hai\nschedules:"
    with pytest.raises(RepeatedId) as caught:
        load(GOOD.replace("schedules:", again, 1))
    assert caught.value.params["line"] == 7


@pytest.mark.parametrize("text", ["", "# only a remark", "- a\n- b", "just words", "42", "? [a]\n: b"])
def test_what_is_no_timetable_at_all(text: str) -> None:
    with pytest.raises(BadYaml):
        load(text)


def test_more_than_one_document_is_refused() -> None:
    with pytest.raises(BadYaml):
        load(GOOD + "---\n" + GOOD)


def test_a_bomb_of_aliases_is_refused() -> None:
    layers = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    layers += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    with pytest.raises(BadYaml):
        load("\n".join(layers))


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(BadYaml):
        load("programmes: " + "[" * 5000)


def test_a_huge_file_is_refused_before_it_is_read() -> None:
    with pytest.raises(BadYaml):
        load("#" * 1_000_001)


@given(st.text(max_size=200))
def test_any_text_is_a_timetable_or_a_named_error(text: str) -> None:
    try:
        assert isinstance(load(text), TimetableFile)
    except ScheduleError as error:
        assert "line" in error.params


@given(st.data())
def test_a_file_broken_anywhere_gives_a_named_error_or_loads(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(GOOD) - 1))
    junk = data.draw(
        st.sampled_from(["[", "}", ":", "- ", "\t", "&a ", "*a", "!!python/object:os.system", "%", '"'])
    )
    try:
        assert isinstance(load(GOOD[:at] + junk + GOOD[at:]), TimetableFile)
    except ScheduleError as error:
        assert "line" in error.params
