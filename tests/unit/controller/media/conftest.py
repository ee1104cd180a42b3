"""A short recording, and an upload of it that waits."""

import math
import wave
from array import array
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from controller.accounts.rules import Principal
from controller.context import Context
from controller.media import service
from controller.media.tables import Upload

Add = Callable[..., str]
State = Callable[[str], Upload]


@pytest.fixture(scope="session")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of a tone that comes and goes."""
    path = tmp_path_factory.mktemp("sound") / "ban-tin.wav"
    times = (n / 16_000 for n in range(2 * 16_000))
    wavering = (9000 * math.sin(math.tau * 330 * t) * math.sin(math.tau * 2 * t) for t in times)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(array("h", map(round, wavering)).tobytes())
    return path


@pytest.fixture
def add_upload(context: Context, people: Mapping[str, Principal], recording: Path) -> Add:
    """Puts a file in line, without chimes to be quick, and returns the upload's id."""

    def add(path: Path = recording, *, chimes: bool = False) -> str:
        with context.database.write() as session:
            return service.receive_file(
                session, context, people["operator"], path, opening_chime=chimes, closing_chime=chimes
            ).id

    return add


@pytest.fixture
def state_of(context: Context, people: Mapping[str, Principal]) -> State:
    def state(upload_id: str) -> Upload:
        with context.database.read() as session:
            return service.upload_of(session, people["operator"], upload_id)

    return state
