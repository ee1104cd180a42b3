"""A station's identity is written into the commented file; what somebody set there stays."""

import stat
import tomllib
from pathlib import Path

import pytest

from agent.enrolment import config_file
from agent.enrolment.errors import NotWritten
from agent.errors import SettingsRefused
from agent.settings import load
from wire.enrolment import EnrolmentGrant, PublicKey
from wire.signing import SigningKey


def grant(station: str = "cum-loa-1", *, keys: int = 1) -> EnrolmentGrant:
    public = tuple(PublicKey(x=SigningKey.generate().public_jwk()["x"]) for _ in range(keys))
    return EnrolmentGrant(
        station=station,
        name="Cụm loa bản “Vược”",
        controller_keys=public,
        broker_host="mqtt.example",
        broker_port=8883,
    )


def written(tmp_path: Path) -> Path:
    return tmp_path / "agent.toml"


def test_a_new_file_is_the_commented_example_with_the_identity(tmp_path: Path) -> None:
    given = grant(keys=2)
    config_file.write(written(tmp_path), given, Path("/var/lib/loaban-agent/cum-loa-1"))
    settings = load(written(tmp_path))
    assert settings.station == "cum-loa-1"
    assert settings.state_dir == Path("/var/lib/loaban-agent/cum-loa-1")
    assert [key["x"] for key in settings.controller_keys] == [key.x for key in given.controller_keys]
    assert (settings.broker.host, settings.broker.port) == ("mqtt.example", 8883)
    text = written(tmp_path).read_text()
    comments = [line for line in config_file.example().splitlines() if line.startswith("#")]
    assert [line for line in text.splitlines() if line.startswith("#")] == comments
    assert stat.S_IMODE(written(tmp_path).stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["agent.toml"]


def test_what_was_set_on_this_board_stays(tmp_path: Path) -> None:
    config_file.write(written(tmp_path), grant(), tmp_path / "a")
    text = written(tmp_path).read_text().replace("[speaker]\n", "[speaker]\n# the left jack\n")
    text = text.replace('device = ""', 'device = "hw:1"', 1).replace("keepalive_s = 30", "keepalive_s = 60")
    written(tmp_path).write_text(text)
    config_file.write(written(tmp_path), grant("cum-loa-2"), tmp_path / "b")
    settings = load(written(tmp_path))
    assert (settings.station, settings.speaker.device, settings.broker.keepalive_s) == (
        "cum-loa-2",
        "hw:1",
        60,
    )
    assert len(settings.controller_keys) == 1
    assert "# the left jack" in written(tmp_path).read_text()


@pytest.mark.parametrize(
    "before",
    [
        "",
        "# empty\n",
        'station = "x"\nstate_dir = "s"\ncontroller_keys = []\n',
        "[broker]\nhost = 'a' # old\n[[controller_keys]]\nkty = 'OKP'\n\n# keep\n[speaker]\nbuffer_ms = 50\n",
        "[speaker]\nbuffer_ms = 50",
    ],
)
def test_files_of_other_shapes(tmp_path: Path, before: str) -> None:
    made = config_file.with_identity(before.replace("controller_keys = []\n", ""), grant(), tmp_path)
    values = tomllib.loads(made)
    assert values["station"] == "cum-loa-1"
    assert values["broker"] == {"host": "mqtt.example", "port": 8883}
    assert len(values["controller_keys"]) == 1
    assert values.get("speaker", {}).get("buffer_ms", 50) == 50
    assert ("# keep" in before) == ("# keep" in made)


def test_a_file_that_would_not_hold_leaves_the_old_one(tmp_path: Path) -> None:
    old = 'broker = { host = "a" }\n'
    written(tmp_path).write_text(old)
    with pytest.raises(SettingsRefused):
        config_file.write(written(tmp_path), grant(), tmp_path)
    assert written(tmp_path).read_text() == old


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotWritten) as refused:
        config_file.write(tmp_path / "none" / "agent.toml", grant(), tmp_path)
    assert str(refused.value.params["problem"]) == "No such file or directory"


def test_paths_with_quotes_are_written_as_they_are(tmp_path: Path) -> None:
    folder = tmp_path / 'a "b" \\c'
    config_file.write(written(tmp_path), grant(), folder)
    assert load(written(tmp_path)).state_dir == folder
