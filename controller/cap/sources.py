"""Who may send us CAP messages and what theirs may do: `cap.toml` in the data folder. No file, no sources.

[[source]]                                  [[source.rule]]
name = "kttv-lao-cai"                       kind = ["flood", "flash_flood"]
senders = ["canhbao@kttv.example"]          event = ["lũ quét"]
token_sha256 = "…"                          from_severity = "severe"
feed = "https://kttv.example/cap.atom"      areas = ["lao-cai"]
every_s = 60                                action = "fire"
certificate = "keys/kttv.pem"
signature = "required"
default_validity_minutes = 120
"""

import hashlib
import hmac
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from cryptography import x509
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from controller.cap.errors import shortened
from controller.cap.events import any_of, plain
from controller.emergency.content import LONGEST_VALIDITY_S
from controller.errors import Invalid
from controller.shapes import misshapen
from wire.ids import AlertKind, AreaId, Severity, Sha256

FILE_NAME: Final = "cap.toml"
_LOCAL: Final = frozenset({"127.0.0.1", "localhost", "::1"})


class Demand(StrEnum):
    REQUIRED = "required"
    OPTIONAL = "optional"


class RuleAction(StrEnum):
    FIRE = "fire"
    PROPOSE = "propose"


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    @field_validator("*", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any, info: Any) -> Any:
        """`kind = "flood"` is as good as `kind = ["flood"]`."""
        wants_several = info.field_name in {"senders", "kind", "event", "areas", "certificate", "hosts"}
        return (value,) if wants_several and isinstance(value, str) else value


class Rule(_Strict):
    """What happens to messages of some kinds or events, from a severity up, for some areas and all below."""

    action: RuleAction
    kind: tuple[AlertKind, ...] = ()
    event: tuple[str, ...] = ()
    from_severity: Severity = Severity.SEVERE
    areas: tuple[AreaId, ...] = Field(default=(), max_length=200)

    def is_about(self, kind: AlertKind, event: str) -> bool:
        """A rule that names neither kind nor event is about everything."""
        if not self.kind and not self.event:
            return True
        return kind in self.kind or bool(self.event and any_of(self.event).search(plain(event)))


class Source(_Strict):
    name: AreaId
    """As in topics: small letters, digits and hyphens."""
    senders: tuple[str, ...] = Field(min_length=1)
    token: str | None = Field(default=None, min_length=16)
    token_sha256: Sha256 | None = None
    feed: str | None = None
    hosts: tuple[str, ...] = ()
    """From where the messages of the feed may be fetched, besides its own host."""
    every_s: Annotated[float, Field(ge=15, le=86_400)] = 60.0
    certificate: tuple[Path, ...] = ()
    signature: Demand = Demand.OPTIONAL
    default_validity_minutes: Annotated[float, Field(ge=5, le=LONGEST_VALIDITY_S / 60)] | None = None
    """For messages without an end. None: those are refused."""
    all_clear: bool = False
    """Whether a Cancel of what fired by itself also sounds the all-clear; silence alone otherwise."""
    rule: tuple[Rule, ...] = ()
    certificates: tuple[x509.Certificate, ...] = ()
    """What is in the certificate files."""

    @field_validator("feed")
    @classmethod
    def _is_web_address(cls, value: str | None) -> str | None:
        if value is not None and not is_web_address(value):
            raise ValueError("not a web address")
        return value

    def knows(self, sender: str) -> bool:
        return sender in self.senders

    def has_token(self, token: str) -> bool:
        digest = hashlib.sha256(token.encode()).hexdigest()
        wanted = [self.token_sha256] if self.token_sha256 else []
        if self.token:
            wanted.append(hashlib.sha256(self.token.encode()).hexdigest())
        return any(hmac.compare_digest(digest, one) for one in wanted)

    @property
    def feed_is_private(self) -> bool:
        """Nobody between its server and us can change what it says."""
        address = urlsplit(self.feed or "")
        return address.scheme == "https" or address.hostname in _LOCAL


@dataclass(frozen=True)
class Sources:
    every: tuple[Source, ...] = ()

    def named(self, name: str) -> Source | None:
        return next((source for source in self.every if source.name == name), None)

    def with_token(self, token: str) -> Source | None:
        return next((source for source in self.every if source.has_token(token)), None)


def is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.username is None
    except ValueError:
        return False


def load(data_dir: Path) -> Sources:
    """Raises Invalid `cap.sources.…` with what is to be changed."""
    path = data_dir / FILE_NAME
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Sources()
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid("cap.sources.unreadable", file=str(path)) from error
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Invalid("cap.sources.not_toml", file=str(path), problem=str(error)) from error
    return _checked(tables, data_dir)


def _checked(tables: dict[str, Any], data_dir: Path) -> Sources:
    rows = tables.get("source", [])
    strange = sorted(tables.keys() - {"source"})
    if strange or not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Invalid("cap.sources.wrong_table", table=shortened(", ".join(strange) or "source"))
    sources = tuple(_source(row, number, data_dir) for number, row in enumerate(rows, 1))
    names = [source.name for source in sources]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise Invalid("cap.sources.twice", source=twice)
    return Sources(sources)


def _source(row: dict[str, Any], number: int, data_dir: Path) -> Source:
    name = shortened(str(row.get("name") or number))
    if "certificates" in row:
        raise Invalid("cap.sources.field", source=name, entry="certificates")
    try:
        source = Source.model_validate(row)
    except ValidationError as error:
        field = misshapen(error.errors()).params.get("name", "")
        raise Invalid("cap.sources.field", source=name, entry=shortened(str(field))) from error
    certificates = tuple(_certificate(data_dir / path, name) for path in source.certificate)
    if source.signature is Demand.REQUIRED and not certificates:
        raise Invalid("cap.sources.no_certificate", source=name)
    if any(rule.action is RuleAction.FIRE and not rule.areas for rule in source.rule):
        raise Invalid("cap.sources.no_areas", source=name)
    return source.model_copy(update={"certificates": certificates})


def _certificate(path: Path, source: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as error:
        raise Invalid("cap.sources.bad_certificate", source=source, file=str(path)) from error
