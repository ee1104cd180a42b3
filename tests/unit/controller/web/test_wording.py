"""A rule as a commune clerk reads it."""

from datetime import date, time
from typing import Any

import pytest

from controller.web.texts import Texts
from controller.web.wording import rule_in_words
from schedules.rule import Frequency, Rule

TODAY = date(2026, 11, 23)
TWICE = (time(5, 30), time(17, 0))


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"frequency": Frequency.DAILY}, "Hằng ngày lúc 05:30 và 17:00"),
        (
            {"frequency": Frequency.WEEKDAYS, "weekdays": (0, 2, 6)},
            "Thứ hai, Thứ tư và Chủ nhật hằng tuần lúc 05:30 và 17:00",
        ),
        ({"frequency": Frequency.EVERY_N_DAYS, "interval_days": 3}, "Cứ 3 ngày một lần, lúc 05:30 và 17:00"),
        (
            {"frequency": Frequency.MONTHLY, "month_days": (1, 15)},
            "Ngày 1 và 15 hằng tháng lúc 05:30 và 17:00",
        ),
        ({"frequency": Frequency.ONCE, "times": (time(9, 2, 5),)}, "Một lần lúc 09:02:05, ngày 20/11/2026"),
        (
            {
                "frequency": Frequency.DAILY,
                "start_date": date(2026, 12, 1),
                "end_date": date(2026, 12, 31),
                "exceptions": (date(2026, 11, 2), date(2026, 12, 25)),
            },
            "Hằng ngày lúc 05:30 và 17:00, từ 01/12/2026, đến hết 31/12/2026, trừ 25/12/2026",
        ),
    ],
)
def test_rules_in_vietnamese(rule: dict[str, Any], words: str) -> None:
    values = {"times": TWICE, "start_date": date(2026, 11, 20), **rule}
    assert (
        rule_in_words(lambda key, **params: Texts().say("vi", key, **params), Rule(**values), TODAY) == words
    )
