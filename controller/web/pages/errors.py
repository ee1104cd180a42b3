"""An error as a page: the sentence, and a way on."""

from urllib.parse import quote, urlsplit

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from controller.accounts.dependencies import maybe_signed_in
from controller.errors import Sayable
from controller.web.dependencies import get_context
from controller.web.page import make_page

SIGN_IN = "/dang-nhap"


def error_page(request: Request, error: Sayable, status: int) -> Response:
    """For a browser. Nobody signed in: the sign-in page, and back here afterwards.

    After a fault of ours the database is not asked who this is: it may be what failed.
    """
    if status == 401:
        return _to_sign_in(request)
    context = get_context(request)
    principal = None if status == 500 else maybe_signed_in(request, context)
    page = make_page(request, context, principal)
    sentence = page.say(error.key, **error.params)
    if "hx-request" in request.headers:
        return page.render("pieces/failed.html", status, sentence=sentence)
    return page.render("error.html", status, sentence=sentence, code=status)


def _to_sign_in(request: Request) -> Response:
    if "hx-request" in request.headers:
        shown = urlsplit(request.headers.get("hx-current-url", ""))
        target = f"{SIGN_IN}?tiep={quote(shown.path or '/')}"
        return HTMLResponse("", 200, headers={"HX-Redirect": target})
    back = request.url.path if request.method == "GET" else "/"
    query = f"?{request.url.query}" if request.method == "GET" and request.url.query else ""
    return RedirectResponse(f"{SIGN_IN}?tiep={quote(back + query)}", 303)


def safe_path(wanted: str) -> str:
    """A path on this site, or the front page: never an address that leads elsewhere."""
    leads_away = not wanted.startswith("/") or wanted[1:2] in {"/", "\\"}
    if leads_away or any(ord(letter) < 32 for letter in wanted):
        return "/"
    return wanted
