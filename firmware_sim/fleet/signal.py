"""All that lies on one station's network at a time, whoever put it there."""

from collections.abc import Hashable
from dataclasses import dataclass, replace

from firmware_sim.network.conditions import SMOOTH, Conditions, Trouble
from firmware_sim.network.network import Network

_STOPPING = frozenset(Trouble) - {Trouble.NONE, Trouble.BROKER_DROPS}


@dataclass(frozen=True, slots=True)
class Spells:
    """The signal comes for about `up_s` and goes for about `down_s`."""

    up_s: float
    down_s: float


class Signal:
    """`lay` a burden on it and `lift` it again, in any order."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._burdens: dict[Hashable, Conditions | Spells] = {}

    @property
    def carries(self) -> bool:
        """Something sent now would arrive, sooner or later."""
        return self._network.conditions.trouble not in _STOPPING

    def lay(self, why: Hashable, burden: Conditions | Spells) -> None:
        self._burdens[why] = burden
        self._settle()

    def lift(self, why: Hashable) -> None:
        if self._burdens.pop(why, None) is not None:
            self._settle()

    def _settle(self) -> None:
        """No signal hides every other trouble, a later one an earlier one; the worst of each delay holds."""
        merged, spells = SMOOTH, None
        for one in self._burdens.values():
            if isinstance(one, Spells):
                spells = one
            else:
                merged = _with(merged, one)
        if spells is None or merged.trouble is Trouble.LINK_DOWN:
            self._network.set(merged)
        else:
            self._network.flap(spells.up_s, spells.down_s, merged)


def _with(merged: Conditions, one: Conditions) -> Conditions:
    hides = one.trouble is not Trouble.NONE and merged.trouble is not Trouble.LINK_DOWN
    return replace(
        merged,
        trouble=one.trouble if hides else merged.trouble,
        latency_s=max(merged.latency_s, one.latency_s),
        bytes_per_s=min(merged.bytes_per_s, one.bytes_per_s),
        loss=max(merged.loss, one.loss),
        drops_after_s=one.drops_after_s if one.trouble is Trouble.BROKER_DROPS else merged.drops_after_s,
    )
