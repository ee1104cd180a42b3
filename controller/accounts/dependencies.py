"""Who is asking: from the browser's cookie, or a program's bearer token."""

from typing import Annotated, Final

from fastapi import Depends, Request, Response

from controller.accounts import service
from controller.accounts.errors import sign_in_needed
from controller.accounts.rules import Principal
from controller.settings import Settings
from controller.web.dependencies import InContext

COOKIE: Final = "loaban_session"


def token_of(request: Request) -> str | None:
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and bearer.strip():
        return bearer.strip()
    return request.cookies.get(COOKIE)


def maybe_signed_in(request: Request, context: InContext) -> Principal | None:
    """In a transaction of its own, closed before the route opens one."""
    token = token_of(request)
    if not token:
        return None
    with context.database.read() as session:
        principal = service.principal_of(session, context.now(), token)
    if principal:
        request.state.language = principal.language
    return principal


MaybeSignedIn = Annotated[Principal | None, Depends(maybe_signed_in)]


def signed_in(principal: MaybeSignedIn) -> Principal:
    """Raises SignInNeeded."""
    if principal is None:
        raise sign_in_needed()
    return principal


SignedIn = Annotated[Principal, Depends(signed_in)]


def remember(response: Response, token: str, settings: Settings) -> None:
    """Give the browser its cookie, out of reach of scripts and of other sites' forms."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=round(settings.sign_in_hours * 3600),
        httponly=True,
        samesite="lax",
        secure=settings.secure_cookies,
    )


def forget(response: Response, settings: Settings) -> None:
    response.delete_cookie(COOKIE, httponly=True, samesite="lax", secure=settings.secure_cookies)
