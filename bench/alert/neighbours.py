"""What other programs of this machine took meanwhile: where it is much, the times tell of them as well."""

import os

import psutil

_MUCH_PERCENT = 5.0


class Neighbours:
    """From its making on. `ours` are this process and all that it has started and that still lives."""

    def __init__(self) -> None:
        self._busy_s, self._ours_s, self._all_s = _now()

    def line(self) -> str:
        busy_s, ours_s, all_s = (now - then for now, then in zip(_now(), self._before(), strict=True))
        busy_percent, ours_percent = 100 * busy_s / all_s, 100 * ours_s / all_s
        others_percent = max(busy_percent - ours_percent, 0.0)
        much = "  the times below are too long by that" if others_percent > _MUCH_PERCENT else ""
        used = f"busy {busy_percent:.0f} %, of which other programs {others_percent:.0f} %"
        return f"{'processors':<34} {os.cpu_count()}  {used}{much}"

    def _before(self) -> tuple[float, float, float]:
        return self._busy_s, self._ours_s, self._all_s


def _now() -> tuple[float, float, float]:
    """Processor seconds since the machine was switched on: busy, ours, and all there were."""
    times = psutil.cpu_times()
    all_s = float(sum(times[:8]))
    me = psutil.Process()
    ours = (one.cpu_times() for one in (me, *me.children(recursive=True)))
    return all_s - times.idle - times.iowait, sum(one.user + one.system for one in ours), all_s
