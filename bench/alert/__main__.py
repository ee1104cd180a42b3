"""From the press to the loudspeakers of a whole province: `python -m bench.alert [stations]`.

A real controller, a real Mosquitto, and the real station program of every station on simulated edges (see
`firmware_sim.fleet`), all on this machine. Every figure is the median of its rounds and, in brackets, the
worst of them, in seconds. Ends with 1 where something was not as it must be; not for a missed time.
"""

import os
import shutil
import signal
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack, closing
from pathlib import Path
from types import FrameType

from bench.alert import broker, floor, processes, province
from bench.alert.figures import Spread, share_line
from bench.alert.heard import Heard
from bench.alert.neighbours import Neighbours
from bench.alert.people import Editor, Officer
from bench.alert.ready import wait_until_ready
from bench.alert.rounds import Bench, Boards
from bench.alert.tap import Tap
from controller.settings import Settings
from wire import topics

STATIONS = 2_340
PLAIN_ROUNDS = 3
CHANGED_ROUNDS = 2
FLOOR_ROUNDS = 10
FLEET_PROCESSES = 2
_MEMORY = Path("/dev/shm")


def main(stations: int) -> int:
    signal.signal(signal.SIGTERM, _stop)
    broker.program()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="loaban-bench-")))
        memory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="loaban-fleet-", dir=_memory())))
        try:
            return _run(stations, folder, memory)
        except BaseException:
            _keep_logs(folder)
            raise


def _stop(_signum: int, _frame: FrameType | None) -> None:
    """So that nothing of ours is left running."""
    raise SystemExit(143)


def _memory() -> Path | None:
    return _MEMORY if _MEMORY.is_dir() else None


def _keep_logs(folder: Path) -> None:
    kept = Path(tempfile.mkdtemp(prefix="loaban-bench-logs-"))
    for log in folder.glob("*.log"):
        shutil.copy(log, kept)
    print(f"logs: {kept}", flush=True)


def _run(stations: int, folder: Path, memory: Path) -> int:
    http_port, broker_port = broker.free_port(), broker.free_port()
    settings = Settings(
        data_dir=folder,
        http_port=http_port,
        public_url=f"http://127.0.0.1:{http_port}",
        broker="external",
        broker_port=broker_port,
    )
    _say(f"stations={stations} processors={os.cpu_count()} fleet_processes={FLEET_PROCESSES}")
    filled = province.fill(settings, stations)
    with ExitStack() as stack:
        stack.enter_context(broker.running(folder, broker_port))
        boards = Boards()
        own = [topics.alerts(province.PROVINCE)]
        stack.enter_context(Tap(broker_port, "bench", own, boards.take))
        stack.enter_context(processes.controller(settings, folder))
        _say("floor before, broker and controller alone")
        before = floor.measured(broker_port, stations, FLEET_PROCESSES, 1_500, FLOOR_ROUNDS)
        begun_s = time.monotonic()
        with processes.fleet(filled, broker_port, FLEET_PROCESSES, folder, memory) as fleet:
            wait_until_ready(broker_port, filled.station_ids)
            _say(f"every station online and told what to hold after {time.monotonic() - begun_s:.0f} s")
            neighbours = Neighbours()
            bench = _rounds(filled, http_port, fleet, boards)
            _say(neighbours.line())
        after = floor.measured(broker_port, stations, FLEET_PROCESSES, boards.size_bytes, FLOOR_ROUNDS)
    return _tell(bench, before + after)


def _rounds(filled: province.Province, http_port: int, fleet: processes.Fleet, boards: Boards) -> Bench:
    with (
        closing(Officer(http_port, filled.password)) as officer,
        closing(Editor(http_port, filled.password)) as editor,
    ):
        bench = Bench(filled, officer, editor, fleet, Heard(fleet.events), boards, FLEET_PROCESSES)
        steps = [("plain", bench.plain)] * PLAIN_ROUNDS + [
            ("update and cancel", bench.changed)
        ] * CHANGED_ROUNDS
        for name, step in [*steps, ("pre-emption", bench.preempting), ("late comers", bench.late)]:
            _say(f"round: {name}")
            step()
    return bench


def _tell(bench: Bench, floors: list[Spread]) -> int:
    last_s = statistics.median(one.last for one in floors)
    _say(
        f"{'floor_raw_broker':<34} first {statistics.median(one.first for one in floors):.4f}  "
        f"p50 {statistics.median(one.p50 for one in floors):.3f}  "
        f"p99 {statistics.median(one.p99 for one in floors):.3f}  last {last_s:.3f}  "
        f"n={floors[0].count} bytes={bench.boards.size_bytes} rounds={len(floors)}"
    )
    for figure in bench.figures.values():
        _say(figure.line())
    decided = [one.last for one in bench.figures["published_to_decided"].rounds]
    if decided:
        ratio = statistics.median(decided) / last_s
        alone_s = statistics.median(one.p50 for one in bench.figures["one_station_decides"].rounds)
        own = f"with a processor for each station {1 + alone_s / last_s:.2f}"
        _say(share_line("last_decided_to_floor_ratio", round(ratio, 1), "<=3", ratio <= 3, own))
    return _tell_finals(bench)


def _tell_finals(bench: Bench) -> int:
    for counts in bench.finals:
        whole, total = counts.get("heard_whole", 0), counts.get("total", 0)
        share = 100 * whole / total if total else 0.0
        detail = " ".join(f"{name}={count}" for name, count in counts.items())
        _say(share_line("confirmed_played_percent", round(share, 2), ">=99.5", share >= 99.5, detail))
    twice = bench.heard.heard_twice()
    _say(share_line("heard_twice", len(twice), "0", not twice))
    for problem in bench.broken:
        _say(f"WRONG: {problem}")
    return int(bool(bench.broken or twice))


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else STATIONS))
