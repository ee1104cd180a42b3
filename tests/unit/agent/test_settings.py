from pathlib import Path

import pytest

import agent
from agent.errors import SettingsRefused
from agent.settings import ClockMode, Settings, load
from wire.signing import SigningKey


def write(folder: Path, key: SigningKey, extra: str = "") -> Path:
    file = folder / "agent.toml"
    file.write_text(f"""
station = "cum-loa-1"
state_dir = "state"
{extra}
[[controller_keys]]
kty = "OKP"
crv = "Ed25519"
x = "{key.public_jwk()["x"]}"

[broker]
host = "mqtt.example"
password = "bi-mat"
""")
    return file


def test_a_short_file_is_enough(tmp_path: Path, key: SigningKey) -> None:
    settings = load(write(tmp_path, key))
    assert settings.state_dir == tmp_path / "state"
    assert settings.broker.host == "mqtt.example"
    assert settings.heartbeat_s == 30
    assert settings.clock is ClockMode.SYSTEM
    assert "bi-mat" not in repr(settings)


def test_the_environment_wins_over_the_file(
    tmp_path: Path, key: SigningKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOABAN_AGENT_BROKER__PORT", "18883")
    monkeypatch.setenv("LOABAN_AGENT_HEARTBEAT_S", "5")
    settings = load(write(tmp_path, key))
    assert (settings.broker.host, settings.broker.port) == ("mqtt.example", 18883)
    assert settings.heartbeat_s == 5


@pytest.mark.parametrize(
    "extra",
    ['clock = "sundial"', "heartbeat_s = 0", 'heart_beat = "typing error"', "language = 5", "= broken"],
)
def test_what_does_not_hold_is_refused_with_the_file_named(
    tmp_path: Path, key: SigningKey, extra: str
) -> None:
    file = write(tmp_path, key, extra)
    with pytest.raises(SettingsRefused) as refused:
        load(file)
    assert refused.value.params["file"] == str(file)
    assert "bi-mat" not in str(refused.value)


def test_a_station_without_a_controllers_key_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "agent.toml"
    file.write_text('station = "a"\nstate_dir = "s"\ncontroller_keys = []\n')
    with pytest.raises(SettingsRefused):
        load(file)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsRefused):
        load(tmp_path / "nothing.toml")


def test_the_example_holds_and_says_the_defaults() -> None:
    example = load(Path(agent.__file__).parent / "agent.example.toml")
    plain = Settings(
        station=example.station, state_dir=example.state_dir, controller_keys=example.controller_keys
    )
    assert example == plain
