"""What the whole process shares, handed down from the composition root."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from uuid import uuid4

from audio_library import Store
from audio_library.speech import EspeakNg, Speech
from controller.areas.boundaries import FILE_NAME as BOUNDARIES
from controller.areas.boundaries import Boundaries
from controller.areas.boundaries import load as load_boundaries
from controller.db.session import Database
from controller.emergency.policy import PolicyFile
from controller.settings import Settings
from controller.web.texts import Texts
from wire.signing import SigningKey


def system_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Context:
    settings: Settings
    database: Database
    store: Store
    texts: Texts
    signing_key: SigningKey
    wake: Callable[[str], None]
    """Ask the clockwork to look at a job now, after the transaction that made it due."""
    now: Callable[[], datetime] = system_now
    speech: Speech = field(default_factory=EspeakNg)
    process_id: str = field(default_factory=lambda: uuid4().hex)
    """Names this process in claims."""

    @cached_property
    def two_people(self) -> PolicyFile:
        """Where an alert needs a second person."""
        return PolicyFile(self.settings.data_dir / "emergency.toml")

    @cached_property
    def boundaries(self) -> Boundaries:
        """As they were when the process first asked. Raises Invalid `areas.bad_boundaries`."""
        return load_boundaries(self.settings.data_dir / BOUNDARIES)
