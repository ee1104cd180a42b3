"""Errors as RFC 9457 problem documents, or as a page, with the same sentence."""

import logging
import secrets
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from audio_library import SoundError, StoreFull, TooLarge
from controller.errors import LoabanError, Sayable
from controller.shapes import misshapen
from controller.web.dependencies import get_context
from controller.web.pages.errors import error_page
from controller.web.texts import LANGUAGES
from schedules.errors import ScheduleError

_MEDIA_TYPE = "application/problem+json"
_HTTP_KEYS = {404: "web.no_such_page", 413: "web.too_much"}
_log = logging.getLogger(__name__)


def install(app: FastAPI) -> None:
    """Every error that a person can meet leaves through here."""
    for kind in (LoabanError, SoundError, ScheduleError):
        app.add_exception_handler(kind, _said)
    app.add_exception_handler(RequestValidationError, _not_the_shape)
    app.add_exception_handler(ValidationError, _not_the_shape)
    app.add_exception_handler(HTTPException, _plain_http)
    app.add_exception_handler(Exception, _unexpected)


def status_of(error: Exception) -> int:
    if isinstance(error, LoabanError):
        return error.status
    if isinstance(error, TooLarge):
        return 413
    return 507 if isinstance(error, StoreFull) else 422


def language_of(request: Request) -> str:
    """The signed-in person's language, else the first of ours that the browser asks for, else Vietnamese."""
    chosen = getattr(request.state, "language", None)
    if chosen in LANGUAGES:
        return str(chosen)
    asked = [part.split(";")[0].strip()[:2] for part in request.headers.get("accept-language", "").split(",")]
    return next((language for language in asked if language in LANGUAGES), LANGUAGES[0])


def _said(request: Request, error: Exception) -> Response:
    if not isinstance(error, Sayable):
        raise error
    return _answer(request, error, status_of(error))


def _answer(request: Request, error: Sayable, status: int) -> Response:
    if "text/html" in request.headers.get("accept", ""):
        return error_page(request, error, status)
    return problem(request, error, status)


def problem(request: Request, error: Sayable, status: int) -> JSONResponse:
    """`type` names the error for programs, `detail` is the sentence for people."""
    texts = get_context(request).texts
    language = language_of(request)
    body: dict[str, Any] = {
        "type": f"urn:loaban:error:{error.key}",
        "title": texts.say(language, f"web.status.{status}"),
        "status": status,
        "detail": texts.say(language, error.key, **error.params),
        "params": error.params,
    }
    field = getattr(error, "field", None)
    if field is not None:
        body["field"] = field
    return JSONResponse(body, status, media_type=_MEDIA_TYPE, headers={"Content-Language": language})


def _not_the_shape(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError | ValidationError):
        raise error
    return _said(request, misshapen(error.errors()))


def _plain_http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    key = _HTTP_KEYS.get(error.status_code, "web.bad_request")
    return _answer(request, LoabanError(key), error.status_code)


def _unexpected(request: Request, error: Exception) -> Response:
    """A fault of ours: the journal has the whole of it, under the number that the person is told."""
    number = secrets.token_hex(3)
    _log.error("fault %s: %s %s", number, request.method, request.url.path, exc_info=error)
    return _answer(request, LoabanError("web.unexpected", number=number), 500)
