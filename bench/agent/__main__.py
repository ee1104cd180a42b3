"""What the station program costs a board, one line each: `python -m bench.agent [idle seconds]`.

Memory, processor and traffic are those of an idle station with two weeks of plan, for as long as is asked
(default 120 s); what it writes is counted by the kernel over a whole day in virtual time on this machine's
disk; start errors are those of the first sample at the speaker, over 30 broadcasts. Ends with 1 where a
target of DESIGN section 5 is missed.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.agent import station
from tests.support import pulse

DAY_S = 86_400.0
MB = 1e6
STARTS, START_EVERY_S = 30, 3.0


def main(idle_s: float) -> int:
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-agent-") as place:
        folder = Path(place)
        met = [*_idle(folder / "idle", idle_s), *_days(folder), *_starts("WAV file", folder / "wav", None)]
        if missing := pulse.what_is_missing():
            print(f"start error, sound card: left out, not on this machine: {', '.join(missing)}")
        else:
            with _sound_card(folder / "pulse") as environment:
                met += _starts("sound card", folder / "card", environment)
    return int(not all(met))


def _idle(folder: Path, idle_s: float) -> Iterator[bool]:
    with station.running(folder) as bench:
        bench.plan(station.two_weeks_from(datetime.now(UTC)), version=1)
        bench.wait_until_held()
        _let_pass(bench, 10)
        busy_s, bytes_before = _busy_s(bench), bench.traffic.wire_bytes
        began_s = time.monotonic()
        _let_pass(bench, idle_s)
        gone_s = time.monotonic() - began_s
        memory = bench.process.memory_full_info()
        yield _line("memory (RSS)", memory.rss / 2**20, "MB", 60)
        print(f"  of it not shared with others (USS): {memory.uss / 2**20:.1f} MB")
        yield _line("idle processor", 100 * (_busy_s(bench) - busy_s) / gone_s, "% of a core", 1)
        a_day = (bench.traffic.wire_bytes - bytes_before) / gone_s * DAY_S
        yield _line("control traffic", a_day / MB, "MB/day", 3)


def _days(folder: Path) -> Iterator[bool]:
    for kind, what in (("idle", "written, idle"), ("busy", "written, 3 h of sound")):
        command = [sys.executable, "-m", "bench.agent.day", str(folder / f"day-{kind}"), kind]
        ran = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        yield _line(what, int(ran.stdout) / MB, "MB/day", 20)


def _starts(what: str, folder: Path, environment: Mapping[str, str] | None) -> Iterator[bool]:
    with station.running(folder, sound_card=environment) as bench:
        first = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=8)
        starts = [first + timedelta(seconds=START_EVERY_S * number) for number in range(STARTS)]
        planned = {one.id for one in bench.plan(starts, version=1)}

        def all_told() -> bool:
            return planned <= {report.occurrence for report in bench.centre.reports()}

        bench.wait(all_told, "all reports", STARTS * START_EVERY_S + 60)
        told = [one.start_error_ms for one in bench.centre.reports() if one.start_error_ms is not None]
        errors_ms = [abs(error_ms) for error_ms in told]
        yield _line(f"broadcasts not begun, {what}", STARTS - len(errors_ms), f"of {STARTS}", 0)
        p99_ms = statistics.quantiles(errors_ms, n=100, method="inclusive")[98]
        yield _line(f"start error p50, {what}", statistics.median(errors_ms), "ms", 1)
        yield _line(f"start error p99, {what}", p99_ms, "ms", 1)


def _line(what: str, figure: float, unit: str, most: float) -> bool:
    met = figure <= most
    print(f"{what:<32}{figure:8.2f} {unit:<12} at most {most:g}{'' if met else '   MISSED'}", flush=True)
    return met


def _let_pass(bench: station.Bench, seconds: float) -> None:
    until_s = time.monotonic() + seconds
    bench.wait(lambda: time.monotonic() >= until_s, "time", seconds + 10)


def _busy_s(bench: station.Bench) -> float:
    times = bench.process.cpu_times()
    return times.user + times.system


@contextmanager
def _sound_card(folder: Path) -> Iterator[Mapping[str, str]]:
    folder.mkdir()
    server = pulse.server_in(folder)
    server.start()
    try:
        yield {
            "ALSA_CONFIG_PATH": str(folder / "alsa.conf"),
            "PULSE_SERVER": f"unix:{folder / 'native'}",
            "HOME": str(folder),
        }
    finally:
        server.stop()


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 120.0))
