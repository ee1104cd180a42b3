"""What a programme's fields must be; each check returns the value to keep or raises Invalid."""

import re

from controller.errors import Invalid
from controller.programmes.rules import LANGUAGES, REASON_LENGTH, TITLE_LENGTH
from wire.ids import AREA_PATTERN


def title(text: str) -> str:
    text = " ".join(text.split())
    if not text:
        raise Invalid("programmes.title_missing", field="title")
    if len(text) > TITLE_LENGTH:
        raise Invalid("programmes.title_too_long", field="title", longest=TITLE_LENGTH, length=len(text))
    return text


def language(code: str) -> str:
    if code not in LANGUAGES:
        raise Invalid("programmes.unknown_language", field="language", code=code[:20])
    return code


def reason(text: str) -> str:
    text = text.strip()
    if not text:
        raise Invalid("programmes.reason_missing", field="reason")
    if len(text) > REASON_LENGTH:
        raise Invalid("programmes.reason_too_long", field="reason", longest=REASON_LENGTH, length=len(text))
    return text


def sound(sha256: str, *, known: bool) -> str:
    if not known:
        raise Invalid("programmes.sound_missing", field="sound_sha256")
    return sha256


def programme_id(text: str) -> str:
    if not re.fullmatch(AREA_PATTERN, text):
        raise Invalid("programmes.bad_id", field="id", programme=text[:80])
    return text
