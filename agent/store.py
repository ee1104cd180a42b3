"""The signed card and plan layers, on disk as they came, each with a previous good copy."""

import logging
from pathlib import Path

from agent.files import sync_folder, write_durably
from wire.errors import WireError
from wire.messages import PlanLayer, StationCard
from wire.signing import Document, Keyring

log = logging.getLogger(__name__)


class PlanStore:
    """What the station is to do. Nothing unsigned goes in or comes out."""

    def __init__(self, folder: Path, keyring: Keyring) -> None:
        self._folder = folder
        self._layers_folder = folder / "layers"
        self._keyring = keyring
        self._layers: dict[str, PlanLayer] = {}
        self.card: StationCard | None = None

    def load(self) -> None:
        """Read and verify all that is held; a file that does not hold gives way to its previous copy."""
        self._layers_folder.mkdir(parents=True, exist_ok=True)
        self.card = self._read(self._folder / "card.jws", StationCard)
        for area in sorted({path.name.split(".")[0] for path in self._layers_folder.glob("*.jws")}):
            layer = self._read(self._layers_folder / f"{area}.jws", PlanLayer)
            if layer is not None and layer.area == area:
                self._layers[area] = layer

    def layer(self, area: str) -> PlanLayer | None:
        return self._layers.get(area)

    def layers(self) -> tuple[PlanLayer, ...]:
        """The layers of the card's chain, widest area first."""
        chain = self.card.areas if self.card else ()
        return tuple(self._layers[area] for area in chain if area in self._layers)

    def keep_card(self, card: StationCard, token: bytes) -> None:
        self._write(self._folder / "card.jws", token, StationCard)
        self.card = card

    def keep_layer(self, layer: PlanLayer, token: bytes) -> None:
        self._write(self._layers_folder / f"{layer.area}.jws", token, PlanLayer)
        self._layers[layer.area] = layer

    def _write(self, target: Path, token: bytes, kind: type[Document]) -> None:
        if target.exists() and self._opens(target, kind):
            target.replace(_previous(target))
            sync_folder(target.parent)
        write_durably(target, token)

    def _opens(self, target: Path, kind: type[Document]) -> bool:
        try:
            self._keyring.open(target.read_bytes(), kind)
        except (OSError, WireError):
            return False
        return True

    def _read(self, target: Path, kind: type[Document]) -> Document | None:
        for path in (target, _previous(target)):
            if not path.exists():
                continue
            try:
                return self._keyring.open(path.read_bytes(), kind)
            except (OSError, WireError) as error:
                log.warning("stored document does not hold: file=%s problem=%s", path.name, error)
        return None


def _previous(target: Path) -> Path:
    return target.with_name(target.name.removesuffix(".jws") + ".previous.jws")
