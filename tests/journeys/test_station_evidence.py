"""A technician far away sees what a board measures, sets its limits, and knows what hangs behind it."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.support.province import BIN, Province
from tests.support.waiting import eventually

STATION = "dai-bat-xat"
URL = f"/api/stations/{STATION}"
ON_SCREEN_WITHIN_S = 100
"""EN 54-16: from a fault to the technician's screen."""


@contextmanager
def board(port: Path, *faults: str) -> Iterator[None]:
    """The amplifier board, as long as it is connected."""
    named = [word for fault in faults for word in ("--fault", fault)]
    process = subprocess.Popen(
        [BIN / "loaban-sim", "amplifier", "--link", port, *named],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
    )
    try:
        eventually(port.is_symlink, "the board is there", within_s=20)
        yield
    finally:
        process.terminate()
        process.wait(20)


def amplifier(technician: httpx.Client) -> dict[str, Any]:
    evidence = technician.get(URL).json()["evidence"] or {}
    return evidence.get("amplifier") or {}


def test_what_the_board_measures_is_on_the_screen_in_time(province: Province, tmp_path: Path) -> None:
    port, station = tmp_path / "amplifier", province.stations[STATION]
    with station.config.open("a", encoding="utf-8") as file:
        file.write(f'\n[amplifier]\nport = "{port}"\nparity = "N"\n')
    technician = province.signed_in("kythuat")
    fed = [one["name"] for one in technician.get(f"{URL}/clusters").json()]
    assert fed == ["Cụm loa FM thôn Châu Giàng", "Cụm loa FM thôn Mường Đơ", "Loa có dây thôn Bản Qua"]
    with board(port, "mains_lost"):
        station.start()
        eventually(
            lambda: amplifier(technician).get("mains_present") is False,
            "the lost mains are seen",
            within_s=ON_SCREEN_WITHIN_S,
        )
        seen = amplifier(technician)
        assert seen["problem"] is None
        assert len(seen["lines"]) == 2
        wanted = {"volume_min": 5, "volume_max": 80, "quiet_hours": {"begins": "21:00", "ends": "05:00"}}
        assert technician.put(f"{URL}/limits", json=wanted).is_success

    def told() -> dict[str, Any] | None:
        view = dict(technician.get(URL).json())
        return view if view["card_current"] and view["evidence"]["amplifier"]["problem"] else None

    evidence = eventually(
        told, "the limits are on the station, and its silent board is seen", within_s=ON_SCREEN_WITHIN_S
    )["evidence"]
    assert evidence["storage"]["writable"] is True
    assert evidence["link"]["connects"] >= 1
    assert abs(evidence["clock"]["ahead_s"]) < 60
