"""Errors as RFC 9457 problem documents, or as a page, with the same sentence."""

from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from audio_library import SoundError, StoreFull, TooLarge
from controller.errors import Invalid, LoabanError, NotFound, Sayable
from controller.web.dependencies import get_context
from controller.web.pages.errors import error_page
from controller.web.texts import LANGUAGES
from schedules.errors import ScheduleError

if TYPE_CHECKING:
    from collections.abc import Sequence

_MEDIA_TYPE = "application/problem+json"


def install(app: FastAPI) -> None:
    """Every error that a person can meet leaves through here."""
    for kind in (LoabanError, SoundError, ScheduleError):
        app.add_exception_handler(kind, _said)
    app.add_exception_handler(RequestValidationError, _not_the_shape)
    app.add_exception_handler(ValidationError, _not_the_shape)
    app.add_exception_handler(HTTPException, _plain_http)


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
    status = status_of(error)
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
    errors: Sequence[Any] = error.errors()
    first = errors[0] if errors else {"loc": (), "msg": ""}
    where = ".".join(str(part) for part in first["loc"] if part not in {"body", "query", "path"})
    return _said(request, Invalid("web.bad_field", field=where, name=where, problem=str(first["msg"])))


def _plain_http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == 404:
        return _said(request, NotFound("web.no_such_page"))
    refused = Invalid("web.bad_request")
    if "text/html" in request.headers.get("accept", ""):
        return error_page(request, refused, error.status_code)
    return problem(request, refused, error.status_code)
