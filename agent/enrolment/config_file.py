"""Writes a station's identity into its settings file, and leaves everything else in it as it is."""

import json
import os
import re
from importlib import resources
from pathlib import Path

from agent.enrolment.errors import NotWritten
from agent.files import sync_folder
from agent.settings import load
from wire.enrolment import EnrolmentGrant

_HEADER = re.compile(r"^\s*\[")
_KEYS = re.compile(r"^\s*\[\[\s*controller_keys\s*\]\]")
_VALUE = re.compile(r"^\s*[A-Za-z0-9_-]+\s*=")


def write(file: Path, grant: EnrolmentGrant, state_dir: Path) -> None:
    """The old file stays until the new one is known to hold. Raises `NotWritten`, `SettingsRefused`."""
    draft = file.with_name(f"{file.name}.new")
    try:
        old = file.read_text(encoding="utf-8") if file.exists() else example()
        draft.unlink(missing_ok=True)
        handle = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as written:
            written.write(with_identity(old, grant, state_dir))
            written.flush()
            os.fsync(written.fileno())
        load(draft)
        draft.replace(file)
        sync_folder(file.parent)
    except OSError as error:
        raise NotWritten(file=file, problem=error.strerror or error) from error


def example() -> str:
    """The commented file with every setting and its default."""
    return (resources.files("agent") / "agent.example.toml").read_text(encoding="utf-8")


def with_identity(text: str, grant: EnrolmentGrant, state_dir: Path) -> str:
    lines = _with_keys(text.splitlines(), grant)
    for table, name, value in (
        (None, "station", grant.station),
        (None, "state_dir", str(state_dir)),
        ("broker", "host", grant.broker_host),
        ("broker", "port", grant.broker_port),
    ):
        lines = _with_value(lines, table, name, json.dumps(value, ensure_ascii=False))
    return "\n".join(lines) + "\n"


def _with_keys(lines: list[str], grant: EnrolmentGrant) -> list[str]:
    """The blocks of keys that are there make way for the new ones, at the place of the first."""
    kept: list[str] = []
    place: int | None = None
    inside = False
    for line in lines:
        if _KEYS.match(line):
            inside, place = True, len(kept) if place is None else place
        elif not (inside and _VALUE.match(line)):
            inside = inside and not _HEADER.match(line)
            kept.append(line)
    if place is None:
        place = next((number for number, line in enumerate(kept) if _HEADER.match(line)), len(kept))
    blocks = [
        line
        for key in grant.controller_keys
        for line in ("[[controller_keys]]", *(f'{name} = "{value}"' for name, value in key.jwk().items()))
    ]
    return [*kept[:place], *blocks, *kept[place:]]


def _with_value(lines: list[str], table: str | None, name: str, value: str) -> list[str]:
    begin, end = _table(lines, table)
    if begin is None:
        return [*lines, "", f"[{table}]", f"{name} = {value}"]
    wanted = re.compile(rf"^\s*{name}\s*=")
    for number in range(begin, end):
        if wanted.match(lines[number]):
            return [*lines[:number], f"{name} = {value}", *lines[number + 1 :]]
    return [*lines[:begin], f"{name} = {value}", *lines[begin:]]


def _table(lines: list[str], table: str | None) -> tuple[int | None, int]:
    """The lines of a table, without its header; of the top where `table` is None."""
    headers = [number for number, line in enumerate(lines) if _HEADER.match(line)]
    if table is None:
        return 0, headers[0] if headers else len(lines)
    wanted = re.compile(rf"^\s*\[\s*{table}\s*\]")
    for place, number in enumerate(headers):
        if wanted.match(lines[number]):
            return number + 1, headers[place + 1] if place + 1 < len(headers) else len(lines)
    return None, len(lines)
