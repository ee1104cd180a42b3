"""`loaban-agent enrol`, step by step."""

import os
from collections.abc import Callable
from pathlib import Path

from agent.enrolment import config_file, own_key
from agent.enrolment.asking import ask, checked_code, keys_of
from agent.enrolment.errors import CaptivePortal, NotWritten
from agent.owner import become_owner_of
from agent.wording import Say
from wire.enrolment import fingerprint_of


def enrol(
    url: str,
    code: str,
    *,
    config: Path,
    state: Path,
    plain_http: bool,
    agreed: Callable[[str], bool],
    tell: Callable[[str], None],
    say: Say,
) -> bool:
    """Whether the board is a station now. `agreed` asks the person about the centre's key.

    The code is spent only afterwards. Raises `NotEnrolled`, `SettingsRefused`.
    """
    checked_code(code)
    try:
        become_owner_of(config.parent)
        for folder in (config.parent, state):
            folder.mkdir(parents=True, exist_ok=True)
        key = own_key.load_or_make(state)
        _check_writable(config.parent)
    except (OSError, ValueError) as error:
        raise NotWritten(file=state / own_key.NAME, problem=error) from error
    keys = keys_of(url, plain_http=plain_http)
    told = " · ".join(one.fingerprint() for one in keys)
    tell(say("enrol.fingerprint", fingerprint=told))
    if not agreed(told):
        tell(say("enrol.stopped"))
        return False
    grant = ask(url, code, key, plain_http=plain_http)
    if grant.controller_keys != keys:
        raise CaptivePortal(url=url)
    config_file.write(config, grant, state.absolute() / grant.station)
    tell(say("enrol.own_key", fingerprint=fingerprint_of(key.public_jwk())))
    tell(say("enrol.done", name=grant.name, station=grant.station, file=config))
    tell(say("enrol.next"))
    return True


def _check_writable(folder: Path) -> None:
    """Before the centre is asked. Raises OSError."""
    if not os.access(folder, os.W_OK):
        raise PermissionError(f"{folder} takes no files")
