"""Many lives of one station, each in a process of its own that is forked ready-made: a boot takes 50 ms.

One line of JSON in, one out: `{"start": "<agent.toml>", "sound_dir": "…", "log": "…", "environment": {…}}`
is answered by `{"process": number}`, `{"end": "kill"}` or `{"end": "terminate"}` by `{"code": number}`.
"""

import json
import logging
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agent.process import run_station, set_up_logging
from agent.settings import load
from firmware_sim.wav_speaker import WavSpeaker

log = logging.getLogger(__name__)

_ENDS = {"kill": signal.SIGKILL, "terminate": signal.SIGTERM}


def main() -> None:
    """Until the input ends; then whoever lives is killed."""
    process = 0
    for line in sys.stdin:
        order: dict[str, Any] = json.loads(line)
        if "start" in order:
            process = _start(order)
            answer = {"process": process}
        else:
            answer = {"code": _end(process, _ENDS[order["end"]])}
            process = 0
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    if process:
        _end(process, signal.SIGKILL)


def _end(process: int, how: signal.Signals) -> int:
    os.kill(process, how)
    _, status = os.waitpid(process, 0)
    return os.waitstatus_to_exitcode(status)


def _start(order: Mapping[str, Any]) -> int:
    process = os.fork()
    if process:
        return process
    code = 1
    try:
        code = _live(order)
    except Exception:
        log.exception("life not begun")
    finally:
        os._exit(code)


def _live(order: Mapping[str, Any]) -> int:
    lines = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for stream in (1, 2):
        os.dup2(lines, stream)
    os.environ.update(order.get("environment", {}))
    set_up_logging()
    return run_station(load(Path(order["start"])), WavSpeaker(Path(order["sound_dir"])))


if __name__ == "__main__":
    main()
