"""Signing in and out, and choosing a language."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from controller.accounts import service as accounts
from controller.accounts.dependencies import forget, remember, token_of
from controller.context import Context
from controller.errors import SignInNeeded
from controller.web.dependencies import InContext
from controller.web.page import LANGUAGE_COOKIE, OpenPage
from controller.web.pages.errors import SIGN_IN, safe_path
from controller.web.texts import LANGUAGES

router = APIRouter()
_YEAR_S = 365 * 86400


@router.get(SIGN_IN)
def show(page: OpenPage, tiep: str = "/") -> Response:
    if page.principal:
        return RedirectResponse(safe_path(tiep), 303)
    return page.render("sign_in.html", username="", target=safe_path(tiep), error=None)


@router.post(SIGN_IN)
def sign_in(
    page: OpenPage,
    username: Annotated[str, Form(max_length=200)] = "",
    password: Annotated[str, Form(max_length=1000)] = "",
    tiep: Annotated[str, Form()] = "/",
) -> Response:
    try:
        token = _token(page.context, username, password)
    except SignInNeeded as error:
        sentence = page.say(error.key, **error.params)
        return page.render("sign_in.html", 401, username=username, target=safe_path(tiep), error=sentence)
    answer = RedirectResponse(safe_path(tiep), 303)
    remember(answer, token, page.context.settings)
    return answer


def _token(context: Context, username: str, password: str) -> str:
    """The slow password check holds no writing transaction: writers wait for each other."""
    with context.database.read() as session:
        person_id = accounts.check_password(session, username, password).id
    with context.database.write() as session:
        return accounts.open_sign_in(session, context.now(), person_id, context.settings.sign_in_hours)


@router.post("/dang-xuat")
def sign_out(request: Request, context: InContext) -> Response:
    token = token_of(request)
    if token:
        with context.database.write() as session:
            accounts.sign_out(session, token)
    answer = RedirectResponse(SIGN_IN, 303)
    forget(answer, context.settings)
    return answer


@router.post("/ngon-ngu")
def choose_language(
    context: InContext, language: Annotated[str, Form()], tiep: Annotated[str, Form()] = "/"
) -> Response:
    """For this device."""
    answer = RedirectResponse(safe_path(tiep), 303)
    if language in LANGUAGES:
        secure = context.settings.secure_cookies
        answer.set_cookie(
            LANGUAGE_COOKIE, language, max_age=_YEAR_S, httponly=True, samesite="lax", secure=secure
        )
    return answer
