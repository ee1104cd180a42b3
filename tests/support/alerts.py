"""An alert officer at work through the API, and what stations made of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx

from tests.support.province import Samples, SimStation, Sounding, decoded, likeness
from tests.support.waiting import eventually

HELD = {"confirm": "held", "held_s": 2.0}
Found = dict[str, Any]


@dataclass
class Officer:
    client: httpx.Client

    def draft(self, *area_ids: str, **changed: Any) -> str:
        """A flood alert with a few words, said three times, unless told otherwise; its id."""
        answer = self.client.post("/api/alerts", json=form(area_ids, changed))
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def prepare(self, alert: str, *area_ids: str, **changed: Any) -> None:
        """The update of an alert in force."""
        answer = self.client.put(f"/api/alerts/{alert}", json=form(area_ids, changed))
        assert answer.is_success, answer.text

    def act(self, alert: str, move: str, **form: Any) -> Found:
        answer = self.client.post(f"/api/alerts/{alert}/{move}", json=form)
        assert answer.is_success, answer.text
        return dict(answer.json())

    def press(self, alert: str) -> Found:
        """Of just what it is at this moment."""
        seen = self.client.get(f"/api/alerts/{alert}").json()["content"]["digest"]
        return self.act(alert, "press", digest=seen, **HELD)

    def alert(self, *area_ids: str, **changed: Any) -> str:
        """Composed and pressed; its id."""
        made = self.draft(*area_ids, **changed)
        self.press(made)
        return made

    def board(self, alert: str) -> Found:
        return dict(self.client.get(f"/api/alerts/{alert}/board").json())

    def rows(self, alert: str) -> dict[str, Found]:
        return {row["station_id"]: row for row in self.board(alert)["stations"]}

    def when(self, alert: str, station: str, *stages: str, within_s: float = 60.0) -> Found:
        """The station's line of the board once it is in one of these stages."""
        look = partial(self._line, alert, station, stages)
        return eventually(look, f"{station} is {' or '.join(stages)}", within_s=within_s)

    def when_final(self, alert: str, within_s: float = 120.0) -> Found:
        """The board once every station is in a final state."""
        return eventually(partial(self._final, alert), f"{alert} is final everywhere", within_s=within_s)

    def preview(self, alert: str, station: str) -> Samples:
        """What this officer hears of it beforehand."""
        answer = self.client.get(f"/api/alerts/{alert}/preview.opus", params={"station": station})
        assert answer.is_success, answer.text
        return decoded(answer.content)

    def _line(self, alert: str, station: str, stages: tuple[str, ...]) -> Found | None:
        row = self.rows(alert).get(station)
        return row if row is not None and row["stage"] in stages else None

    def _final(self, alert: str) -> Found | None:
        board = self.board(alert)
        counts = board["counts"]
        return board if counts["total"] and counts["final"] == counts["total"] else None


STANDING = [{"language": "vi", "source": "standing"}]


def form(area_ids: Sequence[str], changed: Mapping[str, Any]) -> Found:
    return {
        "kind": "flood",
        "severity": "severe",
        "title": "Lũ trên suối Lũng Pô",
        "area_ids": list(area_ids),
        "voices": [{"language": "vi", "source": "typed", "text": "Lũ lên nhanh. Chạy lên cao ngay."}],
        "validity_s": 1800,
        **changed,
    }


def heard(station: SimStation, since: datetime, count: int, within_s: float = 60.0) -> list[Sounding]:
    """What the loudspeaker gave out since then, once there are so many finished soundings."""

    def look() -> list[Sounding] | None:
        found = [one for one in station.soundings() if one.first_frame_at >= since]
        return found if len(found) >= count else None

    return eventually(look, f"{count} soundings of {station.id}", within_s=within_s)


def silent_at(sounding: Sounding) -> datetime:
    return sounding.first_frame_at + timedelta(seconds=sounding.seconds)


def place_in(sounding: Sounding, whole: Samples) -> float:
    """Where in the whole this part begins, in seconds. It must be a part of it."""
    alike, begins_s = likeness(sounding.samples, whole)
    assert alike >= 0.9, alike
    return begins_s


def now() -> datetime:
    return datetime.now(UTC)
