"""Boards and standing sounds on their way in, on disk, and how old an alert is here."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.ages import Ages
from agent.board_store import BoardStore
from agent.clock import AssumedClock
from agent.inbox import Inbox
from agent.store import PlanStore
from wire import topics
from wire.alerts import Alert, AlertBoard, StandingLayer, StandingSound
from wire.errors import RefusalReason
from wire.ids import ClockTrust
from wire.messages import Item, StationCard
from wire.signing import Keyring, SigningKey

BOARD, STANDING = topics.alerts("ta-van"), topics.standing("ta-van")
CALM = AssumedClock()


class Clock(AssumedClock):
    def __init__(self) -> None:
        self.trusted = ClockTrust.TRUSTED
        self.at_s = 1000.0

    def trust(self) -> ClockTrust:
        return self.trusted

    def monotonic_s(self) -> float:
        return self.at_s


class Desk:
    def __init__(self, folder: Path, keyring: Keyring, clock: Clock) -> None:
        self.folder, self.clock = folder, clock
        self.store, self.boards = PlanStore(folder, keyring), BoardStore(folder, keyring)
        self.store.load()
        self.boards.load()
        self.inbox = Inbox("cum-loa-1", keyring, self.store, self.boards, clock)
        self.inbox.on_board = self._board
        self.inbox.on_standing = self._standing
        self.told: list[str] = []

    async def _board(self) -> None:
        assert not (self.folder / "boards" / "ta-van.jws").exists()
        self.told.append("board")

    def _standing(self) -> None:
        self.told.append("standing")

    def reasons(self) -> list[RefusalReason]:
        return [refusal.reason for refusal in self.inbox.refusals]

    def version(self) -> int | None:
        board = self.boards.board("ta-van")
        return board.version if board else None


@pytest.fixture
async def desk(
    tmp_path: Path, key: SigningKey, keyring: Keyring, make_card: Callable[..., StationCard]
) -> Desk:
    made = Desk(tmp_path, keyring, Clock())
    await made.inbox.take(topics.card("cum-loa-1"), key.sign(make_card()))
    return made


def standing_layer(version: int = 1, area: str = "ta-van") -> StandingLayer:
    sound = StandingSound(item=Item(sha256="a" * 64, seconds=3, size_bytes=9))
    return StandingLayer(area=area, version=version, issued_at=datetime.now(UTC), sounds=(sound,))


async def test_a_board_is_obeyed_before_it_is_on_disk_and_is_there_in_the_next_life(
    desk: Desk, key: SigningKey, keyring: Keyring, make_alert: Any, make_board: Any
) -> None:
    board = make_board(make_alert(), version=3)
    await desk.inbox.take(BOARD, key.sign(board))
    assert (desk.told, desk.reasons()) == (["board"], [])
    await desk.boards.write()
    assert Desk(desk.folder, keyring, Clock()).boards.boards(["lao-cai", "ta-van"]) == (board,)


async def test_forged_replayed_and_misdirected_boards_are_refused_and_change_nothing(
    desk: Desk, key: SigningKey, make_alert: Any, make_board: Any
) -> None:
    await desk.inbox.take(BOARD, key.sign(make_board(version=5)))
    bad = [
        (BOARD, SigningKey.generate().sign(make_board(make_alert(), version=6)), RefusalReason.BAD_SIGNATURE),
        (BOARD, key.sign(make_board(make_alert(), version=4)), RefusalReason.STALE_VERSION),
        (BOARD, key.sign(make_board(make_alert(), area="lao-cai", version=7)), RefusalReason.WRONG_TARGET),
        (topics.alerts("sa-pa"), key.sign(make_board(area="sa-pa", version=8)), RefusalReason.WRONG_TARGET),
        (BOARD, key.sign(standing_layer(9)), RefusalReason.MALFORMED),
        (BOARD, b"not a signed document", RefusalReason.BAD_SIGNATURE),
    ]
    for topic, token, reason in bad:
        await desk.inbox.take(topic, token)
        assert desk.reasons()[-1] is reason
    assert (desk.told, desk.version()) == (["board"], 5)


async def test_the_same_board_again_is_silently_fine(desk: Desk, key: SigningKey, make_board: Any) -> None:
    for _ in range(3):
        await desk.inbox.take(BOARD, key.sign(make_board(version=5)))
    assert (desk.told, desk.reasons()) == (["board"], [])


async def test_a_board_of_nothing_but_the_past_is_refused_and_still_silences_the_one_before(
    desk: Desk, key: SigningKey, make_alert: Callable[..., Alert], make_board: Callable[..., AlertBoard]
) -> None:
    past = make_alert(expires_at=datetime.now(UTC))
    await desk.inbox.take(BOARD, key.sign(make_board(make_alert(number=2), version=1)))
    await desk.inbox.take(BOARD, key.sign(make_board(past, make_alert(number=2), version=2)))
    assert desk.reasons() == []
    await desk.inbox.take(BOARD, key.sign(make_board(past, version=3)))
    assert desk.reasons() == [RefusalReason.EXPIRED]
    assert (desk.told, desk.version()) == (["board"] * 3, 3)


async def test_a_clock_that_is_not_trusted_refuses_nothing_as_expired(
    desk: Desk, key: SigningKey, make_alert: Any, make_board: Any
) -> None:
    desk.clock.trusted = ClockTrust.UNKNOWN
    past = make_alert(expires_at=datetime.now(UTC) - timedelta(days=1))
    await desk.inbox.take(BOARD, key.sign(make_board(past)))
    assert desk.reasons() == []


async def test_a_board_out_of_the_future_is_refused_and_keeps_nothing_out(
    desk: Desk, key: SigningKey, make_board: Any
) -> None:
    def board(version: int, ahead: timedelta) -> AlertBoard:
        made: AlertBoard = make_board(version=version)
        return made.model_copy(update={"issued_at": datetime.now(UTC) + ahead})

    await desk.inbox.take(BOARD, key.sign(board(9_000, timedelta(days=1, minutes=1))))
    layer = standing_layer(9_000).model_copy(update={"issued_at": datetime.now(UTC) + timedelta(days=2)})
    await desk.inbox.take(STANDING, key.sign(layer))
    await desk.inbox.take(BOARD, key.sign(make_board(version=1).model_copy(update={"version": 2**62})))
    assert set(desk.reasons()) == {RefusalReason.MALFORMED}
    assert (desk.told, desk.version()) == ([], None)
    await desk.inbox.take(BOARD, key.sign(board(5, timedelta(hours=23))))
    assert (desk.told, desk.version()) == (["board"], 5)


async def test_a_clock_that_is_not_trusted_judges_no_future(
    desk: Desk, key: SigningKey, make_board: Any
) -> None:
    desk.clock.trusted = ClockTrust.UNKNOWN
    later = make_board(version=5).model_copy(update={"issued_at": datetime.now(UTC) + timedelta(days=9_000)})
    await desk.inbox.take(BOARD, key.sign(later))
    assert desk.version() == 5


async def test_standing_sounds_are_on_disk_before_they_count(
    desk: Desk, key: SigningKey, keyring: Keyring
) -> None:
    await desk.inbox.take(STANDING, key.sign(standing_layer(4)))
    await desk.inbox.take(STANDING, key.sign(standing_layer(4)))
    assert (desk.told, desk.reasons()) == (["standing"], [])
    await desk.inbox.take(STANDING, key.sign(standing_layer(3)))
    await desk.inbox.take(STANDING, key.sign(standing_layer(5, "lao-cai")))
    assert desk.reasons() == [RefusalReason.STALE_VERSION, RefusalReason.WRONG_TARGET]
    [layer] = Desk(desk.folder, keyring, Clock()).boards.standing_layers(["lao-cai", "ta-van"])
    assert layer.version == 4


async def test_a_disk_that_takes_nothing_does_not_make_an_alert_unheard(
    desk: Desk, key: SigningKey, make_alert: Any, make_board: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("agent.signed_files.write_durably", full)
    await desk.inbox.take(BOARD, key.sign(make_board(make_alert(), version=2)))
    await desk.boards.write()
    assert (desk.told, desk.version()) == (["board"], 2)


async def test_a_damaged_board_gives_way_to_the_one_before(
    desk: Desk, key: SigningKey, keyring: Keyring, make_board: Any
) -> None:
    desk.inbox.on_board = _nothing
    for version in (1, 2):
        await desk.inbox.take(BOARD, key.sign(make_board(version=version)))
        await desk.boards.write()
    (desk.folder / "boards" / "ta-van.jws").write_bytes(b"half of")
    assert Desk(desk.folder, keyring, Clock()).version() == 1


async def _nothing() -> None:
    return None


# --- how old


def ages(folder: Path, clock: Clock, boot: str = "boot-1") -> Ages:
    made = Ages(folder / "boards" / "ages.json", clock, lambda: boot)
    made.load()
    return made


async def test_an_alert_grows_older_over_a_restart_and_over_a_power_cut(tmp_path: Path) -> None:
    clock = Clock()
    first = ages(tmp_path, clock)
    assert first.of("a") == 0
    clock.at_s += 60
    await first.write()
    clock.at_s += 30
    assert ages(tmp_path, clock).of("a") == pytest.approx(90)
    clock.at_s = 5.0
    after_power_cut = ages(tmp_path, clock, "boot-2")
    assert after_power_cut.of("a") == pytest.approx(60)
    clock.at_s += 7
    assert after_power_cut.of("a") == pytest.approx(67)


async def test_ages_that_nobody_asks_for_are_forgotten(tmp_path: Path) -> None:
    clock = Clock()
    made = ages(tmp_path, clock)
    made.of("a")
    made.of("b")
    clock.at_s += 60
    made.keep_only({"b"})
    await made.write()
    again = ages(tmp_path, clock)
    assert again.of("a") == 0
    assert again.of("b") == pytest.approx(60)


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"boot": 1, "at_s": "x", "ages_s": {}}', b"\xff"])
def test_ages_that_cannot_be_read_count_from_now(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "boards").mkdir()
    (tmp_path / "boards" / "ages.json").write_bytes(content)
    assert ages(tmp_path, Clock()).of("a") == 0
