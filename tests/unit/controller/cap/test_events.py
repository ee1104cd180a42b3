"""Which kind of alert an event is."""

import pytest

from controller.cap.events import Events
from controller.cap.model import Category, Info, Named
from controller.web.texts import Texts
from wire.ids import AlertKind

EVENTS = Events.load()


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ("Lũ quét", AlertKind.FLASH_FLOOD),
        ("Cảnh báo lũ quét, sạt lở đất", AlertKind.FLASH_FLOOD),
        ("SẠT LỞ ĐẤT", AlertKind.LANDSLIDE),
        ("Lũ", AlertKind.FLOOD),
        ("Lu\u0303 lụt", AlertKind.FLOOD),
        ("Bão số 3", AlertKind.STORM),
        ("Thông báo", AlertKind.OTHER),
        ("Dông, lốc, sét", AlertKind.STORM),
        ("Rét đậm, rét hại", AlertKind.COLD_SPELL),
        ("Nguy cơ cháy rừng cấp V", AlertKind.FOREST_FIRE),
        ("Ổ dịch tả lợn châu Phi", AlertKind.EPIDEMIC),
        ("Gián đoạn dịch vụ", AlertKind.OTHER),
        ("Flash Flood Warning", AlertKind.FLASH_FLOOD),
        ("FLOOD", AlertKind.FLOOD),
        ("Floodlight failure", AlertKind.OTHER),
        ("Tropical Cyclone (Extreme)", AlertKind.STORM),
        ("Wildfire", AlertKind.FOREST_FIRE),
        ("Tsunami", AlertKind.OTHER),
        ("", AlertKind.OTHER),
    ],
)
def test_by_the_words_of_the_event(event: str, kind: AlertKind) -> None:
    assert EVENTS.kind_of(Info(event)) is kind


def test_then_by_code_then_headline_then_category() -> None:
    info = Info("?", event_codes=(Named("SAME", "FFW"),), headline="Bão", categories=(Category.HEALTH,))
    assert EVENTS.kind_of(info) is AlertKind.FLASH_FLOOD
    info = Info("?", headline="Bão", categories=(Category.HEALTH,))
    assert EVENTS.kind_of(info) is AlertKind.STORM
    assert EVENTS.kind_of(Info("?", categories=(Category.HEALTH,))) is AlertKind.EPIDEMIC


def test_our_own_words_are_understood(texts: dict[str, dict[str, str]]) -> None:
    for language in ("vi", "en"):
        for kind in AlertKind:
            event = texts[language][f"label.alert_kind.{kind}"]
            assert EVENTS.kind_of(Info(event)) is kind, event


@pytest.fixture
def texts() -> dict[str, dict[str, str]]:
    return Texts().catalogues
