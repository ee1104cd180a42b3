"""The page as text. Everything that is not ours is escaped; it loads nothing and runs nothing."""

from collections.abc import Sequence
from html import escape
from typing import Final

from agent.wording import Say

POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
_STYLE: Final = (
    "body{font:1.1rem/1.5 sans-serif;max-width:40rem;margin:1rem auto;padding:0 1rem;overflow-wrap:anywhere}"
    "h1{font-size:1.4rem}li{margin:.3rem 0}"
    "input,button{font:inherit;padding:.6rem 1rem;margin:.3rem .3rem .3rem 0;max-width:100%}"
    ".told{border-left:.3rem solid #0a5;padding:.5rem 1rem;background:#eef7f1}"
)
REFRESH_S: Final = 4


def page(say: Say, station: str, lines: Sequence[str], told: str | None, *, running: bool, pin: bool) -> str:
    """`told` is what came of the last test; `running` refreshes the page until it is over."""
    refresh = f'<meta http-equiv="refresh" content="{REFRESH_S}">' if running else ""
    status = say("page.running") if running else told
    note = f'<p class="told" role="status">{escape(status)}</p>' if status else ""
    body = (
        f"<h1>{escape(say('page.title', station=station))}</h1>{note}"
        f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>"
        f"{_forms(say) if pin else _no_forms(say)}"
        f'<p><a href="/">{escape(say("page.again"))}</a></p>'
    )
    return _document(say, station, refresh, body)


def sentence(say: Say, station: str, told: str) -> str:
    """A page with one sentence and the way back."""
    back = f'<p><a href="/">{escape(say("page.back"))}</a></p>'
    return _document(say, station, "", f'<p class="told" role="alert">{escape(told)}</p>{back}')


def _forms(say: Say) -> str:
    return (
        '<form method="post" action="/test">'
        f'<label for="pin">{escape(say("page.pin"))}</label><br>'
        '<input id="pin" name="pin" type="password" inputmode="numeric" autocomplete="off" required><br>'
        f'<button name="what" value="tone">{escape(say("page.tone"))}</button>'
        f'<button name="what" value="electrical">{escape(say("page.electrical"))}</button>'
        f"</form><p>{escape(say('page.hint'))}</p>"
    )


def _no_forms(say: Say) -> str:
    return f"<p>{escape(say('page.no_pin'))}</p>"


def _document(say: Say, station: str, head: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="{escape(say("page.language"))}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"{head}<title>{escape(station)}</title><style>{_STYLE}</style></head><body>{body}</body></html>"
    )
