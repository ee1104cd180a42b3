"""A station at the far end of a cable that really loses packets: the kernel's own TCP has to cope."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from firmware_sim.network.cable import Cable, Weather, laid, missing
from tests.support.broker import Broker
from tests.support.centre import Centre
from tests.support.media_server import MediaServer
from tests.support.network import bad_networks
from tests.support.sounds import Sound
from tests.support.station_process import StationProcess
from tests.support.waiting import eventually
from wire.messages import PlannedOccurrence

HOURS_AHEAD_S = 4 * 3600.0
KEEPALIVE_S = 8
STORM = 0.15
"""Of all packets, in each direction."""


@pytest.fixture
def cable() -> Iterator[Cable]:
    if what := missing():
        pytest.skip(f"NO REAL PACKET LOSS TRIED: {what}")
    with laid(Weather(latency_s=0.05)) as made:
        yield made


@dataclass
class Outpost:
    centre: Centre
    media: MediaServer
    cable: Cable
    station: StationProcess
    media_url: str

    def send_card(self) -> None:
        self.centre.send_card(media_url=self.media_url)

    def holds(self, *sounds: Sound) -> bool:
        folder = self.station.state / "sound"
        files = [f"{one.item.sha256}.opus" for one in sounds]
        return all((folder / name).exists() for name in files) and all(
            (folder / name).read_bytes() == (self.media.folder / name).read_bytes() for name in files
        )


@pytest.fixture
def outpost(
    broker: Broker,
    centre: Centre,
    media: MediaServer,
    cable: Cable,
    make_station: Callable[..., StationProcess],
) -> Iterator[Outpost]:
    media_port = int(media.url.split(":")[2].split("/")[0])
    with bad_networks(broker.port, media_port, cable=cable) as (control, sound):
        station = make_station(
            host=cable.near, port=control.port, inside=cable.inside(), broker=f"keepalive_s = {KEEPALIVE_S}"
        )
        yield Outpost(centre, media, cable, station, f"http://{cable.near}:{sound.port}/media")
        station.terminate(10)


def test_with_one_packet_in_seven_lost_all_arrives(
    outpost: Outpost, make_sound: Callable[..., Sound], soon: Callable[..., PlannedOccurrence]
) -> None:
    outpost.cable.weather.loss = STORM
    planned = make_sound(6.0)
    outpost.send_card()
    outpost.centre.send_plan(soon(planned.item, in_s=HOURS_AHEAD_S))
    eventually(lambda: outpost.holds(planned), "plan and sound have come", 120)
    assert outpost.cable.weather.lost > 0


def test_a_line_that_goes_dead_without_a_word_is_noticed_at_both_ends_and_outlived(
    outpost: Outpost, make_sound: Callable[..., Sound], soon: Callable[..., PlannedOccurrence]
) -> None:
    planned = make_sound(2.0)
    outpost.send_card()
    outpost.centre.heartbeat_with(lambda beat: beat.card_version == 1, "the card has come", 30)
    outpost.cable.weather.loss = 1.0
    eventually(lambda: "link down" in outpost.station.log, "the station notices", 1.5 * KEEPALIVE_S + 5)
    outpost.centre.send_plan(soon(planned.item, in_s=HOURS_AHEAD_S))
    outpost.cable.weather.loss = 0.0
    eventually(lambda: outpost.holds(planned), "plan and sound have come")
    outpost.centre.heartbeat_with(
        lambda beat: beat.link is not None and beat.link.connects == 2, "it says that it was away"
    )
