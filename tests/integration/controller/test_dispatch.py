"""From a saved schedule to a signed document in the broker."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from controller.accounts.rules import Principal
from controller.db.session import Database
from controller.dispatch.publisher import EPOCH_TOPIC
from controller.timetable import service as timetable
from controller.timetable.schemas import ScheduleDraft
from schedules.rule import Frequency, Rule
from wire import topics
from wire.messages import PlanLayer, StationCard
from wire.signing import Keyring, SigningKey

COMMUNE = "bat-xat"


def in_two_minutes() -> ScheduleDraft:
    start = (datetime.now(UTC) + timedelta(seconds=120)).astimezone(ZoneInfo("Asia/Ho_Chi_Minh"))
    rule = Rule(
        frequency=Frequency.ONCE, start_date=start.date(), times=(start.time().replace(microsecond=0),)
    )
    return ScheduleDraft(area_id=COMMUNE, title="Thông báo", rule=rule, programme_ids=("ban-tin",))


async def test_a_broadcast_in_two_minutes_reaches_the_stations_within_two_seconds(
    any_broker: Any,
    start_controller: Any,
    listen: Any,
    until: Any,
    database: Database,
    operator: Principal,
    signing_key: SigningKey,
) -> None:
    ear = await listen(any_broker)
    controller = await start_controller(any_broker)
    await until(lambda: ear.on(topics.card("cum-loa-1")), "the cards")
    with database.write() as session:
        schedule = timetable.create(session, datetime.now(UTC), operator, in_two_minutes())
    saved_s = time.monotonic()
    controller.context.wake("dispatch")
    tokens = await until(lambda: ear.on(topics.plan(COMMUNE)), "the plan", within_s=5)
    took_s = time.monotonic() - saved_s
    layer = Keyring.of(signing_key.public_jwk()).open(tokens[0], PlanLayer)
    assert [one.schedule for one in layer.occurrences] == [schedule.id]
    assert layer.version == 1
    assert took_s < 2


async def test_cards_name_the_chain_of_areas_and_are_retained(
    any_broker: Any,
    start_controller: Any,
    listen: Any,
    until: Any,
    operator: Principal,
    signing_key: SigningKey,
) -> None:
    first = await listen(any_broker)
    await start_controller(any_broker)
    await until(lambda: len({topic for topic, _, _ in first.heard}) >= 4, "three cards and the epoch")
    late = await listen(any_broker)
    tokens = await until(lambda: late.on(topics.card("cum-loa-1")), "the card from the broker's memory")
    card = Keyring.of(signing_key.public_jwk()).open(tokens[0], StationCard)
    assert card.areas == ("lao-cai", COMMUNE)
    assert late.count(retained=True)[(topics.card("cum-loa-1"), tokens[0])] >= 1


async def test_nothing_is_published_again_when_nothing_changed(
    any_broker: Any,
    start_controller: Any,
    listen: Any,
    until: Any,
    database: Database,
    operator: Principal,
) -> None:
    ear = await listen(any_broker)
    controller = await start_controller(any_broker)
    await until(lambda: len(ear.heard) >= 4, "three cards and the epoch")
    with database.write() as session:
        timetable.create(session, datetime.now(UTC), operator, in_two_minutes())
    for _ in range(3):
        controller.context.wake("dispatch")
        await until(lambda: ear.on(topics.plan(COMMUNE)), "the plan")
    with database.write() as session:
        timetable.create(session, datetime.now(UTC), operator, in_two_minutes())
    controller.context.wake("dispatch")
    await until(lambda: len(ear.on(topics.plan(COMMUNE))) == 2, "the second version")
    assert max(ear.count().values()) == 1


async def test_a_broker_that_forgot_everything_is_filled_again(
    broker: Any, start_controller: Any, listen: Any, until: Callable[..., Any], operator: Principal
) -> None:
    before = await listen(broker)
    await start_controller(broker)
    await until(lambda: len(kept(before)) == 4, "three cards and the epoch")
    broker.stop()
    broker.start()
    after = await listen(broker)
    await until(lambda: kept(after).keys() == kept(before).keys(), "everything again", within_s=15)
    cards = {topic: payload for topic, payload in kept(before).items() if topic != EPOCH_TOPIC}
    assert {topic: payload for topic, payload in kept(after).items() if topic != EPOCH_TOPIC} == cards


def kept(ear: Any) -> dict[str, bytes]:
    """What a broker is to keep, as far as it was heard; controllers also speak to each other."""
    passing = ("/controller/acts", "/controller/echo")
    return {topic: payload for topic, payload, _ in list(ear.heard) if not topic.endswith(passing)}
