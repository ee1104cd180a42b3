"""Timetables from files: the same rules and errors, and a second time changes nothing."""

from collections.abc import Callable, Mapping
from datetime import datetime

import pytest

from controller.accounts.rules import Principal
from controller.db.session import Database
from controller.errors import Invalid
from controller.timetable import service
from controller.timetable.schemas import ImportResult
from controller.web.texts import LANGUAGES, Texts
from schedules.timetable_file import load

People = Mapping[str, Principal]
FILE = """
schedules:
  - id: sang
    title: Bản tin sáng
    area: bat-xat-02683
    programmes: [ban-tin-sang]
    frequency: daily
    times: ["05:30", "17:00"]
    start_date: 2026-01-01
  - id: chieu
    title: Bản tin chiều
    area: bat-xat-thon-1
    programmes: [ban-tin-sang]
    frequency: weekdays
    weekdays: [mon, fri]
    times: ["16:00"]
    start_date: 2026-01-01
"""


@pytest.fixture
def bring_in(
    database: Database, people: People, approved_programme: str, now: datetime
) -> Callable[[str], ImportResult]:
    def bring(text: str) -> ImportResult:
        with database.write() as session:
            return service.import_timetable(session, now, people["operator"], load(text))

    return bring


def test_a_file_makes_its_schedules_and_again_nothing(bring_in: Callable[[str], ImportResult]) -> None:
    assert bring_in(FILE).created == ("sang", "chieu")
    assert bring_in(FILE).unchanged == ("sang", "chieu")


def test_a_changed_file_changes_only_what_differs(bring_in: Callable[[str], ImportResult]) -> None:
    bring_in(FILE)
    result = bring_in(FILE.replace("16:00", "16:30"))
    assert (result.created, result.changed, result.unchanged) == ((), ("chieu",), ("sang",))


def test_a_schedule_that_was_withdrawn_by_hand_stays_withdrawn(
    database: Database, people: People, now: datetime, bring_in: Callable[[str], ImportResult]
) -> None:
    bring_in(FILE)
    with database.write() as session:
        service.withdraw(session, now, people["operator"], "sang")
    assert bring_in(FILE).unchanged == ("sang", "chieu")
    with database.read() as session:
        assert [view.id for view in service.listing(session, now, people["operator"])] == ["chieu"]


def test_one_mistake_and_nothing_is_taken_and_the_error_names_the_schedule(
    database: Database, people: People, now: datetime, bring_in: Callable[[str], ImportResult]
) -> None:
    wrong = FILE.replace(
        "area: bat-xat-thon-1\n    programmes: [ban-tin-sang]",
        "area: bat-xat-thon-1\n    programmes: [khong-co]",
    )
    with pytest.raises(Invalid) as caught:
        bring_in(wrong)
    assert caught.value.params["schedule"] == "chieu"
    assert all(Texts().say(language, caught.value.key, **caught.value.params) for language in LANGUAGES)
    with database.read() as session:
        assert service.listing(session, now, people["operator"]) == []
