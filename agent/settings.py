"""Everything a station can be told at start: one commented TOML file, and `LOABAN_AGENT_*` over it."""

import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from agent.errors import SettingsRefused
from wire.ids import StationId

PositiveSeconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class ClockMode(StrEnum):
    SYSTEM = "system"
    """Believe the kernel's clock when it is synchronised, or the controller's signed time: `agent.clock`."""
    ASSUME_TRUSTED = "assume_trusted"
    """Simulation only."""


class Broker(BaseModel):
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 1883
    username: str = ""
    password: SecretStr = SecretStr("")
    keepalive_s: Annotated[int, Field(ge=5, le=600)] = 30
    retry_min_s: PositiveSeconds = 1.0
    retry_first_s: PositiveSeconds = 10.0
    """The stations of a province spread their first try over so long, whatever took them all away."""
    retry_max_s: PositiveSeconds = 35.0
    """With the time that one try takes, less than a minute."""


class SpeakerSettings(BaseModel):
    device: str = ""
    buffer_ms: Annotated[int, Field(ge=20, le=500)] = 60


class AmplifierSettings(BaseModel):
    """The amplifier board on its serial port; no `port`, no board."""

    port: str = ""
    baud: Annotated[int, Field(ge=1200, le=115_200)] = 19_200
    parity: Annotated[str, Field(pattern="^[NEO]$")] = "E"
    unit: Annotated[int, Field(ge=1, le=247)] = 1
    gain_db: Annotated[float, Field(ge=-40, le=0)] = 0.0
    settle_s: Annotated[float, Field(ge=0, le=2)] = 0.15
    answer_s: Annotated[float, Field(ge=0.05, le=2)] = 0.25


class MicrophoneSettings(BaseModel):
    """The microphone that hears the station's own loudspeaker. Where it is not `enabled`, there is none."""

    enabled: bool = False
    device: str = ""


class Media(BaseModel):
    parallel: Annotated[int, Field(ge=1, le=8)] = 2
    keep_days: Annotated[float, Field(ge=0)] = 7.0
    reserve_mb: Annotated[int, Field(ge=0)] = 100
    timeout_s: PositiveSeconds = 15.0
    retry_min_s: PositiveSeconds = 2.0
    retry_max_s: PositiveSeconds = 300.0


class Reports(BaseModel):
    retry_min_s: PositiveSeconds = 10.0
    retry_max_s: PositiveSeconds = 300.0
    remember_days: Annotated[float, Field(ge=15)] = 30.0


def _digits(pin: SecretStr) -> SecretStr:
    value = pin.get_secret_value()
    if value and not (value.isascii() and value.isdecimal() and 6 <= len(value) <= 12):
        raise ValueError("6 to 12 digits")
    return pin


class PageSettings(BaseModel):
    """The page on the local network; no `host`, no page. Without a `pin` it only shows."""

    host: str = ""
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    pin: Annotated[SecretStr, AfterValidator(_digits)] = SecretStr("")
    names: tuple[str, ...] = ()


class Settings(BaseSettings):
    """Raises `SettingsRefused` through `load`."""

    model_config = SettingsConfigDict(
        env_prefix="LOABAN_AGENT_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    station: StationId
    state_dir: Path
    controller_keys: tuple[dict[str, str], ...] = Field(min_length=1)
    heartbeat_s: PositiveSeconds = 30.0
    clock: ClockMode = ClockMode.SYSTEM
    language: Annotated[str, Field(pattern="^(vi|en)$")] = "vi"
    broker: Broker = Broker()
    speaker: SpeakerSettings = SpeakerSettings()
    amplifier: AmplifierSettings = AmplifierSettings()
    microphone: MicrophoneSettings = MicrophoneSettings()
    media: Media = Media()
    reports: Reports = Reports()
    page: PageSettings = PageSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file, which arrives as keyword arguments."""
        return env_settings, init_settings


def load(file: Path) -> Settings:
    """Read `file`; a relative `state_dir` is taken from the file's own folder. Raises `SettingsRefused`."""
    try:
        values: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
        settings = Settings(**values)
    except ValidationError as error:
        raise SettingsRefused(file=str(file), problem=_fields(error)) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, TypeError) as error:
        raise SettingsRefused(file=str(file), problem=str(error)) from error
    return settings.model_copy(update={"state_dir": file.resolve().parent / settings.state_dir})


def _fields(error: ValidationError) -> str:
    """Which settings, and why; never their values, which may be secret."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in problems)
