"""What went wrong a moment ago, by occurrence: to try again at once would only go wrong again."""

from collections.abc import Callable

from wire.ids import OutcomeReason


class Troubles:
    """Times are on the station's monotonic clock, in seconds."""

    def __init__(self, monotonic_s: Callable[[], float]) -> None:
        self._monotonic_s = monotonic_s
        self._known: dict[str, tuple[OutcomeReason, float]] = {}

    def note(self, occurrence: str, why: OutcomeReason, pause_s: float) -> None:
        """It is left alone for so long."""
        self._known[occurrence] = why, self._monotonic_s() + pause_s

    def is_waiting(self, occurrence: str) -> bool:
        _, until_s = self._known.get(occurrence, (None, 0.0))
        return until_s > self._monotonic_s()

    def why(self, occurrence: str) -> OutcomeReason | None:
        """The last trouble with it, whether or not the pause is over."""
        why, _ = self._known.get(occurrence, (None, 0.0))
        return why

    def forget(self, occurrence: str) -> None:
        self._known.pop(occurrence, None)

    def forget_all(self, of: OutcomeReason) -> None:
        self._known = {id_: known for id_, known in self._known.items() if known[0] is not of}
