"""The signed card and plan layers: what the station is to do."""

from pathlib import Path

from agent.signed_files import SignedFiles
from wire.messages import PlanLayer, StationCard
from wire.signing import Keyring

_CARD = "card"


class PlanStore:
    """On disk before it counts, unless the disk does not take it: a failing card must not fail the plan."""

    def __init__(self, folder: Path, keyring: Keyring) -> None:
        self._own = SignedFiles(folder, keyring)
        self._layer_files = SignedFiles(folder / "layers", keyring)
        self._layers: dict[str, PlanLayer] = {}
        self.card: StationCard | None = None

    def load(self) -> None:
        """Read and verify all that is held."""
        self.card = self._own.read(_CARD, StationCard)
        for area in self._layer_files.names():
            layer = self._layer_files.read(area, PlanLayer)
            if layer is not None and layer.area == area:
                self._layers[area] = layer

    def layer(self, area: str) -> PlanLayer | None:
        return self._layers.get(area)

    def layers(self) -> tuple[PlanLayer, ...]:
        """The layers of the card's chain, widest area first."""
        chain = self.card.areas if self.card else ()
        return tuple(self._layers[area] for area in chain if area in self._layers)

    def keep_card(self, card: StationCard, token: bytes) -> None:
        self._own.keep(_CARD, token, StationCard)
        self.card = card

    def keep_layer(self, layer: PlanLayer, token: bytes) -> None:
        self._layer_files.keep(layer.area, token, PlanLayer)
        self._layers[layer.area] = layer

    def pay(self) -> None:
        """Try again with what the disk has not taken."""
        self._own.pay()
        self._layer_files.pay()

    @property
    def owes(self) -> bool:
        return self._own.owes or self._layer_files.owes

    @property
    def damaged(self) -> int:
        return self._own.damaged + self._layer_files.damaged
