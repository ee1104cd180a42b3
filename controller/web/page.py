"""One page for one person: the templates with that person's language, times and rights."""

import gzip
import secrets
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.datastructures import FormData

from controller.accounts.dependencies import MaybeSignedIn, SignedIn
from controller.accounts.errors import sign_in_needed
from controller.accounts.rules import Action, Principal, may_anywhere
from controller.context import Context
from controller.programmes import service as programmes
from controller.programmes.rules import Move
from controller.programmes.tables import ProgrammeState
from controller.web import statics, times
from controller.web.alert_bands import Band, bands
from controller.web.dependencies import InContext
from controller.web.texts import LANGUAGES

LANGUAGE_COOKIE: Final = "loaban_language"
_WORTH_PACKING_BYTES: Final = 1_000
_SECTION_OF: Final = {"/luot-phat": "/lich-phat"}
_TEMPLATES: Final = Path(__file__).parent / "templates"


@cache
def templates() -> Environment:
    """Compiled once; a name that a page forgot to give is an error, not an empty place."""
    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@dataclass(frozen=True)
class Page:
    """What a route needs to answer a browser."""

    request: Request
    context: Context
    principal: Principal | None
    language: str
    now: datetime
    style_nonce: str = field(default_factory=lambda: secrets.token_urlsafe(12))

    def say(self, key: str, /, **params: object) -> str:
        return self.context.texts.say(self.language, key, **params)

    @property
    def person(self) -> Principal:
        """Whoever is signed in. Raises SignInNeeded."""
        if self.principal is None:
            raise sign_in_needed()
        return self.principal

    def may(self, action: str) -> bool:
        """Whether this person may do that somewhere."""
        return self.principal is not None and may_anywhere(self.principal, Action(action))

    @property
    def path(self) -> str:
        return self.request.url.path

    def is_under(self, section: str) -> bool:
        """Whether this page belongs to that section of the menu."""
        first = f"/{self.path.split('/')[1]}"
        return _SECTION_OF.get(first, first) == section

    @cached_property
    def waiting_for_approval(self) -> int:
        """How many programmes this person could decide on now."""
        if self.principal is None or not self.may(Action.APPROVE):
            return 0
        with self.context.database.read() as session:
            submitted = programmes.listing(session, self.principal, ProgrammeState.SUBMITTED)
        return sum(Move.SEND_BACK in programme.may for programme in submitted)

    @cached_property
    def bands(self) -> list[Band]:
        """The alerts in force in this person's area."""
        if self.principal is None:
            return []
        return bands(self.request, self.context, self.principal, self.now)

    @property
    def folded_bands(self) -> list[list[Band]]:
        """Real ones and drills, without the alert whose own page this is, or is refreshed from there."""
        at = self.request.query_params.get("tai", self.path)
        shown = [band for band in self.bands if band.address != at]
        parts = ([band for band in shown if band.drill is drill] for drill in (False, True))
        return [part for part in parts if part]

    @property
    def today(self) -> date:
        return times.local(self.now).date()

    def render(self, template: str, status: int = 200, **values: Any) -> HTMLResponse:
        """A whole page, or a piece of one."""
        text = templates().get_template(template).render(page=self, **self._words(), **values)
        return self._packed(text.encode(), status)

    def _packed(self, body: bytes, status: int) -> HTMLResponse:
        """Compressed where the browser can: lists that refresh themselves cost prepaid 3G."""
        headers = self._headers()
        accepted = self.request.headers.get("accept-encoding", "")
        if "gzip" in accepted and len(body) > _WORTH_PACKING_BYTES:
            return HTMLResponse(
                gzip.compress(body, 6), status, headers=headers | {"Content-Encoding": "gzip"}
            )
        return HTMLResponse(body, status, headers=headers)

    def _words(self) -> dict[str, Any]:
        return {
            "t": self.say,
            "static": statics.address,
            "clock": times.clock,
            "to_the_second": times.to_the_second,
            "day": times.day,
            "day_name": lambda value: times.day_name(self.say, value, self.today),
            "local": times.local,
            "starting": times.start_text,
            "moment": times.moment_text,
            "duration": lambda seconds: times.duration(self.say, seconds),
            "ago": lambda then: times.ago(self.say, self.now, then),
            "until": lambda then: times.until(self.say, self.now, then),
            "decimal": lambda value, digits=1: times.decimal(self.language, value, digits),
        }

    def _headers(self) -> dict[str, str]:
        policy = (
            f"default-src 'self'; style-src 'self' 'nonce-{self.style_nonce}'; img-src 'self' data:; "
            "media-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'; "
            "form-action 'self'; object-src 'none'"
        )
        return {
            "Content-Security-Policy": policy,
            "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
            "Content-Language": self.language,
            "Cache-Control": "no-store",
            "Vary": "Cookie, Accept-Encoding",
        }


def language_of(request: Request, principal: Principal | None) -> str:
    """The one chosen on this device, else the person's own, else Vietnamese."""
    own = principal.language if principal else getattr(request.state, "language", None)
    for wanted in (request.cookies.get(LANGUAGE_COOKIE), own):
        if wanted in LANGUAGES:
            return str(wanted)
    return LANGUAGES[0]


def make_page(request: Request, context: Context, principal: Principal | None) -> Page:
    language = language_of(request, principal)
    request.state.language = language
    return Page(request, context, principal, language, context.now())


def _open_page(request: Request, context: InContext, principal: MaybeSignedIn) -> Page:
    return make_page(request, context, principal)


def _signed_in_page(request: Request, context: InContext, principal: SignedIn) -> Page:
    return make_page(request, context, principal)


async def _posted(request: Request) -> FormData:
    return await request.form()


OpenPage = Annotated[Page, Depends(_open_page)]
"""For everybody."""
InPage = Annotated[Page, Depends(_signed_in_page)]
"""For people who are signed in; others are sent to the sign-in page."""
Posted = Annotated[FormData, Depends(_posted)]
"""The fields of a form, as typed."""
