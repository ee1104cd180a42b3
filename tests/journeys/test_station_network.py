"""A station behind every network that there is: the plan comes in the end, the alert after it.

One real station program, a real broker and a real web server, with a proxy before each of the two.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

import pytest

from firmware_sim.network.conditions import FAR, LOSSY, SMOOTH, THIN, Conditions, Trouble
from tests.support.broker import Broker
from tests.support.centre import Centre
from tests.support.media_server import MediaServer
from tests.support.network import BadNetwork, bad_networks
from tests.support.sounds import Sound
from tests.support.spoken_alert import spoken
from tests.support.station_process import StationProcess
from tests.support.waiting import eventually
from wire import topics
from wire.alerts import Alert, AlertBoard
from wire.ids import Outcome
from wire.messages import Heartbeat, PlannedOccurrence

FAST = "keepalive_s = 10\nretry_first_s = 0.3"
"""Half open is noticed in seconds, where the field's 30 s of keep-alive would take most of a minute."""
BAD = {
    "half_open": Conditions(Trouble.HALF_OPEN),
    "link_down": Conditions(Trouble.LINK_DOWN),
    "refused": Conditions(Trouble.REFUSED),
    "broker_drops": Conditions(Trouble.BROKER_DROPS, drops_after_s=0.2),
    "captive_portal": Conditions(Trouble.CAPTIVE_PORTAL),
}
POOR = {"2 s": FAR, "16 kbit/s": THIN, "loss": LOSSY}
HOURS_AHEAD_S = 4 * 3600.0


@dataclass
class Outpost:
    """The station, and the two ways to it."""

    centre: Centre
    media: MediaServer
    control: BadNetwork
    sound: BadNetwork
    station: StationProcess

    def set(self, conditions: Conditions) -> None:
        for way in (self.control, self.sound):
            way.set(conditions)

    @property
    def sound_folder(self) -> list[str]:
        return sorted(path.name for path in (self.station.state / "sound").glob("*.opus"))

    def holds(self, *sounds: Sound) -> bool:
        """These, byte for byte, and nothing else."""
        held = self.station.state / "sound"
        return self.sound_folder == sorted(f"{one.item.sha256}.opus" for one in sounds) and all(
            (held / name).read_bytes() == (self.media.folder / name).read_bytes()
            for name in self.sound_folder
        )

    def said(self, words: str) -> int:
        """How often its log has that."""
        return self.station.log.count(words)

    def press(self, signal: Sound, voice: Sound, version: int = 1) -> Alert:
        alert = spoken(signal.item, voice.item, version)
        board = AlertBoard(area="ta-van", version=version, issued_at=alert.sent_at, alerts=(alert,))
        self.centre.send(topics.alerts("ta-van"), board)
        return alert


@pytest.fixture
def outpost(
    broker: Broker, centre: Centre, media: MediaServer, make_station: Callable[..., StationProcess]
) -> Iterator[Outpost]:
    media_port = int(media.url.split(":")[2].split("/")[0])
    with bad_networks(broker.port, media_port) as (control, sound):
        station = make_station(port=control.port, broker=FAST, media="timeout_s = 6")
        yield Outpost(centre, media, control, sound, station)
        station.terminate(10)


def welcome(outpost: Outpost) -> None:
    """While the network is still good."""
    outpost.centre.send_card(media_url=f"http://127.0.0.1:{outpost.sound.port}/media")
    outpost.centre.heartbeat_with(lambda beat: beat.card_version == 1, "the card has come", 30)


def plan_comes(outpost: Outpost, version: int, within_s: float = 60.0) -> None:
    def has_it(beat: Heartbeat) -> bool:
        return any(layer.version == version for layer in beat.layers)

    outpost.centre.heartbeat_with(has_it, f"plan {version}", within_s)


def alert_sounds(outpost: Outpost, signal: Sound, voice: Sound) -> None:
    """Given now, fetched, heard once and reported."""
    alert = outpost.press(signal, voice)
    assert outpost.centre.report_of(alert.sounding, 60).outcome is Outcome.PLAYED
    assert len(outpost.station.heard(alert.sounding)) == 1


@pytest.mark.parametrize("trouble", BAD)
def test_after_the_trouble_the_plan_comes_and_then_the_alert(
    outpost: Outpost,
    make_sound: Callable[..., Sound],
    soon: Callable[..., PlannedOccurrence],
    trouble: str,
) -> None:
    planned, signal, voice = (make_sound(1.0, seed) for seed in range(3))
    welcome(outpost)
    outpost.set(BAD[trouble])
    tries = outpost.said("link down")
    outpost.centre.send_plan(soon(planned.item, in_s=HOURS_AHEAD_S))
    eventually(lambda: outpost.said("link down") >= tries + 2, "it has met the trouble")
    if trouble != "broker_drops":
        assert outpost.sound_folder == []
    outpost.set(SMOOTH)
    plan_comes(outpost, 1)
    eventually(lambda: outpost.holds(planned), "the sound has come")
    alert_sounds(outpost, signal, voice)


@pytest.mark.parametrize("line", POOR)
def test_a_poor_line_is_enough_for_plan_sound_and_alert(
    outpost: Outpost,
    make_sound: Callable[..., Sound],
    soon: Callable[..., PlannedOccurrence],
    line: str,
) -> None:
    planned, signal, voice = (make_sound(1.0, seed) for seed in range(3))
    outpost.set(POOR[line])
    welcome(outpost)
    outpost.centre.send_plan(soon(planned.item, in_s=HOURS_AHEAD_S))
    plan_comes(outpost, 1)
    eventually(lambda: outpost.holds(planned), "the sound has come")
    alert_sounds(outpost, signal, voice)


def part_of(outpost: Outpost, sound: Sound) -> int:
    """How much of it the station has on its disk, in bytes; all of it when it is whole."""
    folder = outpost.station.state / "sound"
    for name in (f"{sound.item.sha256}.part", f"{sound.item.sha256}.opus"):
        with suppress(FileNotFoundError):
            return (folder / name).stat().st_size
    return 0


def begins(media: MediaServer) -> list[int]:
    """The byte from which each request wanted its sound."""
    return [int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0 for _, wanted in media.requests]


def grows(outpost: Outpost, sound: Sound, by_bytes: int) -> int:
    """Waits until so much more of it has come; how much is there then."""
    had = part_of(outpost, sound)
    whole = sound.item.size_bytes
    return eventually(
        lambda: have if (have := part_of(outpost, sound)) >= min(had + by_bytes, whole) else None,
        "more of it",
    )


def test_a_download_goes_on_where_each_trouble_cut_it_off(
    outpost: Outpost, make_sound: Callable[..., Sound], soon: Callable[..., PlannedOccurrence]
) -> None:
    """The server counts: whatever comes between, nothing that has come is asked for again."""
    long = make_sound(40.0)
    whole = long.item.size_bytes
    narrow = Conditions(bytes_per_s=whole / 8)
    outpost.sound.set(narrow)
    welcome(outpost)
    outpost.centre.send_plan(soon(long.item, in_s=HOURS_AHEAD_S))
    had = []
    for trouble in BAD.values():
        had.append(grows(outpost, long, whole // 12))
        failed = outpost.said("sound not fetched")
        outpost.sound.set(trouble)
        eventually(lambda failed=failed: outpost.said("sound not fetched") > failed, "it fails")  # type: ignore[misc]
        outpost.sound.set(narrow)
    eventually(lambda: outpost.holds(long), "it is whole")
    asked = begins(outpost.media)
    assert asked[0] == 0
    assert len(asked) > 3
    assert all(begin > 0 for begin in asked[1:])
    assert asked == sorted(asked)
    assert asked[-1] >= had[-2]


def test_a_flapping_link_brings_everything_in_the_end(
    outpost: Outpost, make_sound: Callable[..., Sound], soon: Callable[..., PlannedOccurrence]
) -> None:
    long, signal, voice = make_sound(40.0), make_sound(1.0, 2), make_sound(1.0, 3)
    whole = long.item.size_bytes
    narrow = Conditions(bytes_per_s=whole / 6)
    welcome(outpost)
    outpost.set(narrow)
    outpost.centre.send_plan(soon(long.item, in_s=HOURS_AHEAD_S))
    for _ in range(5):
        grows(outpost, long, whole // 10)
        said = len(outpost.centre.presences)
        outpost.set(Conditions(Trouble.LINK_DOWN))
        eventually(lambda said=said: len(outpost.centre.presences) > said, "its will")  # type: ignore[misc]
        outpost.set(narrow)
    alert_sounds(outpost, signal, voice)
    eventually(lambda: outpost.holds(long, signal, voice), "all of it")
    assert outpost.centre.heartbeat_with(lambda beat: beat.link is not None, "link").link is not None
    outpost.centre.heartbeat_with(
        lambda beat: beat.link is not None and beat.link.connects >= 6 and beat.link.up_s > 0,
        "it says how often it came back",
    )


def test_the_page_of_a_captive_portal_never_becomes_sound(
    outpost: Outpost, make_sound: Callable[..., Sound], soon: Callable[..., PlannedOccurrence]
) -> None:
    """MQTT gets through, the web does not: the station says what it lacks, and plays nothing instead."""
    planned = make_sound(1.0)
    welcome(outpost)
    outpost.sound.set(BAD["captive_portal"])
    occurrence = soon(planned.item, in_s=4.0)
    outpost.centre.send_plan(occurrence)
    report = outpost.centre.report_of(occurrence.id, 30)
    assert (report.outcome, report.seconds_played) == (Outcome.FAILED, 0)
    eventually(lambda: outpost.sound.opened >= 5, "the portal has answered often")
    beat = outpost.centre.heartbeat_with(lambda beat: beat.cache.wanted == 1, "it knows what it lacks")
    assert (beat.cache.held, beat.cache.missing) == (0, (planned.item.sha256,))
    assert outpost.station.heard() == []
    assert (part_of(outpost, planned), outpost.media.requests) == (0, [])
