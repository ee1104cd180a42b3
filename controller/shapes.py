"""What pydantic found wrong with the shape of a request, as an error with a sentence of ours. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from controller.errors import Invalid

_KINDS: Final = {
    "missing": "missing",
    "extra_forbidden": "unknown",
    "enum": "choice",
    "literal_error": "choice",
    "too_long": "too_many",
    "string_too_long": "too_long",
    "greater_than": "too_small",
    "greater_than_equal": "too_small",
    "less_than": "too_large",
    "less_than_equal": "too_large",
    "bool_parsing": "yes_or_no",
    "bool_type": "yes_or_no",
    "int_parsing": "number",
    "int_type": "number",
    "int_from_float": "number",
    "float_parsing": "number",
    "float_type": "number",
    "finite_number": "number",
    "string_type": "text",
    "json_invalid": "json",
}
"""Sentence by the error's type, https://docs.pydantic.dev/latest/errors/validation_errors/."""
_MOMENTS: Final = ("date", "time", "timezone")
"""How the types of everything about days and hours begin."""
_LIMITS: Final = ("max_length", "gt", "ge", "lt", "le")
_PLACES: Final = frozenset({"body", "query", "path", "header", "cookie"})


def misshapen(errors: Sequence[Mapping[str, Any]]) -> Invalid:
    """The first of them, at its field."""
    first = errors[0]
    place = ".".join(str(part) for part in first["loc"] if part not in _PLACES)
    kind = _kind(str(first["type"]))
    if kind == "json":
        return Invalid("web.shape.json")
    context = first.get("ctx", {})
    limit = next((context[name] for name in _LIMITS if name in context), None)
    params = {"name": place} if limit is None else {"name": place, "limit": limit}
    return Invalid(f"web.shape.{kind}", field=place, **params)


def _kind(type_: str) -> str:
    return _KINDS.get(type_, "moment" if type_.startswith(_MOMENTS) else "other")
