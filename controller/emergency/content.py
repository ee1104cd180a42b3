"""What an alert is to say, as an officer composes it; kept as JSON with every revision."""

import hashlib
from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from wire.base import Language
from wire.ids import AlertKind, AreaId, Severity, Sha256

MOST_AREAS = 200
LONGEST_TEXT = 2_000
DEFAULT_VALIDITY_S = 3600.0
SHORTEST_VALIDITY_S = 60.0
LONGEST_VALIDITY_S = 7 * 86_400.0


class Source(StrEnum):
    """Where a voice comes from."""

    STANDING = "standing"
    RECORDED = "recorded"
    UPLOADED = "uploaded"
    TYPED = "typed"


class Urgency(StrEnum):
    """CAP 1.2."""

    IMMEDIATE = "immediate"
    EXPECTED = "expected"
    FUTURE = "future"
    PAST = "past"
    UNKNOWN = "unknown"


class Certainty(StrEnum):
    """CAP 1.2."""

    OBSERVED = "observed"
    LIKELY = "likely"
    POSSIBLE = "possible"
    UNLIKELY = "unlikely"
    UNKNOWN = "unknown"


class VoiceContent(BaseModel):
    """One language. A standing voice takes sound and text from the approved standing message at the press."""

    model_config = ConfigDict(frozen=True)

    language: Language
    source: Source
    text: str = Field(default="", max_length=LONGEST_TEXT)
    sound_sha256: Sha256 | None = None


class Content(BaseModel):
    """A whole alert. Rules that need the database are in the service; this is only its shape."""

    model_config = ConfigDict(frozen=True)

    kind: AlertKind
    severity: Severity
    urgency: Urgency = Urgency.IMMEDIATE
    certainty: Certainty = Certainty.OBSERVED
    drill: bool = False
    title: str = Field(default="", max_length=200)
    area_ids: tuple[AreaId, ...] = Field(default=(), max_length=MOST_AREAS)
    voices: tuple[VoiceContent, ...] = Field(default=(), max_length=12)
    repeats: Annotated[int, Field(ge=1, le=10)] = 3
    validity_s: Annotated[float, Field(ge=SHORTEST_VALIDITY_S, le=LONGEST_VALIDITY_S)] = DEFAULT_VALIDITY_S
    expires_at: AwareDatetime | None = None
    """A fixed end, such as that of a CAP message; without one, `validity_s` after the press."""
    late: bool = True
    """Whether a station that comes back within the validity still sounds it."""

    @property
    def digest(self) -> str:
        """What a person had before the eyes, to be told from anything else."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()
