"""When a document counts as changed, and the days that a plan covers."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from controller.dispatch.rules import content_digest, plan_window
from wire.messages import PlanLayer

MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(MOMENTS, st.integers(1, 60))
def test_the_window_holds_now_and_all_the_days_that_were_promised(now: datetime, days: int) -> None:
    window = plan_window(now, days)
    assert window.since <= now - timedelta(days=1)
    assert window.until >= now + timedelta(days=days)
    assert window.until - window.since == timedelta(days=days + 2)


@given(MOMENTS, st.integers(0, 86_399))
def test_the_window_moves_once_a_day(now: datetime, later_s: int) -> None:
    later = now + timedelta(seconds=later_s)
    same_day = later.date() == now.date()
    assert (plan_window(now, 14) == plan_window(later, 14)) == same_day


def test_a_new_version_or_issue_time_is_no_change_but_a_new_expiry_is() -> None:
    now = datetime(2026, 11, 23, tzinfo=UTC)
    layer = PlanLayer(area="ta-van", version=1, issued_at=now, expires_at=now + timedelta(days=15))
    again = layer.model_copy(update={"version": 9, "issued_at": now + timedelta(hours=1)})
    tomorrow = layer.model_copy(update={"expires_at": now + timedelta(days=16)})
    assert content_digest(layer) == content_digest(again)
    assert content_digest(layer) != content_digest(tomorrow)
