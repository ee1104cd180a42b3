"""HTTP for signing in and out."""

from fastapi import APIRouter, Request, Response

from controller.accounts import service
from controller.accounts.dependencies import SignedIn, forget, remember, token_of
from controller.accounts.schemas import Me, SignedInView, SignInForm
from controller.web.dependencies import InContext, Writing

router = APIRouter(prefix="/api", tags=["accounts"])


@router.post("/sign-in")
def sign_in(context: InContext, response: Response, form: SignInForm) -> SignedInView:
    """The slow password check stays outside the writing transaction, where others would wait for it."""
    with context.database.read() as session:
        person = service.check_password(session, form.username, form.password)
        principal = service.principal(person)
    with context.database.write() as session:
        token = service.open_sign_in(
            session, context.now(), principal.person_id, context.settings.sign_in_hours
        )
    remember(response, token, context.settings)
    return SignedInView(token=token, me=Me.of(principal))


@router.post("/sign-out", status_code=204)
def sign_out(session: Writing, context: InContext, request: Request, response: Response) -> None:
    token = token_of(request)
    if token:
        service.sign_out(session, token)
    forget(response, context.settings)


@router.get("/me")
def me(principal: SignedIn) -> Me:
    return Me.of(principal)
