"""A schedule's rule in words. Pure."""

from collections.abc import Sequence
from datetime import date, time
from typing import Final

from controller.web.times import Say, day
from schedules.rule import Frequency, Rule

_SHORTEST_MONTH_DAYS: Final = 28


def rule_in_words(say: Say, rule: Rule, today: date) -> str:
    """`Hằng ngày lúc 05:30 và 17:00, đến 31/12/2026, trừ 1 ngày`."""
    times = both(say, [_wall(wall) for wall in rule.times])
    sentence = say(f"page_timetable.rule.{rule.frequency.value}", times=times, days=_days(say, rule))
    if rule.frequency is Frequency.ONCE:
        return sentence
    parts = [sentence]
    if rule.frequency is Frequency.MONTHLY and max(rule.month_days) > _SHORTEST_MONTH_DAYS:
        parts.append(say("page_timetable.rule.short_months"))
    if rule.start_date > today:
        parts.append(say("page_timetable.rule.from", day=day(rule.start_date)))
    if rule.end_date:
        parts.append(say("page_timetable.rule.until", day=day(rule.end_date)))
    coming = [one for one in rule.exceptions if one >= today]
    if coming:
        parts.append(say("page_timetable.rule.except", days=both(say, [day(one) for one in coming[:3]])))
    return ", ".join(parts)


def both(say: Say, words: Sequence[str]) -> str:
    """`a, b và c`."""
    if len(words) < 2:
        return "".join(words)
    return say("page_timetable.rule.and", first=", ".join(words[:-1]), last=words[-1])


def _days(say: Say, rule: Rule) -> str:
    match rule.frequency:
        case Frequency.ONCE:
            return day(rule.start_date)
        case Frequency.WEEKDAYS:
            return both(say, [say(f"label.weekday.{number}") for number in rule.weekdays])
        case Frequency.EVERY_N_DAYS:
            return str(rule.interval_days)
        case Frequency.MONTHLY:
            return both(say, [str(number) for number in rule.month_days])
        case _:
            return ""


def _wall(wall: time) -> str:
    return f"{wall:%H:%M:%S}" if wall.second else f"{wall:%H:%M}"
