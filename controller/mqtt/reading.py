"""What stations say, read with care: anybody may have written it."""

import json
import logging
from collections import Counter
from collections.abc import Iterable
from typing import Any, TypeVar

from controller.mqtt.link import Inbound
from controller.stations.evidence import readable
from wire import topics
from wire.alerts import AlertReceipt
from wire.errors import Malformed
from wire.messages import Heartbeat, Presence, RawReportBatch

_log = logging.getLogger(__name__)

Said = TypeVar("Said", Presence, Heartbeat, RawReportBatch, AlertReceipt)


class Reader:
    """Takes apart what is well-formed and said on the speaker's own topic; counts the rest."""

    def __init__(self) -> None:
        self.refused: Counter[str] = Counter()
        """Messages not taken, by why: `malformed`, `wrong_station`, `unknown_station`; and heartbeats taken
        without all their `evidence`.
        """

    def read(self, messages: Iterable[Inbound], kind: type[Said]) -> list[tuple[Inbound, Said]]:
        return [(message, said) for message in messages if (said := self._read_one(message, kind))]

    def known(self, speakers: set[str], known: set[str]) -> set[str]:
        """Which of them are `known`; the others are refused."""
        for station_id in sorted(speakers - known):
            self.refuse("unknown_station", station_id)
        return speakers & known

    def refuse(self, why: str, whom: str) -> None:
        self.refused[why] += 1
        if self.refused[why] == 1 or self.refused[why] % 1000 == 0:
            _log.warning("%s: %s (%d so far)", why, whom[:160], self.refused[why])

    def _read_one(self, message: Inbound, kind: type[Said]) -> Said | None:
        topic = topics.parse(message.topic)
        try:
            said = self._decoded(message, kind)
        except Malformed:
            self.refuse("malformed", message.topic)
            return None
        except Exception:  # noqa: BLE001  (whatever a stranger's bytes break, the others are heard)
            _log.exception("a message that cannot be read at all, on %s", message.topic[:160])
            self.refuse("malformed", message.topic)
            return None
        if topic is None or said.station != topic.owner:
            self.refuse("wrong_station", message.topic)
            return None
        return said

    def _decoded(self, message: Inbound, kind: type[Said]) -> Said:
        try:
            return kind.decode(message.payload)
        except Malformed:
            if kind is not Heartbeat:
                raise
            said = kind.read(readable(_fields(message.payload)))
            self.refuse("evidence", message.topic)
            return said


def _fields(payload: bytes) -> dict[str, Any]:
    """Raises `Malformed`."""
    try:
        fields = json.loads(payload)
    except ValueError as error:
        raise Malformed(str(error)) from error
    if not isinstance(fields, dict):
        raise Malformed("not an object")
    return fields
