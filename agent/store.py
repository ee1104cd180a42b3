"""The signed card and plan layers: what the station is to do."""

from pathlib import Path

from agent.signed_files import SignedFiles
from wire.messages import PlanLayer, StationCard
from wire.signing import Keyring

_CARD = "card"


class PlanStore:
    """On disk before it counts."""

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
        """Raises OSError."""
        self._own.write(_CARD, token, StationCard)
        self.card = card

    def keep_layer(self, layer: PlanLayer, token: bytes) -> None:
        """Raises OSError."""
        self._layer_files.write(layer.area, token, PlanLayer)
        self._layers[layer.area] = layer
