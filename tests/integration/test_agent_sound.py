"""Sound is fetched ahead, whole or not at all."""

from datetime import timedelta
from typing import Any

from wire.ids import Outcome, OutcomeReason


def test_a_download_that_is_cut_off_goes_on_where_it_stopped(
    centre: Any, make_station: Any, make_sound: Any, soon: Any, media: Any
) -> None:
    sound = make_sound(4.0)
    half = sound.item.size_bytes // 2
    media.cut_after.append(half)
    make_station()
    centre.send_card()
    centre.heartbeat_with(lambda beat: beat.card_version, "station up")
    planned = soon(sound.item, in_s=3.5)
    centre.send_plan(planned)

    centre.heartbeat_with(lambda beat: beat.cache.held == 1, "sound held")

    asked = [wanted for _, wanted in media.requests]
    assert asked == [None, f"bytes={half}-"]
    assert centre.report_of(planned.id).outcome is Outcome.PLAYED


def test_a_sound_that_comes_late_is_joined_where_it_would_be(
    centre: Any, make_station: Any, make_sound: Any, soon: Any, media: Any, match: Any
) -> None:
    sound = make_sound(6.0)
    file = media.folder / f"{sound.item.sha256}.opus"
    hidden = file.rename(media.folder / "hidden")
    station = make_station()
    centre.send_card()
    centre.heartbeat_with(lambda beat: beat.card_version, "station up")
    planned = soon(sound.item, in_s=3.0)
    centre.send_plan(planned)
    missing = centre.heartbeat_with(
        lambda beat: beat.cache.missing and beat.at > planned.start + timedelta(seconds=1), "start passed"
    )
    assert missing.cache.missing == (sound.item.sha256,)

    hidden.rename(file)
    report = centre.report_of(planned.id)

    assert (report.outcome, report.reason) == (Outcome.PARTLY_PLAYED, OutcomeReason.SOUND_MISSING)
    (heard,) = station.heard()
    correlation, shift = match(heard.samples, sound.samples)
    assert correlation >= 0.9
    assert abs(shift / 48_000 - (heard.first_frame_at - planned.start).total_seconds()) <= 0.05


def test_a_sound_with_a_wrong_checksum_is_never_heard(
    centre: Any, make_station: Any, make_sound: Any, soon: Any, media: Any
) -> None:
    sound, other = make_sound(2.0, seed=1), make_sound(2.0, seed=2)
    swapped = (media.folder / f"{other.item.sha256}.opus").read_bytes()[: sound.item.size_bytes]
    (media.folder / f"{sound.item.sha256}.opus").write_bytes(swapped.ljust(sound.item.size_bytes, b"\0"))
    station = make_station()
    centre.send_card()
    centre.heartbeat_with(lambda beat: beat.card_version, "station up")
    planned = soon(sound.item, in_s=3.0)
    centre.send_plan(planned)

    report = centre.report_of(planned.id)

    assert report.outcome in {Outcome.FAILED, Outcome.MISSED}
    assert report.reason is OutcomeReason.SOUND_MISSING
    assert station.heard() == []
    assert "checksum" in station.log
