"""People, sign-ins and what `require` lets through."""

import statistics
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from pwdlib import PasswordHash
from sqlalchemy import select

from controller.accounts import passwords, service
from controller.accounts.rules import Action, Principal
from controller.accounts.tables import Person, Role, SignIn
from controller.db.session import Database
from controller.errors import Conflict, Forbidden, Invalid, NotFound, SignInNeeded
from controller.web.texts import Texts

pytestmark = pytest.mark.usefixtures("people")


def test_a_token_names_its_person_until_it_ends(database: Database, now: datetime, password: str) -> None:
    with database.write() as session:
        token = service.sign_in(session, now, " Operator ", password, hours=12)
    with database.read() as session:
        principal = service.principal_of(session, now + timedelta(hours=11), token)
        assert principal is not None
        assert principal.username == "operator"
        assert principal.grants == ((Role.OPERATOR, "bat-xat-02683"),)
        assert service.principal_of(session, now + timedelta(hours=12), token) is None
        assert service.principal_of(session, now, token + "x") is None


def test_only_the_hash_of_a_token_is_kept(database: Database, now: datetime, password: str) -> None:
    with database.write() as session:
        token = service.sign_in(session, now, "operator", password, hours=1)
        kept = session.scalars(select(SignIn.token_hash)).all()
        assert len(kept) == 1
        assert token not in kept[0]


def test_a_wrong_name_a_wrong_password_and_a_closed_account_sound_alike(
    database: Database, now: datetime, password: str
) -> None:
    with database.write() as session:
        closed = session.get(Person, "technician")
        assert closed
        closed.active = False
    tries = [("nobody", password), ("operator", "sai-mat-khau"), ("technician", password)]
    for username, attempt in tries:
        with database.write() as session, pytest.raises(SignInNeeded) as caught:
            service.sign_in(session, now, username, attempt, hours=1)
        assert (caught.value.key, caught.value.params) == ("accounts.wrong_password", {})


def test_an_unknown_name_takes_as_long_as_a_known_one(database: Database) -> None:
    def median_s(username: str) -> float:
        spent: list[float] = []
        for _ in range(5):
            begun = time.perf_counter()
            with database.read() as session, pytest.raises(SignInNeeded):
                service.check_password(session, username, "sai-mat-khau")
            spent.append(time.perf_counter() - begun)
        return statistics.median(spent)

    assert median_s("nobody") > 0.4 * median_s("operator")


def test_nobodys_hash_costs_what_a_new_one_costs() -> None:
    fresh = PasswordHash.recommended().hash("x")
    assert passwords.NOBODY.split("$")[:4] == fresh.split("$")[:4]


def test_signing_out_ends_the_token(database: Database, now: datetime, password: str) -> None:
    with database.write() as session:
        token = service.sign_in(session, now, "operator", password, hours=1)
        service.sign_out(session, token)
    with database.read() as session:
        assert service.principal_of(session, now, token) is None


def test_a_closed_account_is_out_at_once(database: Database, now: datetime, password: str) -> None:
    with database.write() as session:
        token = service.sign_in(session, now, "operator", password, hours=1)
        person = session.get(Person, "operator")
        assert person
        person.active = False
    with database.read() as session:
        assert service.principal_of(session, now, token) is None


def test_expired_sign_ins_are_forgotten_and_others_kept(
    database: Database, now: datetime, password: str
) -> None:
    with database.write() as session:
        service.sign_in(session, now, "operator", password, hours=1)
        kept = service.sign_in(session, now, "operator", password, hours=3)
        service.forget_expired(session, now + timedelta(hours=2))
        assert len(session.scalars(select(SignIn)).all()) == 1
        assert service.principal_of(session, now, kept) is not None


def test_a_new_person_can_sign_in(database: Database, now: datetime) -> None:
    with database.write() as session:
        added = service.add_person(
            session,
            now,
            "Giang.A.Pao",
            "Giàng A Páo",
            password="mot-mat-khau-dai",
            grants=[(Role.OPERATOR, "bat-xat-02683"), (Role.OPERATOR, "bat-xat-02683")],
        )
        assert added.password_hash.startswith("$argon2id$")
        token = service.sign_in(session, now, "giang.a.pao", "mot-mat-khau-dai", hours=1)
        principal = service.principal_of(session, now, token)
        assert principal is not None
        assert principal.full_name == "Giàng A Páo"
        assert len(principal.grants) == 1


@pytest.mark.parametrize(
    ("changed", "kind", "key"),
    [
        ({"username": "Nguyễn Văn A"}, Invalid, "accounts.bad_username"),
        ({"username": "operator"}, Conflict, "accounts.username_taken"),
        ({"full_name": " "}, Invalid, "accounts.name_missing"),
        ({"password": "ngan"}, Invalid, "accounts.short_password"),
        ({"grants": []}, Invalid, "accounts.no_grant"),
        ({"grants": [(Role.OPERATOR, "khong-co")]}, NotFound, "areas.unknown"),
    ],
)
def test_people_who_cannot_be_added(
    database: Database, now: datetime, changed: dict[str, object], kind: type[Exception], key: str
) -> None:
    wanted: dict[str, object] = {
        "username": "moi",
        "full_name": "Người Mới",
        "password": "mot-mat-khau-dai",
        "grants": [(Role.VIEWER, "lao-cai")],
    }
    with database.write() as session, pytest.raises(kind, match=key) as caught:
        service.add_person(session, now, **(wanted | changed))  # type: ignore[arg-type]
    assert Texts().say("vi", key, **caught.value.params)  # type: ignore[attr-defined]


def test_require_names_what_is_missing(database: Database, people: Mapping[str, Principal]) -> None:
    with database.read() as session:
        service.require(session, people["operator"], Action.SCHEDULE, "bat-xat-thon-1")
        with pytest.raises(Forbidden, match="outside_your_area") as caught:
            service.require(session, people["operator"], Action.SCHEDULE, "muong-hum-02728")
        assert caught.value.params == {"area": "Xã Mường Hum"}
        with pytest.raises(Forbidden, match="outside_your_area"):
            service.require(session, people["operator"], Action.SCHEDULE, "lao-cai")
        with pytest.raises(Forbidden, match="not_your_role"):
            service.require(session, people["operator"], Action.APPROVE, "bat-xat-02683")
        with pytest.raises(NotFound, match=r"areas\.unknown"):
            service.require(session, people["operator"], Action.SCHEDULE, "khong-co")


def test_the_realm_is_all_below_the_grant(database: Database, people: Mapping[str, Principal]) -> None:
    with database.read() as session:
        assert service.realm(session, people["operator"]) == {
            "bat-xat-02683",
            "bat-xat-thon-1",
            "bat-xat-thon-2",
        }
        assert service.realm(session, people["operator"], Action.APPROVE) == set()
        assert len(service.realm(session, people["technician"])) == 5


def test_a_name_behind_an_action_must_exist(database: Database) -> None:
    with database.read() as session:
        assert service.principal_named(session, "operator").person_id == "operator"
        with pytest.raises(NotFound, match="unknown_person"):
            service.principal_named(session, "nobody")


def test_nobody_acts_for_a_closed_account(database: Database) -> None:
    with database.write() as session:
        person = session.get(Person, "operator")
        assert person
        person.active = False
    with database.read() as session, pytest.raises(Forbidden) as caught:
        service.principal_named(session, "operator")
    assert caught.value.key == "accounts.closed"


def test_a_crowd_at_the_door_takes_the_memory_of_two_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    lock, a_third_came_in = threading.Lock(), threading.Event()
    inside, most = [0], [0]

    def verify(*_: object) -> bool:
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            if inside[0] > 2:
                a_third_came_in.set()
        a_third_came_in.wait(0.1)
        with lock:
            inside[0] -= 1
        return True

    monkeypatch.setattr(PasswordHash, "verify", verify)
    with ThreadPoolExecutor(8) as crowd:
        assert all(crowd.map(lambda _: passwords.matches("x", "y"), range(8)))
    assert most == [2]
