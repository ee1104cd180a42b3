"""Adding a station, making a code for its board, and answering the board that brings it."""

import logging
from datetime import datetime

from sqlalchemy.orm import Session

from controller.accounts import service as accounts
from controller.accounts.rules import Action, Principal
from controller.areas.rules import slug
from controller.enrolment import queries
from controller.enrolment.rules import VALID_FOR, CodeState, digest_of, new_code, state_of
from controller.enrolment.schemas import BoardView, CodeMade, NewStation
from controller.enrolment.tables import Enrolment
from controller.errors import Conflict, Invalid
from controller.settings import Settings
from controller.stations import service as stations
from controller.stations.tables import Station
from wire.enrolment import EnrolmentGrant, EnrolmentRequest, PublicKey, fingerprint_of, shown_code
from wire.errors import BadSignature
from wire.signing import SigningKey

log = logging.getLogger(__name__)

RESERVED = frozenset({"bang", "lap-moi"})
"""Words that stand where ids do in the addresses of pages."""
_ID_LENGTH = 63


def add_station(session: Session, now: datetime, principal: Principal, wanted: NewStation) -> Station:
    """Not installed until its board enrols. Raises Invalid, Conflict, NotFound, Forbidden."""
    accounts.require(session, principal, Action.MANAGE_STATIONS, wanted.area_id)
    id_ = wanted.id.strip() or _free_id(session, wanted.name)
    if id_ in RESERVED:
        raise Conflict("stations.id_taken", field="id", station=id_)
    made = stations.add(session, now, id_, wanted.area_id, wanted.name, kind=wanted.kind, installed=False)
    log.info("station added: station=%s area=%s by=%s", made.id, made.area_id, principal.username)
    return made


def make_code(session: Session, now: datetime, principal: Principal, station_id: str) -> CodeMade:
    """Good for 24 h and one board; an older one that nobody used is void. Raises NotFound, Forbidden."""
    station = stations.get(session, station_id)
    accounts.require(session, principal, Action.MANAGE_STATIONS, station.area_id)
    code = new_code()
    queries.void_unused(session, station.id, now)
    row = Enrolment(
        station_id=station.id,
        code_digest=digest_of(code),
        made_by=principal.person_id,
        made_at=now,
        expires_at=now + VALID_FOR,
    )
    session.add(row)
    session.flush()
    log.info("enrolment code made: station=%s by=%s until=%s", station.id, principal.username, row.expires_at)
    return CodeMade(station=station.id, code=shown_code(code), expires_at=row.expires_at)


def enrol(
    session: Session,
    now: datetime,
    asked: EnrolmentRequest,
    digest: str,
    *,
    key: SigningKey,
    settings: Settings,
    address: str,
) -> EnrolmentGrant:
    """`digest` is of the code, made beforehand: that takes long. The same board may ask again.

    Raises Invalid `enrolment.code_wrong`, Conflict `enrolment.code_used`, `enrolment.code_expired`.
    """
    row = queries.by_digest(session, digest)
    if row is None:
        raise Invalid("enrolment.code_wrong", field="code")
    public_key = asked.public_key.jwk()
    state = state_of(row.used_at, row.expires_at, now)
    is_repeat = state is CodeState.USED and row.public_key == public_key and now < row.expires_at
    if not is_repeat:
        _take(session, row, now, public_key, state)
        log.info(
            "board enrolled: station=%s key=%s from=%s",
            row.station_id,
            asked.public_key.fingerprint(),
            address,
        )
    station = stations.get(session, row.station_id)
    station.installed = True
    host, port = settings.broker_for_stations()
    own = PublicKey(x=key.public_jwk()["x"])
    return EnrolmentGrant(
        station=station.id, name=station.name, controller_keys=(own,), broker_host=host, broker_port=port
    )


def check_proof(asked: EnrolmentRequest) -> None:
    """Raises Invalid `enrolment.bad_proof`."""
    try:
        asked.check()
    except BadSignature as error:
        raise Invalid("enrolment.bad_proof", field="proof") from error


def board(
    session: Session, now: datetime, principal: Principal, station_id: str, key: SigningKey
) -> BoardView:
    """Raises NotFound `stations.unknown`, Forbidden."""
    station = stations.get(session, station_id)
    accounts.require(session, principal, Action.MANAGE_STATIONS, station.area_id)
    used, open_ = queries.newest_used(session, station.id), queries.waiting(session, station.id, now)
    known = used.public_key if used else None
    return BoardView(
        fingerprint=fingerprint_of(known) if known else None,
        enrolled_at=used.used_at if used else None,
        code_until=open_.expires_at if open_ else None,
        controller_fingerprint=fingerprint_of(key.public_jwk()),
    )


def _take(
    session: Session, row: Enrolment, now: datetime, public_key: dict[str, str], state: CodeState
) -> None:
    if state is CodeState.EXPIRED:
        raise Conflict("enrolment.code_expired", field="code")
    if state is CodeState.USED or not queries.use(session, row.id, now, public_key):
        raise Conflict("enrolment.code_used", field="code")


def _free_id(session: Session, name: str) -> str:
    """From the name, with a number where somebody has it already. Raises Invalid `stations.name_missing`."""
    base = slug(name)
    if not base:
        raise Invalid("stations.name_missing", field="name")
    wanted = [base[:_ID_LENGTH], *(f"{base[: _ID_LENGTH - 4]}-{number}" for number in range(2, 100))]
    taken = stations.known(session, wanted) | RESERVED
    return next((one for one in wanted if one not in taken), wanted[-1])
