"""What the broker holds, as it tells on the present connection, and what other controllers announce."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from controller.emergency.acts import Act
from controller.mqtt.link import Connection, Inbound, Link, Publication
from wire import topics
from wire.alerts import Alert, AlertBoard
from wire.base import Message
from wire.errors import WireError, WrongTarget
from wire.signing import Keyring, SigningKey

_log = logging.getLogger(__name__)

ACTS_TOPIC: Final = f"{topics.ROOT}/controller/acts"
_ECHO_TOPIC: Final = f"{topics.ROOT}/controller/echo"
_TELLING_S: Final = 0.3
"""How long a broker has to tell what it holds, where it does not say that this was all."""
_FRESH: Final = timedelta(minutes=1)


class Announcement(Message):
    """An act, for the other controllers: their database may be slow. Signed, never retained."""

    type: Literal["act"] = "act"
    act: Act

    def encode(self) -> bytes:
        """With what is None: an act is kept and told whole."""
        return self.model_dump_json().encode()


@dataclass(frozen=True)
class Told:
    """What an area's topic carries; without a board the bytes are none of ours."""

    board: AlertBoard | None
    token: bytes
    ours: bool
    since_s: float
    """On the monotonic clock."""


class Mirror:
    """Filled by the link's thread and by our own sending. What was told is forgotten with its connection.

    `name` is this process's own among all controllers.
    """

    def __init__(
        self,
        name: str,
        key: SigningKey,
        now: Callable[[], datetime],
        on_board: Callable[[], None],
        on_act: Callable[[Act], None],
    ) -> None:
        self._keys = Keyring.of(key.public_jwk())
        self._now = now
        self._tell_board = on_board
        self._tell_act = on_act
        self._name = name
        self._lock = threading.Lock()
        self._told_all = threading.Condition()
        self._echo = ""
        self._connection = 0
        self._told: dict[str, Told] = {}
        self._versions: dict[str, int] = {}
        self._newest: dict[str, AlertBoard] = {}
        self._strange = 0

    def listen(self, link: Link) -> None:
        """What a new subscriber is told first ends where our own word, said after subscribing, comes back."""
        link.hear(topics.alerts("+"), 1, self._on_board)
        link.hear(ACTS_TOPIC, 1, self._on_act)
        link.hear(_ECHO_TOPIC, 1, self._on_echo)
        link.greet(lambda one: link.offer(Publication(_ECHO_TOPIC, self._word(one.number).encode())))

    def has_told(self, connection: Connection, *, wait: bool = False) -> bool:
        """Whether the broker has told all that it holds; `wait` for it, for a moment."""
        left_s = connection.since_s + _TELLING_S - time.monotonic()
        with self._told_all:
            word = self._word(connection.number)
            return left_s <= 0 or self._told_all.wait_for(
                lambda: self._echo == word, timeout=left_s if wait else 0.0
            )

    def told(self, area_id: str, connection: int) -> Told | None:
        with self._lock:
            return self._told.get(area_id) if connection == self._connection else None

    def areas(self) -> set[str]:
        """Whose boards have been seen or sent."""
        with self._lock:
            return self._told.keys() | self._newest.keys()

    def version(self, area_id: str) -> int:
        """The highest that its board ever had, as far as we know; 0 for none."""
        with self._lock:
            return self._versions.get(area_id, 0)

    def raise_version(self, area_id: str, version: int) -> None:
        with self._lock:
            self._versions[area_id] = max(version, self._versions.get(area_id, 0))

    def shown(self, area_id: str) -> tuple[Alert, ...]:
        """The alerts on its newest board, whoever put them there; never those of an old one played again."""
        with self._lock:
            board = self._newest.get(area_id)
            return board.alerts if board else ()

    def sent(self, board: AlertBoard, token: bytes, connection: int) -> None:
        """The broker will carry it, or the connection will break."""
        self._keep(board.area, Told(board, token, ours=True, since_s=time.monotonic()), connection)

    def _keep(self, area_id: str, told: Told, connection: int) -> None:
        with self._lock:
            if connection > self._connection:
                self._connection, self._told = connection, {}
            if connection == self._connection:
                self._told[area_id] = told
            if told.board is not None and told.board.version >= self._versions.get(area_id, 0):
                self._versions[area_id] = told.board.version
                self._newest[area_id] = told.board

    def _on_board(self, message: Inbound) -> None:
        topic = topics.parse(message.topic)
        if topic is None:
            return
        before = self.told(topic.owner, message.connection)
        if before is not None and before.ours and before.token == message.payload:
            return  # Our own, back from the broker.
        board = self._read(topic.owner, message.payload)
        if board is None and not self.version(topic.owner):
            return  # Anybody may write onto any topic; here there is no board of ours to set right.
        told = Told(board, message.payload, ours=False, since_s=time.monotonic())
        self._keep(topic.owner, told, message.connection)
        self._tell_board()

    def _read(self, area_id: str, payload: bytes) -> AlertBoard | None:
        try:
            board = self._keys.open(payload, AlertBoard)
            if board.area != area_id:
                raise WrongTarget(board.area)
        except WireError as error:
            self._strange += 1
            if self._strange == 1 or self._strange % 1000 == 0:
                _log.warning(
                    "what the broker holds as the board of %s is none of ours: %s (%d such so far)",
                    area_id[:80],
                    error,
                    self._strange,
                )
            return None
        return board

    def _word(self, connection: int) -> str:
        return f"{self._name} {connection}"

    def _on_echo(self, message: Inbound) -> None:
        if message.payload.decode(errors="replace") == self._word(message.connection):
            with self._told_all:
                self._echo = self._word(message.connection)
                self._told_all.notify_all()
            self._tell_board()

    def _on_act(self, message: Inbound) -> None:
        try:
            act = self._keys.open(message.payload, Announcement).act
        except WireError as error:
            _log.warning("an announced act that is none of ours: %s", error)
            return
        if not message.retained and abs(self._now() - act.at) <= _FRESH:
            self._tell_act(act)
