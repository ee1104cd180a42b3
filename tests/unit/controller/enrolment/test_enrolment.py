"""A code is good for one board and a day; whoever guesses is stopped; the same board may ask again."""

import logging
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from controller.accounts import service as accounts
from controller.accounts.rules import Principal
from controller.app import create_app
from controller.context import Context
from controller.enrolment import service
from controller.enrolment.errors import TooManyTries
from controller.enrolment.rules import TRIES_FOR, TRIES_OF_ALL, TRIES_OF_ONE, VALID_FOR, Tries, digest_of
from controller.enrolment.schemas import NewStation
from controller.enrolment.tables import Enrolment
from controller.errors import Conflict, Forbidden, NotFound
from controller.stations.tables import Station
from wire.enrolment import PATH, EnrolmentGrant, EnrolmentRequest, fingerprint_of, plain_code
from wire.ids import StationKind
from wire.signing import SigningKey

VUOC = "cum-loa-ban-vuoc"


@pytest.fixture
def client(context: Context) -> Iterator[TestClient]:
    app = create_app(context)
    yield TestClient(app, base_url="http://loaban")
    app.state.desk.close()


@pytest.fixture
def station(context: Context, people: Mapping[str, Principal]) -> str:
    wanted = NewStation(name="Cụm loa bản Vược", area_id="bat-xat-thon-1", kind=StationKind.VILLAGE_CLUSTER)
    with context.database.write() as session:
        return service.add_station(session, context.now(), people["technician"], wanted).id


@pytest.fixture
def code(context: Context, people: Mapping[str, Principal], station: str) -> str:
    return made_code(context, people, station)


def made_code(context: Context, people: Mapping[str, Principal], station: str) -> str:
    with context.database.write() as session:
        return service.make_code(session, context.now(), people["technician"], station).code


def ask(client: TestClient, code: str, key: SigningKey | None = None) -> Any:
    asked = EnrolmentRequest.made_with(key or SigningKey.generate(), plain_code(code))
    return client.post(PATH, content=asked.encode(), headers={"Content-Type": "application/json"})


def refusal(answer: Any) -> str:
    return str(answer.json()["type"]).removeprefix("urn:loaban:error:")


def test_a_board_learns_who_it_is_and_whom_it_obeys(
    client: TestClient, context: Context, code: str, wakes: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    key = SigningKey.generate()
    answer = ask(client, code, key)
    assert answer.status_code == 200, answer.text
    grant = EnrolmentGrant.decode(answer.content)
    assert (grant.station, grant.name) == (VUOC, "Cụm loa bản Vược")
    assert [one.x for one in grant.controller_keys] == [context.signing_key.public_jwk()["x"]]
    assert (grant.broker_host, grant.broker_port) == ("127.0.0.1", 1883)
    assert "dispatch" in wakes
    with context.database.read() as session:
        assert session.get_one(Station, VUOC).installed
        row = session.query(Enrolment).one()
        assert row.public_key == {"kty": "OKP", "crv": "Ed25519", "x": key.public_jwk()["x"]}
        assert plain_code(code) not in (row.code_digest, caplog.text)
    assert f"board enrolled: station={VUOC}" in caplog.text


def test_whoever_makes_a_code_is_written_down(
    context: Context, people: Mapping[str, Principal], station: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    code = made_code(context, people, station)
    assert f"enrolment code made: station={VUOC} by=technician" in caplog.text
    assert code not in caplog.text


def test_a_station_waits_for_its_board(context: Context, station: str) -> None:
    with context.database.read() as session:
        assert not session.get_one(Station, station).installed


def test_a_second_board_does_not_get_in_with_the_same_code(client: TestClient, code: str) -> None:
    assert ask(client, code).status_code == 200
    answer = ask(client, code)
    assert (answer.status_code, refusal(answer)) == (409, "enrolment.code_used")


def test_a_board_that_missed_the_answer_asks_again(client: TestClient, code: str) -> None:
    key = SigningKey.generate()
    assert ask(client, code, key).content == ask(client, code, key).content


def test_a_code_is_good_for_a_day(
    client: TestClient, code: str, clock: list[datetime], now: datetime
) -> None:
    clock[0] = now + VALID_FOR
    answer = ask(client, code)
    assert (answer.status_code, refusal(answer)) == (409, "enrolment.code_expired")


def test_the_same_board_does_not_come_back_after_that_day(
    client: TestClient, code: str, clock: list[datetime], now: datetime
) -> None:
    key = SigningKey.generate()
    assert ask(client, code, key).status_code == 200
    clock[0] = now + VALID_FOR
    assert refusal(ask(client, code, key)) == "enrolment.code_used"


def test_a_new_code_makes_the_older_one_void(
    client: TestClient, context: Context, people: Mapping[str, Principal], station: str, code: str
) -> None:
    newer = made_code(context, people, station)
    assert refusal(ask(client, code)) == "enrolment.code_expired"
    assert ask(client, newer).status_code == 200


def test_a_wrong_code_is_wrong(client: TestClient, code: str) -> None:
    answer = ask(client, "ACEFG-HJKMN")
    assert (answer.status_code, refusal(answer)) == (422, "enrolment.code_wrong")
    assert "Mã lắp đài không đúng" in answer.json()["detail"]


def test_a_board_that_does_not_hold_its_key_is_refused(client: TestClient, code: str) -> None:
    asked = EnrolmentRequest.made_with(SigningKey.generate(), plain_code(code))
    other = EnrolmentRequest.made_with(SigningKey.generate(), plain_code(code))
    forged = asked.model_copy(update={"public_key": other.public_key})
    answer = client.post(PATH, content=forged.encode(), headers={"Content-Type": "application/json"})
    assert (answer.status_code, refusal(answer)) == (422, "enrolment.bad_proof")
    assert ask(client, code).status_code == 200


def test_whoever_guesses_is_stopped_and_the_right_board_comes_in_later(
    client: TestClient, code: str, clock: list[datetime], now: datetime
) -> None:
    codes = [refusal(ask(client, "ACEFGHJKMN")) for _ in range(TRIES_OF_ONE)]
    assert set(codes) == {"enrolment.code_wrong"}
    answer = ask(client, code)
    assert (answer.status_code, refusal(answer)) == (429, "enrolment.too_many_tries")
    clock[0] = now + TRIES_FOR
    assert ask(client, code).status_code == 200


def test_many_addresses_together_are_stopped_too(now: datetime) -> None:
    tries = Tries()
    for number in range(TRIES_OF_ALL):
        tries.begin(f"10.0.0.{number}", now)
    with pytest.raises(TooManyTries):
        tries.begin("10.1.0.1", now)
    tries.forgive("10.0.0.7", now)
    tries.begin("10.1.0.1", now)
    tries.begin("10.1.0.2", now + TRIES_FOR)


def test_right_codes_cost_no_try(now: datetime) -> None:
    tries = Tries()
    for number in range(TRIES_OF_ONE * 3):
        at = now + timedelta(seconds=number)
        tries.begin("10.0.0.1", at)
        tries.forgive("10.0.0.1", at)


def test_only_who_may_manage_stations_makes_codes(
    context: Context, people: Mapping[str, Principal], station: str
) -> None:
    for who in ("operator", "viewer", "neighbour"):
        with context.database.write() as session, pytest.raises(Forbidden):
            service.make_code(session, context.now(), people[who], station)
    with context.database.write() as session, pytest.raises(NotFound):
        service.make_code(session, context.now(), people["technician"], "khong-co")


def test_a_station_gets_an_id_from_its_name(
    context: Context, people: Mapping[str, Principal], station: str
) -> None:
    again = NewStation(name="Cụm loa bản Vược", area_id="bat-xat-thon-2", kind=StationKind.VILLAGE_CLUSTER)
    with context.database.write() as session:
        assert service.add_station(session, context.now(), people["technician"], again).id == f"{VUOC}-2"
        taken = again.model_copy(update={"id": "lap-moi"})
        with pytest.raises(Conflict):
            service.add_station(session, context.now(), people["technician"], taken)


def test_a_digest_is_of_what_was_meant() -> None:
    assert digest_of("acefg-hjkmn") == digest_of("ACEFG HJKMN") != digest_of("ACEFGHJKMP")


def test_programs_make_stations_and_codes_too(
    client: TestClient, context: Context, people: Mapping[str, Principal]
) -> None:
    with context.database.write() as session:
        token = accounts.open_sign_in(session, context.now(), people["technician"].person_id, hours=1)
    client.headers["Authorization"] = f"Bearer {token}"
    wanted = {"name": "Đài xã Mường Hum", "area_id": "muong-hum-02728", "kind": "commune_station"}
    made = client.post("/api/stations", json=wanted)
    assert (made.status_code, made.json()) == (201, {"id": "dai-xa-muong-hum"})
    code = client.post("/api/stations/dai-xa-muong-hum/code").json()
    assert client.get("/api/stations/dai-xa-muong-hum/board").json()["enrolled_at"] is None
    key = SigningKey.generate()
    assert ask(client, code["code"], key).status_code == 200
    board = client.get("/api/stations/dai-xa-muong-hum/board").json()
    assert board["fingerprint"] == fingerprint_of(key.public_jwk())
    assert board["code_until"] is None
