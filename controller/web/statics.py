"""Styles, scripts and pictures, as `scripts/assets.py` bundled them."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, Response

from controller.errors import NotFound

FOLDER: Final = Path(__file__).parent / "static"
_FILES: Final = {
    "app.css": ("dist/app.css", "text/css; charset=utf-8"),
    "app.js": ("dist/app.js", "text/javascript; charset=utf-8"),
    "waveform.js": ("dist/waveform.js", "text/javascript; charset=utf-8"),
    "emergency.js": ("dist/emergency.js", "text/javascript; charset=utf-8"),
    "favicon.svg": ("favicon.svg", "image/svg+xml"),
}
_ENCODINGS: Final = (("br", ".br"), ("gzip", ".gz"))
_FOREVER: Final = "public, max-age=31536000, immutable"

router = APIRouter(include_in_schema=False)


@cache
def digest(name: str) -> str:
    """Of a file's content; part of its address, so that a browser may keep it for good."""
    path = FOLDER / _FILES[name][0]
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16] if path.exists() else "missing"


def address(name: str) -> str:
    return f"/static/{name}?v={digest(name)}"


@router.get("/static/{name}")
def static(request: Request, name: str, v: str = "") -> Response:
    """Raises NotFound."""
    if name not in _FILES or digest(name) == "missing":
        raise NotFound("web.no_such_page")
    inside, media_type = _FILES[name]
    headers = {"Cache-Control": _FOREVER if v == digest(name) else "no-cache", "Vary": "Accept-Encoding"}
    path = FOLDER / inside
    for encoding, suffix in _ENCODINGS:
        packed = path.with_name(path.name + suffix)
        if encoding in request.headers.get("accept-encoding", "") and packed.exists():
            headers["Content-Encoding"] = encoding
            return FileResponse(packed, media_type=media_type, headers=headers)
    return FileResponse(path, media_type=media_type, headers=headers)
