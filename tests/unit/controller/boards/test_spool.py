"""Acts on disk until they are in the database."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from controller.boards.recorder import Recorder
from controller.boards.spool import Spool
from controller.emergency.acts import Act

MakeAct = Callable[..., Act]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "emergency" / "spool"


@pytest.fixture
def spool(folder: Path) -> Spool:
    return Spool(folder)


def test_acts_come_back_whole_and_in_the_order_of_their_making(spool: Spool, act: MakeAct) -> None:
    assert spool.acts() == []
    acts = [act(2), act(1, after_s=1), act(1, 2, after_s=2, silent=True)]
    for one in reversed(acts):
        spool.keep(one)
    assert spool.acts() == acts
    spool.drop(acts[0])
    spool.drop(acts[0])
    assert spool.acts() == acts[1:]


def test_one_that_cannot_be_read_is_put_aside_loudly(
    spool: Spool, folder: Path, act: MakeAct, caplog: pytest.LogCaptureFixture
) -> None:
    spool.keep(act(1))
    (folder / "kc-x-r1.json").write_bytes(b'{"alert_id": "kc-x", "revis')
    (folder / "kc-y-r1.1.draft").write_bytes(b"half")
    assert spool.acts() == [act(1)]
    assert "kc-x-r1.json.unreadable" in caplog.text
    assert (folder / "kc-x-r1.json.unreadable").exists()
    assert spool.acts() == [act(1)]


def test_sync_writes_what_was_not_spooled(spool: Spool, act: MakeAct) -> None:
    spool.sync(act(1))
    assert spool.acts() == [act(1)]


def test_a_failing_record_holds_back_its_own_alert_only_and_is_tried_again(
    spool: Spool, act: MakeAct, caplog: pytest.LogCaptureFixture
) -> None:
    done: list[tuple[str, int]] = []
    broken = True

    def record(one: Act) -> bool:
        if broken and one.alert_id.endswith("1"):
            raise ConnectionError("gone")
        done.append((one.alert_id[-1], one.revision))
        return True

    recorder = Recorder(spool, record, lambda _act: None, lambda _act: None)
    for one in (act(1), act(1, 2, after_s=1), act(2, after_s=2)):
        recorder.keep(one)
    pauses = [recorder.work() for _ in range(8)]
    assert done == [("2", 1)]
    assert pauses == sorted(pauses)
    assert pauses[-1] <= 5
    assert [one.revision for one in recorder.pending()] == [1, 2]
    assert len(spool.acts()) == 2
    broken = False
    with caplog.at_level(logging.WARNING):
        recorder.work()
    assert done == [("2", 1), ("1", 1), ("1", 2)]
    assert recorder.pending() == ()
    assert spool.acts() == []
    assert "in the database again, after 8 failed tries" in caplog.text
    recorder.close()


def test_what_an_earlier_process_left_is_pending_again(spool: Spool, act: MakeAct) -> None:
    spool.keep(act(1))
    recorder = Recorder(spool, lambda _act: False, lambda _act: None, lambda _act: None)
    assert recorder.load() == [act(1)]
    assert recorder.pending() == (act(1),)
    recorder.work()
    assert recorder.pending() == ()
    recorder.close()
