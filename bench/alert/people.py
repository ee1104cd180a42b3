"""People at the controller's API, each over one connection that stays open."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from bench.alert.province import EDITOR, OFFICER, PROVINCE

_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
_HELD = {"confirm": "held", "held_s": 2.0}
VALIDITY_S = 1800


class Person:
    """Raises SystemExit with the answer where the API refuses."""

    def __init__(self, port: int, username: str, password: str) -> None:
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30.0)
        self.post("/api/sign-in", {"username": username, "password": password})

    def close(self) -> None:
        self._client.close()

    def get(self, path: str) -> dict[str, Any]:
        return _content(self._client.get(path))

    def post(self, path: str, form: object) -> dict[str, Any]:
        return _content(self._client.post(path, json=form))

    def put(self, path: str, form: object) -> dict[str, Any]:
        return _content(self._client.put(path, json=form))


def _content(answer: httpx.Response) -> dict[str, Any]:
    if not answer.is_success:
        raise SystemExit(f"{answer.request.url}: {answer.status_code} {answer.text[:500]}")
    return dict(answer.json())


class Officer(Person):
    """Alerts for the whole province."""

    def __init__(self, port: int, password: str) -> None:
        super().__init__(port, OFFICER, password)

    def draft(self, voice: str) -> str:
        return str(self.post("/api/alerts", _alert(voice))["id"])

    def prepare_update(self, alert: str, voice: str) -> None:
        self.put(f"/api/alerts/{alert}", _alert(voice))

    def press(self, alert: str) -> dict[str, Any]:
        return self.post(f"/api/alerts/{alert}/press", _HELD)

    def update(self, alert: str) -> dict[str, Any]:
        return self.post(f"/api/alerts/{alert}/update", _HELD)

    def cancel(self, alert: str) -> dict[str, Any]:
        return self.post(f"/api/alerts/{alert}/cancel", {"all_clear": False})

    def board(self, alert: str) -> dict[str, Any]:
        """Counts and communes, and only the stations in trouble by name, as a page asks for it."""
        return self.get(f"/api/alerts/{alert}/board?group=failed")


class Editor(Person):
    def __init__(self, port: int, password: str) -> None:
        super().__init__(port, EDITOR, password)

    def broadcast(self, programme_id: str, at: datetime, repeats: int) -> str:
        """Once, at that minute, on every station; the id of the occurrence."""
        wall = at.astimezone(_ZONE)
        schedule_id = f"dang-phat-{at:%H%M}"
        rule = {
            "frequency": "once",
            "times": [f"{wall:%H:%M}"],
            "start_date": f"{wall:%Y-%m-%d}",
        }
        form = {"id": schedule_id, "area_id": PROVINCE, "title": "Bản tin đang phát", "rule": rule}
        self.post("/api/schedules", form | {"programme_ids": [programme_id], "repeats": repeats})
        return f"{schedule_id}@{at:%Y%m%dT%H%M%SZ}"


def next_minute(now: datetime, at_least: timedelta) -> datetime:
    soon = now + at_least
    return soon.replace(second=0, microsecond=0) + timedelta(minutes=1)


def _alert(voice: str) -> dict[str, Any]:
    text = "Lũ đang lên nhanh. Bà con ven suối lên chỗ cao ngay."
    return {
        "kind": "flood",
        "severity": "extreme",
        "title": "Lũ trên sông Thao",
        "area_ids": [PROVINCE],
        "voices": [{"language": "vi", "source": "recorded", "text": text, "sound_sha256": voice}],
        "repeats": 3,
        "validity_s": VALIDITY_S,
    }
