from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.board_store import BoardStore
from agent.clock import AssumedClock
from agent.inbox import REFUSALS_KEPT, Inbox
from agent.store import PlanStore
from wire import topics
from wire.errors import RefusalReason
from wire.ids import ClockTrust
from wire.messages import Ack, PlanLayer, StationCard
from wire.signing import Keyring, SigningKey

PLAN = topics.plan("ta-van")
CARD = topics.card("cum-loa-1")


class LostClock(AssumedClock):
    def trust(self) -> ClockTrust:
        return ClockTrust.UNKNOWN


class Desk:
    """An inbox with a card held, and what it told others."""

    def __init__(self, folder: Path, keyring: Keyring, clock: AssumedClock) -> None:
        self.folder = folder
        self.store = PlanStore(folder, keyring)
        self.store.load()
        self.boards = BoardStore(folder, keyring)
        self.inbox = Inbox("cum-loa-1", keyring, self.store, self.boards, clock)
        self.changes = 0
        self.acknowledged: list[str] = []
        self.inbox.on_plan = self._changed
        self.inbox.on_ack = self._acknowledge

    def _changed(self) -> None:
        self.changes += 1

    async def _acknowledge(self, ids: tuple[str, ...]) -> None:
        self.acknowledged += ids

    def reasons(self) -> list[RefusalReason]:
        return [refusal.reason for refusal in self.inbox.refusals]


@pytest.fixture
async def desk(
    tmp_path: Path, key: SigningKey, keyring: Keyring, make_card: Callable[..., StationCard]
) -> Desk:
    made = Desk(tmp_path, keyring, AssumedClock())
    await made.inbox.take(CARD, key.sign(make_card()))
    made.changes = 0
    return made


async def test_a_newer_plan_is_kept_and_told(
    desk: Desk, key: SigningKey, make_layer: Callable[..., PlanLayer]
) -> None:
    await desk.inbox.take(PLAN, key.sign(make_layer(version=3)))
    assert desk.changes == 1
    assert [layer.version for layer in desk.store.layers()] == [3]
    assert desk.reasons() == []


async def test_the_same_version_again_is_silently_fine(
    desk: Desk, key: SigningKey, make_layer: Callable[..., PlanLayer]
) -> None:
    token = key.sign(make_layer(version=3))
    await desk.inbox.take(PLAN, token)
    await desk.inbox.take(PLAN, token)
    assert (desk.changes, desk.reasons()) == (1, [])


@pytest.mark.parametrize(
    ("layer", "topic", "reason"),
    [
        ({"version": 2}, PLAN, RefusalReason.STALE_VERSION),
        ({"version": 4, "area": "sa-pa"}, PLAN, RefusalReason.WRONG_TARGET),
        ({"version": 4, "area": "sa-pa"}, topics.plan("sa-pa"), RefusalReason.WRONG_TARGET),
        ({"version": 4, "days": 0}, PLAN, RefusalReason.EXPIRED),
        ({"version": 4}, CARD, RefusalReason.MALFORMED),
        ({"version": 4}, "loaban/1/area/ta-van/other", RefusalReason.WRONG_TARGET),
        ({"version": 4}, "somewhere/else", RefusalReason.WRONG_TARGET),
    ],
)
async def test_what_does_not_hold_is_refused(
    desk: Desk,
    key: SigningKey,
    make_layer: Callable[..., PlanLayer],
    layer: dict[str, object],
    topic: str,
    reason: RefusalReason,
) -> None:
    await desk.inbox.take(PLAN, key.sign(make_layer(version=3)))
    await desk.inbox.take(topic, key.sign(make_layer(**layer)))
    assert desk.reasons() == [reason]
    assert [held.version for held in desk.store.layers()] == [3]


async def test_forgeries_are_refused(
    desk: Desk, key: SigningKey, make_layer: Callable[..., PlanLayer]
) -> None:
    good = key.sign(make_layer(version=9))
    head, body, signature = good.split(b".")
    unsigned = b"eyJhbGciOiJub25lIn0." + body + b"."
    for forged in (
        SigningKey.generate().sign(make_layer()),
        unsigned,
        head + b"." + body + b"." + signature[::-1],
    ):
        desk.inbox._refusals.clear()
        await desk.inbox.take(PLAN, forged)
        assert desk.reasons() == [RefusalReason.BAD_SIGNATURE]
    assert desk.store.layers() == ()


async def test_a_plan_before_any_card_is_for_nobody(
    tmp_path: Path, key: SigningKey, keyring: Keyring, make_layer: Callable[..., PlanLayer]
) -> None:
    desk = Desk(tmp_path, keyring, AssumedClock())
    await desk.inbox.take(PLAN, key.sign(make_layer()))
    assert desk.reasons() == [RefusalReason.WRONG_TARGET]


async def test_expiry_needs_a_clock(
    tmp_path: Path,
    key: SigningKey,
    keyring: Keyring,
    make_card: Callable[..., StationCard],
    make_layer: Callable[..., PlanLayer],
) -> None:
    desk = Desk(tmp_path, keyring, LostClock())
    await desk.inbox.take(CARD, key.sign(make_card()))
    await desk.inbox.take(PLAN, key.sign(make_layer(days=-1)))
    assert desk.reasons() == []
    assert len(desk.store.layers()) == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"version": 2, "station": "cum-loa-2"}, RefusalReason.WRONG_TARGET),
        ({"version": 2, "zone": "Asia/Nowhere"}, RefusalReason.MALFORMED),
    ],
)
async def test_a_card_that_does_not_hold_is_refused(
    desk: Desk,
    key: SigningKey,
    make_card: Callable[..., StationCard],
    changes: dict[str, object],
    reason: RefusalReason,
) -> None:
    await desk.inbox.take(CARD, key.sign(make_card(**changes)))
    assert desk.reasons() == [reason]
    assert desk.store.card is not None and desk.store.card.version == 1


async def test_acknowledgements_pass_only_for_this_station(desk: Desk) -> None:
    await desk.inbox.take(topics.ack("cum-loa-1"), Ack(station="cum-loa-1", reports=("a", "b")).encode())
    await desk.inbox.take(topics.ack("cum-loa-1"), Ack(station="cum-loa-2", reports=("c",)).encode())
    assert desk.acknowledged == ["a", "b"]
    assert desk.reasons() == [RefusalReason.MALFORMED]


async def test_a_disk_that_takes_nothing_does_not_hold_up_the_plan_and_is_tried_again(
    desk: Desk, key: SigningKey, make_layer: Callable[..., PlanLayer], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    await desk.inbox.take(PLAN, key.sign(make_layer(version=1)))
    with monkeypatch.context() as patched:
        patched.setattr("agent.signed_files.write_durably", full)
        await desk.inbox.take(PLAN, key.sign(make_layer(version=2)))
        desk.store.pay()
        assert desk.store.owes
    assert [layer.version for layer in desk.store.layers()] == [2]
    assert (desk.changes, desk.reasons()) == (2, [])
    desk.store.pay()
    assert not desk.store.owes
    again = PlanStore(desk.folder, Keyring.of(key.public_jwk()))
    again.load()
    assert [layer.version for layer in again.layers()] == [2]


async def test_a_cleared_topic_changes_nothing(
    desk: Desk, key: SigningKey, make_layer: Callable[..., PlanLayer]
) -> None:
    await desk.inbox.take(PLAN, key.sign(make_layer()))
    await desk.inbox.take(PLAN, b"")
    assert len(desk.store.layers()) == 1
    assert desk.reasons() == []


async def test_refusals_are_bounded_and_a_repeated_one_is_one(desk: Desk) -> None:
    began = datetime.now(UTC)
    for number in range(REFUSALS_KEPT + 5):
        await desk.inbox.take(f"loaban/1/area/a{number}/plan", b"x.y.z")
        await desk.inbox.take(PLAN, b"x.y.z")
    assert len(desk.inbox.refusals) == REFUSALS_KEPT
    assert sum(refusal.topic == PLAN for refusal in desk.inbox.refusals) == 1
    assert all(refusal.at >= began for refusal in desk.inbox.refusals)
