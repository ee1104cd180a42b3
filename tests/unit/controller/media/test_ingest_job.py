"""Claims, leases and the ends of an upload, on a real database with the real library."""

import os
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import func, select

from audio_library import Limits, Store, StoreFull
from controller.accounts.rules import Principal
from controller.context import Context
from controller.errors import Forbidden
from controller.media import queries, service
from controller.media.recipe import Made, Recipe
from controller.media.tables import Sound, Upload, UploadState

Add = Callable[..., str]
State = Callable[[str], Upload]
Progress = Callable[[float], None]


def instead(monkeypatch: pytest.MonkeyPatch, work: Callable[[Progress], None]) -> list[int]:
    """Do this before the real work of each ingest; the list grows by one each time."""
    begun: list[int] = []
    real = Recipe.make

    def make(self: Recipe, source: Path, store: Store, limits: Limits, progress: Progress) -> Made:
        begun.append(1)
        work(progress)
        return real(self, source, store, limits, progress)

    monkeypatch.setattr(Recipe, "make", make)
    return begun


def test_one_upload_at_a_time_in_the_order_they_came(
    context: Context, add_upload: Add, state_of: State, clock: list[datetime], tmp_path: Path
) -> None:
    text = tmp_path / "text.mp3"
    text.write_text("không phải âm thanh " * 100)
    first = add_upload(text)
    clock[0] += timedelta(seconds=1)
    second = add_upload()
    assert service.work_once(context)
    assert (state_of(first).state, state_of(second).state) == (UploadState.REFUSED, UploadState.WAITING)
    assert service.work_once(context)
    assert state_of(second).state is UploadState.READY
    assert not service.work_once(context)


def test_a_refusal_keeps_its_key_and_drops_the_file(
    context: Context, add_upload: Add, state_of: State, tmp_path: Path
) -> None:
    (tmp_path / "empty.mp3").touch()
    upload_id = add_upload(tmp_path / "empty.mp3")
    service.work_once(context)
    upload = state_of(upload_id)
    assert (upload.error_key, upload.claimed_by) == ("sound.empty_file", None)
    assert not service.inbox_of(context).path_of(upload_id).exists()


def test_two_processes_never_hold_the_same_upload(context: Context, add_upload: Add, now: datetime) -> None:
    upload_id = add_upload()
    until = now + timedelta(seconds=120)
    with context.database.write() as session:
        claimed = queries.claim(session, now, "one", until)
        assert claimed is not None
        assert (claimed.id, claimed.attempts) == (upload_id, 1)
        assert queries.claim(session, now, "two", until) is None
        assert not queries.change_claimed(session, upload_id, "two", {"progress": 0.9})


def test_an_upload_whose_process_died_is_taken_over_after_the_lease(
    context: Context, add_upload: Add, state_of: State, clock: list[datetime]
) -> None:
    upload_id = add_upload()
    with context.database.write() as session:
        queries.claim(session, clock[0], "dead", clock[0] + timedelta(seconds=120))
    assert not service.work_once(context), "the lease still runs"
    clock[0] += timedelta(seconds=121)
    assert service.work_once(context)
    assert (state_of(upload_id).state, state_of(upload_id).attempts) == (UploadState.READY, 2)


def test_progress_is_written_and_renews_the_lease(
    context: Context, add_upload: Add, state_of: State, clock: list[datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    upload_id = add_upload()
    seconds_s = iter(range(1000))
    ticking = SimpleNamespace(monotonic=lambda: float(next(seconds_s)))
    monkeypatch.setattr("controller.media.ingest_job.time", ticking)
    seen: list[tuple[float, datetime | None]] = []

    def look(progress: Progress) -> None:
        for done in (0.25, 0.5):
            clock[0] += timedelta(seconds=60)
            progress(done)
            seen.append((state_of(upload_id).progress, state_of(upload_id).claimed_until))

    instead(monkeypatch, look)
    begun = clock[0]
    service.work_once(context)
    minutes = [begun + timedelta(seconds=180), begun + timedelta(seconds=240)]
    assert seen == [(0.25, minutes[0]), (0.5, minutes[1])]
    assert state_of(upload_id).progress == 1.0


def test_progress_is_not_written_more_than_once_a_second(
    context: Context, add_upload: Add, state_of: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload_id = add_upload()
    monkeypatch.setattr("controller.media.ingest_job.time", SimpleNamespace(monotonic=lambda: 5.0))
    seen: list[float] = []

    def look(progress: Progress) -> None:
        progress(0.5)
        seen.append(state_of(upload_id).progress)

    instead(monkeypatch, look)
    service.work_once(context)
    assert seen == [0.0]


def test_whoever_lost_the_claim_stops_and_writes_nothing(
    context: Context, add_upload: Add, state_of: State, clock: list[datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    upload_id = add_upload()
    seconds_s = iter(range(1000))
    ticking = SimpleNamespace(monotonic=lambda: float(next(seconds_s)))
    monkeypatch.setattr("controller.media.ingest_job.time", ticking)

    def another_takes_over(progress: Progress) -> None:
        clock[0] += timedelta(seconds=121)
        with context.database.write() as session:
            assert queries.claim(session, clock[0], "other", clock[0] + timedelta(seconds=120))
        progress(0.5)

    instead(monkeypatch, another_takes_over)
    assert service.work_once(context)
    upload = state_of(upload_id)
    assert (upload.state, upload.claimed_by) == (UploadState.WORKING, "other")
    assert service.inbox_of(context).path_of(upload_id).is_file()


def test_a_process_that_stops_puts_its_upload_back_unharmed(
    context: Context, add_upload: Add, state_of: State
) -> None:
    upload_id = add_upload()
    for _ in range(5):
        assert service.work_once(context, stopping=lambda: True)
    upload = state_of(upload_id)
    assert (upload.state, upload.attempts, upload.claimed_by) == (UploadState.WAITING, 0, None)
    assert service.work_once(context)
    assert state_of(upload_id).state is UploadState.READY


def test_what_fails_three_times_is_refused_and_said(
    context: Context,
    add_upload: Add,
    state_of: State,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    upload_id = add_upload()

    def fail(_progress: Progress) -> None:
        raise RuntimeError("a mistake of ours")

    begun = instead(monkeypatch, fail)
    rounds = 0
    while service.work_once(context):
        rounds += 1
    assert (rounds, len(begun)) == (4, 3)
    assert state_of(upload_id).error_key == "media.ingest_failed"
    assert "a mistake of ours" in caplog.text
    assert not service.inbox_of(context).path_of(upload_id).exists()


def no_room(_progress: Progress) -> None:
    raise StoreFull


def test_without_room_it_waits_a_minute_and_then_goes_on_by_itself(
    context: Context,
    add_upload: Add,
    state_of: State,
    clock: list[datetime],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    upload_id = add_upload()
    with monkeypatch.context() as full:
        instead(full, no_room)
        for _ in range(5):
            assert service.work_once(context)
            assert not service.work_once(context), "it rests"
            clock[0] += timedelta(seconds=61)
    upload = state_of(upload_id)
    assert (upload.state, upload.error_key, upload.attempts) == (UploadState.WAITING, "media.no_room_yet", 0)
    assert service.work_once(context)
    upload = state_of(upload_id)
    assert (upload.state, upload.error_key, upload.waits_until) == (UploadState.READY, None, None)


def test_what_found_no_room_for_a_day_is_refused(
    context: Context,
    add_upload: Add,
    state_of: State,
    clock: list[datetime],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    upload_id = add_upload()
    instead(monkeypatch, no_room)
    clock[0] += timedelta(hours=25)
    assert service.work_once(context)
    assert (state_of(upload_id).state, state_of(upload_id).error_key) == (
        UploadState.REFUSED,
        "sound.store_full",
    )


def test_a_file_that_is_gone_is_said(context: Context, add_upload: Add, state_of: State) -> None:
    upload_id = add_upload()
    service.inbox_of(context).drop(upload_id)
    service.work_once(context)
    assert state_of(upload_id).error_key == "media.source_lost"


def test_the_same_source_is_made_once_per_recipe(
    context: Context, add_upload: Add, state_of: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = instead(monkeypatch, lambda _progress: None)
    ids = [add_upload(), add_upload(), add_upload(chimes=True), add_upload(chimes=True)]
    while service.work_once(context):
        pass
    plain, again, chimed, chimed_again = (state_of(upload_id) for upload_id in ids)
    assert plain.sound_sha256 == again.sound_sha256
    assert chimed.sound_sha256 == chimed_again.sound_sha256 != plain.sound_sha256
    assert len(begun) == 2
    late = state_of(add_upload())
    assert (late.state, late.known_already) == (UploadState.READY, True)


def test_a_sound_whose_file_was_lost_is_made_again(
    context: Context, add_upload: Add, state_of: State
) -> None:
    first = add_upload()
    service.work_once(context)
    sha256 = state_of(first).sound_sha256
    assert sha256 is not None
    context.store.path_of(sha256).unlink()
    again = add_upload()
    assert state_of(again).state is UploadState.WAITING
    service.work_once(context)
    assert state_of(again).sound_sha256 == sha256
    assert context.store.has(sha256)
    with context.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Sound)) == 1


def test_a_finished_sound_keeps_what_was_measured(context: Context, add_upload: Add, state_of: State) -> None:
    upload_id = add_upload(chimes=True)
    service.work_once(context)
    with context.database.read() as session:
        sound = service.get_sound(session, str(state_of(upload_id).sound_sha256))
        fields: dict[str, Any] = vars(sound)
    assert fields["size_bytes"] == context.store.existing(sound.sha256).stat().st_size
    assert fields["source_lufs"] < fields["lufs"]
    assert abs(fields["lufs"] + 16) <= 1
    assert fields["true_peak_dbtp"] <= -1.5
    assert 100 < len(fields["peaks"]) <= 1000


def test_who_may_not_upload_leaves_no_file(
    context: Context, people: Mapping[str, Principal], recording: Path
) -> None:
    for who in ("viewer", "approver", "technician"):
        with context.database.write() as session, pytest.raises(Forbidden):
            service.receive_file(session, context, people[who], recording)
    inbox = service.inbox_of(context)
    assert [path for path in inbox.folder.rglob("*") if path.is_file()] == []
    assert recording.is_file()


def test_the_sweep_takes_old_files_that_nobody_waits_for(context: Context, add_upload: Add) -> None:
    inbox = service.inbox_of(context)
    waited_for = inbox.path_of(add_upload())
    orphan, half = inbox.path_of("orphan"), inbox.new_path()
    young = inbox.new_path()
    for path in (orphan, half, young):
        path.write_bytes(b"x")
    for path in (waited_for, orphan, half):
        os.utime(path, (0, 0))
    assert service.sweep(context) == 2
    assert (waited_for.exists(), orphan.exists(), half.exists(), young.exists()) == (True, False, False, True)


def test_a_file_that_goes_while_the_sweep_looks_is_no_error(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = service.inbox_of(context)
    for path in (inbox.path_of("orphan"), inbox.new_path()):
        path.write_bytes(b"x")
        os.utime(path, (0, 0))
    real = Path.is_file

    def gone_after_the_look(path: Path) -> bool:
        there = real(path)
        if there:
            path.unlink()
        return there

    monkeypatch.setattr(Path, "is_file", gone_after_the_look)
    assert inbox.sweep(set()) == 0
