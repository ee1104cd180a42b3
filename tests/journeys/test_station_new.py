"""From *Lắp đài mới* in the browser to a station that the controller hears and that shows on its page."""

import re
import subprocess
from pathlib import Path

from tests.support.province import BIN, Province, SimStation
from tests.support.waiting import eventually


def test_a_new_station_is_added_installed_and_heard(province: Province, tmp_path: Path) -> None:
    technician = province.signed_in("kythuat")
    page = {"Accept": "text/html"}
    area = next(
        one["area_id"] for one in technician.get("/api/stations").json() if one["id"] == "dai-bat-xat"
    )
    form = {"name": "Cụm loa thôn Mới", "area_id": area, "kind": "village_cluster", "id": ""}
    added = technician.post("/dai/lap-moi", data=form, headers=page)
    assert (added.status_code, added.headers["location"]) == (303, "/dai/cum-loa-thon-moi/bo-mach")
    shown = technician.post(added.headers["location"], headers=page).text
    code = re.search(r'id="code">([A-Z0-9-]+)<', shown)
    fingerprint = re.search(r'id="fingerprint">([^<]+)<', shown)
    assert code is not None
    assert fingerprint is not None

    board = tmp_path / "cum-loa-thon-moi"
    board.mkdir()
    config = board / "agent.toml"
    enrolled = subprocess.run(
        [
            *(BIN / "loaban-agent", "enrol", "--controller", province.url, "--code", code[1]),
            *("--fingerprint", fingerprint[1], "--config", config, "--state", board / "state"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert enrolled.returncode == 0, enrolled.stdout + enrolled.stderr
    station = province.stations["cum-loa-thon-moi"] = SimStation(config)
    station.start()

    def heard() -> bool:
        view = technician.get("/api/stations/cum-loa-thon-moi").json()
        return view["state"] == "ok" and view["card_current"] is True

    eventually(heard, "the controller hears the new station, which holds its card", within_s=90)
    assert "Đã có bo mạch" in technician.get("/dai/cum-loa-thon-moi/bo-mach", headers=page).text
    assert station.stop() == 0
