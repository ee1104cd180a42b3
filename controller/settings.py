"""Settings of the controller, from `LOABAN_…` in the environment or a `.env` file."""

import re
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from pydantic import HttpUrl, TypeAdapter, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from controller.errors import Invalid
from wire.messages import SelfTestTimes

_CAP_SENDER: Final = re.compile(r"[^\s,<&]{3,200}")
_PLAIN_URL: Final = re.compile(r"https?://[^\s?#]+")


class Settings(BaseSettings):
    """Units are in the names. Defaults serve one machine without any other service."""

    model_config = SettingsConfigDict(
        env_prefix="LOABAN_", env_nested_delimiter="__", env_file=".env", extra="ignore"
    )

    data_dir: Path = Path("data")
    """Database, library, keys. Made at first start."""
    database_url: str = ""
    """Empty: SQLite in `data_dir`. In service: `postgresql+psycopg://…`."""

    http_host: str = "127.0.0.1"
    http_port: int = 8000
    public_url: str = ""
    """How stations reach this controller for sound. Empty: `http://<http_host>:<http_port>`.

    Controllers that share a database must agree on it, for it is written on every station's card.
    """

    broker: str = "embedded"
    """`embedded`: a broker inside this process. `external`: one that runs already at the address below."""
    broker_host: str = "127.0.0.1"
    broker_port: int = 1883
    station_broker_host: str = ""
    """How stations reach the broker; told to new boards. Empty: `broker_host`, or where that is this machine
    only, the host of `public_url`."""
    station_broker_port: int = 0
    """0: `broker_port`."""

    upload_max_bytes: int = 200_000_000
    sound_max_s: float = 4 * 3600.0
    sign_in_hours: float = 12.0
    secure_cookies: bool = False
    """True in service, behind HTTPS."""

    plan_days: int = 14
    heartbeat_timeout_s: float = 90.0
    """A station that said nothing for so long is unreachable (three missed heartbeats)."""
    report_deadline_s: float = 24 * 3600.0
    """How long after its end an occurrence without a report waits before it counts as *unknown*."""

    self_test: SelfTestTimes = SelfTestTimes()
    """When stations may test themselves, where none is set for one: `LOABAN_SELF_TEST__BEGINS` …"""

    cap_sender: str = "loaban@lao-cai.invalid"
    """Who we are in CAP messages; unique in the world, so an address or a host name of the province's own."""
    cap_sign: bool = False
    """Sign our CAP messages, with the key in `data_dir/keys/cap-signing.pem`."""

    def check(self) -> None:
        """What a controller needs before it serves.

        Raises Invalid `settings.public_url_needed`, `settings.bad_public_url`, `settings.bad_cap_sender`,
        `settings.bad_self_test`.
        """
        if not self.public_url and self.broker == "external":
            raise Invalid("settings.public_url_needed")
        if self.public_url and not _is_url(self.public_url):
            raise Invalid("settings.bad_public_url", url=self.public_url)
        if not _CAP_SENDER.fullmatch(self.cap_sender):
            raise Invalid("settings.bad_cap_sender", sender=self.cap_sender)
        if self.self_test.begins >= self.self_test.ends:
            raise Invalid("settings.bad_self_test")

    def resolved_database_url(self) -> str:
        return self.database_url or f"sqlite:///{self.data_dir.absolute() / 'loaban.db'}"

    def broker_for_stations(self) -> tuple[str, int]:
        """The address of the broker as a board in the field reaches it."""
        host = self.station_broker_host or self.broker_host
        if not self.station_broker_host and _is_this_machine(host) and self.public_url:
            host = urlsplit(self.public_url).hostname or host
        return host, self.station_broker_port or self.broker_port

    def media_url(self) -> str:
        base = self.public_url or f"http://{self.http_host}:{self.http_port}"
        return f"{base.rstrip('/')}/media"


def _is_this_machine(host: str) -> bool:
    return host in {"", "localhost", "::1", "0.0.0.0", "::"} or host.startswith("127.")  # noqa: S104


def _is_url(text: str) -> bool:
    try:
        TypeAdapter(HttpUrl).validate_python(text)
    except ValidationError:
        return False
    return _PLAIN_URL.fullmatch(text) is not None
