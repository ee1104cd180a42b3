"""What can be wrong with a CAP message, before anybody asks whom it concerns.

Unreadable   cap.too_large · cap.not_xml · cap.has_doctype · cap.not_cap · cap.no_namespace
             cap.wrong_namespace · cap.old_version · cap.too_much · cap.missing · cap.repeated
             cap.unknown_value · cap.bad_time · cap.bad_identifier
Badly signed is a verdict, not an error: see `judge`. What is wrong with `cap.toml` is in `sources`.
"""

from controller.errors import Invalid, Params


class Unreadable(Invalid):
    """It cannot be understood at all, or it would not be safe to try."""


class Refused(Invalid):
    """Kept, and not followed; `message_id` among the params tells where."""


class Repeated(Invalid):
    """It has been here before."""

    status = 409


def shortened(text: str, longest: int = 60) -> str:
    """For a sentence: a stranger's text must not fill the page."""
    text = " ".join(text.split())
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


__all__ = ["Params", "Refused", "Repeated", "Unreadable", "shortened"]
