"""Drafts and further programmes for the timetable's tests."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from typing import Any

import pytest

from controller.accounts.rules import Principal
from controller.db.session import Database
from controller.media.tables import Sound
from controller.programmes.tables import Programme, ProgrammeState
from controller.timetable.schemas import ScheduleDraft
from schedules.category import Category
from schedules.rule import Frequency, Rule


@pytest.fixture
def draft(approved_programme: str) -> Callable[..., ScheduleDraft]:
    """Bát Xát's bulletin, daily at 05:30 from 2026-11-23, with what is named changed."""

    def make(*times: time, **changes: Any) -> ScheduleDraft:
        rule: dict[str, Any] = {
            "frequency": Frequency.DAILY,
            "start_date": date(2026, 11, 23),
            "times": times or (time(5, 30),),
        }
        rule |= {name: changes.pop(name) for name in list(changes) if name in Rule.model_fields}
        values = {
            "area_id": "bat-xat-02683",
            "title": "Bản tin sáng",
            "rule": Rule(**rule),
            "programme_ids": (approved_programme,),
        }
        return ScheduleDraft(**(values | changes))

    return make


@pytest.fixture
def make_programme(database: Database, people: Mapping[str, Principal], now: datetime) -> Callable[..., str]:
    """A programme with a sound of its own; approved and of Bát Xát unless told otherwise."""

    def make(id_: str, **changes: Any) -> str:
        digest = f"{sum(id_.encode()):064x}"
        seconds = changes.pop("seconds", 300.0)
        values: dict[str, Any] = {
            "id": id_,
            "area_id": "bat-xat-02683",
            "title": id_,
            "category": Category.GENERAL,
            "language": "vi",
            "sound_sha256": digest,
            "state": ProgrammeState.APPROVED,
            "created_by": "operator",
            "created_at": now,
        }
        with database.write() as session:
            session.add(
                Sound(
                    sha256=digest,
                    source_sha256=digest,
                    recipe="plain",
                    seconds=seconds,
                    size_bytes=round(seconds * 3000),
                    source_lufs=-23.0,
                    source_true_peak_dbtp=-3.0,
                    lufs=-16.0,
                    true_peak_dbtp=-2.0,
                    peaks=[0],
                    created_at=now,
                )
            )
            session.flush()
            session.add(Programme(**(values | changes)))
        return id_

    return make
