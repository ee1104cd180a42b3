"""A programme's way through real transactions, with real rights."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from controller.accounts.rules import Principal
from controller.db.session import Database
from controller.errors import Conflict, Forbidden, Invalid, LoabanError, NotFound
from controller.programmes import queries, service
from controller.programmes.rules import STEPS, Move
from controller.programmes.tables import Programme, ProgrammeState
from controller.web.texts import Texts
from schedules.category import Category

People = Mapping[str, Principal]


@pytest.fixture
def draft(database: Database, people: People, sound: str, now: datetime) -> str:
    return make(database, people["operator"], sound, now).id


def make(database: Database, maker: Principal, sound: str, now: datetime, **changed: Any) -> Programme:
    fields: dict[str, Any] = {
        "area_id": "bat-xat-02683",
        "title": "Lịch tiêm phòng",
        "category": Category.GENERAL,
        "language": "vi",
        "sound_sha256": sound,
    }
    with database.write() as session:
        return service.create(session, now, maker, **(fields | changed))


def said(error: LoabanError) -> str:
    return Texts().say("vi", error.key, **error.params)


def test_from_draft_to_air(database: Database, people: People, draft: str, now: datetime) -> None:
    with database.write() as session:
        submitted = service.submit(session, now, people["operator"], draft)
        assert (submitted.state, submitted.submitted_at) == (ProgrammeState.SUBMITTED, now)
    with database.write() as session:
        service.approve(session, now + timedelta(minutes=5), people["approver"], draft)
    with database.read() as session:
        view = service.get(session, people["operator"], draft)
        assert view.state is ProgrammeState.APPROVED
        assert view.decided_by_name == "approver"
        assert view.decided_at == now + timedelta(minutes=5)
        assert (view.seconds, view.peaks, view.area_name) == (60.0, [0, 100, 50], "Xã Bát Xát")


def test_sent_back_with_a_reason_corrected_and_sent_again(
    database: Database, people: People, draft: str, now: datetime
) -> None:
    with database.write() as session:
        service.submit(session, now, people["operator"], draft)
        service.send_back(session, now, people["approver"], draft, " Thiếu ngày tiêm. ")
        returned = service.get(session, people["operator"], draft)
        assert (returned.state, returned.reason) == (ProgrammeState.RETURNED, "Thiếu ngày tiêm.")
        edited = service.edit(
            session, now, people["operator"], draft, title="Lịch  tiêm ngày 25", category=Category.URGENT
        )
        assert edited.state is ProgrammeState.DRAFT
        assert (edited.title, edited.category, edited.language) == (
            "Lịch tiêm ngày 25",
            Category.URGENT,
            "vi",
        )
        again = service.submit(session, now, people["operator"], draft)
        assert (again.state, again.reason, again.decided_by) == (ProgrammeState.SUBMITTED, None, None)


def test_a_reason_is_required(database: Database, people: People, draft: str, now: datetime) -> None:
    with database.write() as session:
        service.submit(session, now, people["operator"], draft)
    with database.write() as session, pytest.raises(Invalid) as caught:
        service.send_back(session, now, people["approver"], draft, " \n ")
    assert said(caught.value) == "Hãy ghi lý do trả lại, để người làm chương trình biết phải sửa gì."


def test_not_even_the_administrator_approves_what_he_made(
    database: Database, people: People, sound: str, now: datetime
) -> None:
    own = make(database, people["administrator"], sound, now).id
    with database.write() as session:
        service.submit(session, now, people["administrator"], own)
        with pytest.raises(Forbidden) as caught:
            service.approve(session, now, people["administrator"], own)
        assert "nên bạn không được tự duyệt" in said(caught.value)
        assert Move.APPROVE not in service.get(session, people["administrator"], own).may
        service.approve(session, now, people["approver"], own)


@pytest.mark.parametrize("what", ["changed", "sent"])
def test_nor_what_he_changed_or_sent_himself(
    database: Database, people: People, draft: str, now: datetime, what: str
) -> None:
    operator, administrator = people["operator"], people["administrator"]
    with database.write() as session:
        if what == "changed":
            service.edit(session, now, administrator, draft, title="Nội dung khác")
        service.submit(session, now, operator if what == "changed" else administrator, draft)
        with pytest.raises(Forbidden) as caught:
            service.approve(session, now, administrator, draft)
        assert caught.value.key == "programmes.own_programme"
        assert Move.APPROVE not in service.get(session, administrator, draft).may
        service.approve(session, now, people["approver"], draft)


def test_a_schedule_is_offered_what_was_approved_for_its_area_or_above(
    database: Database, people: People, sound: str, now: datetime
) -> None:
    administrator = people["administrator"]
    for area_id in ("lao-cai", "bat-xat-02683", "bat-xat-thon-1", "muong-hum-02728"):
        make(database, administrator, sound, now, area_id=area_id, id=f"cua-{area_id}")
        with database.write() as session:
            queries.change(session, f"cua-{area_id}", set(ProgrammeState), {"state": ProgrammeState.APPROVED})
    make(database, administrator, sound, now, id="nhap")
    with database.read() as session:
        offered = service.offered(session, people["operator"], "bat-xat-02683")
        assert {one.id for one in offered} == {"cua-lao-cai", "cua-bat-xat-02683"}
        with pytest.raises(Forbidden):
            service.offered(session, people["neighbour"], "bat-xat-02683")


@pytest.mark.parametrize("who", ["viewer", "approver", "technician", "alert_officer", "neighbour"])
def test_who_may_not_make_one(
    database: Database, people: People, sound: str, now: datetime, who: str
) -> None:
    with pytest.raises(Forbidden):
        make(database, people[who], sound, now)


Deed = Callable[..., Any]


@pytest.mark.parametrize("who", ["viewer", "technician", "neighbour"])
@pytest.mark.parametrize(
    "deed",
    [service.edit, service.submit, service.approve, service.archive],
)
def test_who_may_not_touch_one(
    database: Database, people: People, draft: str, now: datetime, who: str, deed: Deed
) -> None:
    with database.write() as session, pytest.raises(Forbidden):
        deed(session, now, people[who], draft)


def test_every_move_in_a_wrong_state_is_a_conflict_with_a_sentence(
    database: Database, people: People, draft: str, now: datetime
) -> None:
    operator = people["operator"]
    deeds: dict[Move, Callable[[Any], Any]] = {
        Move.EDIT: lambda session: service.edit(session, now, people["operator"], draft, title="Khác"),
        Move.SUBMIT: lambda session: service.submit(session, now, people["operator"], draft),
        Move.APPROVE: lambda session: service.approve(session, now, people["approver"], draft),
        Move.SEND_BACK: lambda session: service.send_back(session, now, people["approver"], draft, "x"),
        Move.ARCHIVE: lambda session: service.archive(session, now, operator, draft),
        Move.UNARCHIVE: lambda session: service.unarchive(session, now, operator, draft),
    }
    assert set(deeds) == set(Move)
    with database.write() as session, pytest.raises(Conflict):
        deeds.pop(Move.UNARCHIVE)(session)
    with database.write() as session:
        service.archive(session, now, operator, draft)
    for move, deed in deeds.items():
        with database.write() as session, pytest.raises(Conflict, match=move.value) as caught:
            deed(session)
        assert "Lịch tiêm phòng" in said(caught.value)


def test_the_table_decides_when_two_act_at_once(
    database: Database, people: People, draft: str, now: datetime
) -> None:
    with database.write() as session:
        service.submit(session, now, people["operator"], draft)
        step = STEPS[Move.APPROVE]
        first = queries.change(session, draft, step.sources, {"state": ProgrammeState.RETURNED})
        second = queries.change(session, draft, step.sources, {"state": ProgrammeState.APPROVED})
        assert (first, second) == (True, False)
    with database.read() as session:
        programme = session.get(Programme, draft)
        assert programme is not None
        assert programme.state is ProgrammeState.RETURNED


@pytest.mark.parametrize(
    ("changed", "kind", "key"),
    [
        ({"area_id": "khong-co"}, NotFound, "areas.unknown"),
        ({"title": "  "}, Invalid, "programmes.title_missing"),
        ({"title": "a" * 201}, Invalid, "programmes.title_too_long"),
        ({"language": "xx"}, Invalid, "programmes.unknown_language"),
        ({"sound_sha256": "0" * 64}, Invalid, "programmes.sound_missing"),
        ({"id": "../x"}, Invalid, "programmes.bad_id"),
    ],
)
def test_what_cannot_be_a_programme(
    database: Database,
    people: People,
    sound: str,
    now: datetime,
    changed: dict[str, str],
    kind: type[LoabanError],
    key: str,
) -> None:
    with pytest.raises(kind) as caught:
        make(database, people["operator"], sound, now, **changed)
    assert caught.value.key == key
    assert said(caught.value)
    with database.read() as session:
        assert service.listing(session, people["administrator"]) == []


def test_a_given_id_is_kept_and_taken_once(
    database: Database, people: People, sound: str, now: datetime
) -> None:
    assert make(database, people["operator"], sound, now, id="ban-tin-tuan").id == "ban-tin-tuan"
    with pytest.raises(Conflict, match="id_taken"):
        make(database, people["operator"], sound, now, id="ban-tin-tuan")


def test_the_listing_is_the_persons_realm_newest_first(
    database: Database, people: People, sound: str, now: datetime
) -> None:
    first = make(database, people["operator"], sound, now, title="Một")
    second = make(database, people["operator"], sound, now + timedelta(hours=1), title="Hai")
    other = make(database, people["neighbour"], sound, now, area_id="muong-hum-02728", title="Ba")
    with database.read() as session:
        mine = service.listing(session, people["operator"])
        assert [view.id for view in mine] == [second.id, first.id]
        assert mine[0].may == [Move.EDIT, Move.SUBMIT, Move.ARCHIVE]
        assert [view.may for view in service.listing(session, people["viewer"])] == [[], [], []]
        assert {view.id for view in service.listing(session, people["neighbour"])} == {other.id}
        assert len(service.listing(session, people["viewer"], limit=2)) == 2
        with pytest.raises(NotFound):
            service.get(session, people["neighbour"], first.id)


def test_archived_ones_are_listed_only_when_asked_for(
    database: Database, people: People, draft: str, now: datetime
) -> None:
    with database.write() as session:
        service.archive(session, now, people["operator"], draft)
    with database.read() as session:
        assert service.listing(session, people["operator"]) == []
        archived = service.listing(session, people["operator"], ProgrammeState.ARCHIVED)
        assert [view.id for view in archived] == [draft]


def test_from_the_archive_an_approval_comes_back_and_nothing_else_does(
    database: Database, people: People, draft: str, now: datetime
) -> None:
    operator = people["operator"]
    with database.write() as session:
        service.submit(session, now, operator, draft)
        service.send_back(session, now, people["approver"], draft, "Thiếu ngày.")
        service.archive(session, now, operator, draft)
        assert service.unarchive(session, now, operator, draft).state is ProgrammeState.DRAFT
        service.submit(session, now, operator, draft)
        service.archive(session, now, operator, draft)
        assert service.unarchive(session, now, operator, draft).state is ProgrammeState.DRAFT
        service.submit(session, now, operator, draft)
        service.approve(session, now, people["approver"], draft)
        service.archive(session, now, operator, draft)
        assert service.unarchive(session, now, operator, draft).state is ProgrammeState.APPROVED
    with database.write() as session, pytest.raises(Conflict):
        service.unarchive(session, now, operator, draft)
