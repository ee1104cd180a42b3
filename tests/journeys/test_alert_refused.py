"""Boards that the controller did not make for this station, now, are refused, and the station tells of it."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from tests.support.alerts import Officer, heard, now
from tests.support.everyday import start_and_meet, withdraw_everything
from tests.support.province import Province
from tests.support.waiting import eventually
from wire import topics
from wire.alerts import AlertBoard
from wire.signing import Keyring, SigningKey

COMMUNE = "dai-bat-xat"
BAT_XAT = "bat-xat-02683"


class Stranger:
    """Somebody who can reach the broker: hears what is retained, and says what he likes."""

    def __init__(self, port: int) -> None:
        self.boards: list[bytes] = []
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, "stranger")
        self._client.on_message = self._note
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self._client.subscribe(topics.alerts(BAT_XAT), qos=1)

    def _note(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        """The embedded broker also sends what nobody asked for."""
        if message.topic == topics.alerts(BAT_XAT):
            self.boards.append(bytes(message.payload))

    def say(self, payload: bytes, area: str = BAT_XAT) -> None:
        sent = self._client.publish(topics.alerts(area), payload, qos=1, retain=False)
        sent.wait_for_publish(10)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def officer(province: Province) -> Officer:
    withdraw_everything(province.signed_in("canbo"))
    made = Officer(province.signed_in("trucban"))
    start_and_meet(made.client, [province.stations[COMMUNE]])
    return made


@pytest.fixture
def stranger(province: Province) -> Iterator[Stranger]:
    made = Stranger(int(province.environment["LOABAN_BROKER_PORT"]))
    yield made
    made.close()


def test_forged_replayed_expired_and_misdirected_boards_make_no_sound(
    province: Province, officer: Officer, stranger: Stranger
) -> None:
    key = SigningKey.from_json((province.data / "keys" / "sound-signing.json").read_text())
    alert = officer.alert(BAT_XAT, repeats=1)
    keyring = Keyring.of(key.public_jwk())

    def with_alert() -> tuple[bytes, AlertBoard] | None:
        opened = ((token, keyring.open(token, AlertBoard)) for token in list(stranger.boards))
        return next(((token, board) for token, board in opened if board.alerts), None)

    real, board = eventually(with_alert, "the board is heard")
    officer.when(alert, COMMUNE, "played")
    officer.act(alert, "cancel", all_clear=False)
    officer.when_final(alert)
    quiet_since = now()

    stranger.say(real)
    refused(officer, "stale_version")
    stranger.say(SigningKey.generate().sign(newer(board)))
    refused(officer, "bad_signature")
    over = board.alerts[0].model_copy(update={"expires_at": now() - timedelta(seconds=1)})
    stranger.say(key.sign(newer(board, alerts=(over,))))
    refused(officer, "expired")
    stranger.say(key.sign(newer(board, area="ta-van-03037")))
    refused(officer, "wrong_target")
    stranger.say(b"\x00 no board at all")
    refused(officer, "malformed", "bad_signature")

    # After all that the station still obeys its controller, and has heard nothing else.
    assert [one for one in province.stations[COMMUNE].soundings() if one.first_frame_at >= quiet_since] == []
    last = officer.alert(BAT_XAT, repeats=1)
    officer.when(last, COMMUNE, "played")
    assert len(heard(province.stations[COMMUNE], quiet_since, 1)) == 1


def newer(board: AlertBoard, **changed: Any) -> AlertBoard:
    return board.model_copy(update={"version": board.version + 86_400_000_000, **changed})


def refused(officer: Officer, *reasons: str) -> None:
    eventually(partial(_is_told, officer, reasons), f"refused as {' or '.join(reasons)}", within_s=60)


def _is_told(officer: Officer, reasons: tuple[str, ...]) -> bool:
    view = officer.client.get(f"/api/stations/{COMMUNE}").json()
    return any(one["reason"] in reasons and one["topic"].endswith("/alerts") for one in view["refusals"])
