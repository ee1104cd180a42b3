"""HTTP for boards that want to be stations, and for those who install them."""

from fastapi import APIRouter, Request

from controller.accounts.dependencies import SignedIn
from controller.enrolment import service
from controller.enrolment.rules import Tries, digest_of
from controller.enrolment.schemas import BoardView, CodeMade, NewStation, StationMade
from controller.web.dependencies import InContext, Reading, Writing
from wire.enrolment import KEYS_PATH, PATH, CentreKeys, EnrolmentGrant, EnrolmentRequest, PublicKey

router = APIRouter(tags=["stations"])


@router.post(PATH)
def enrol(request: Request, context: InContext, asked: EnrolmentRequest) -> EnrolmentGrant:
    """A board trades its code for its identity. Nobody is signed in: the code is the key.

    Raises TooManyTries where codes are being guessed.
    """
    tries: Tries = request.app.state.enrolment_tries
    address = request.client.host if request.client else ""
    now = context.now()
    tries.begin(address, now)
    service.check_proof(asked)
    digest = digest_of(asked.code)
    with context.database.write() as session:
        grant = service.enrol(
            session,
            now,
            asked,
            digest,
            key=context.signing_key,
            settings=context.settings,
            address=address,
        )
    tries.forgive(address, now)
    context.wake("dispatch")
    return grant


@router.get(KEYS_PATH)
def keys(context: InContext) -> CentreKeys:
    """Our own key, for a person at a board to compare with the station's page. It is no secret."""
    return CentreKeys(controller_keys=(PublicKey(x=context.signing_key.public_jwk()["x"]),))


@router.post("/api/stations", status_code=201)
def add(context: InContext, principal: SignedIn, wanted: NewStation) -> StationMade:
    """A new station, which waits for its board."""
    with context.database.write() as session:
        made = service.add_station(session, context.now(), principal, wanted)
    context.wake("dispatch")
    return StationMade(id=made.id)


@router.post("/api/stations/{station_id}/code", status_code=201)
def make_code(session: Writing, context: InContext, principal: SignedIn, station_id: str) -> CodeMade:
    """A code for the station's board: told once, good for one board and 24 hours."""
    return service.make_code(session, context.now(), principal, station_id)


@router.get("/api/stations/{station_id}/board")
def board(session: Reading, context: InContext, principal: SignedIn, station_id: str) -> BoardView:
    return service.board(session, context.now(), principal, station_id, context.signing_key)
