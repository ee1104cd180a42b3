from collections.abc import Callable
from pathlib import Path

import pytest

from agent.store import PlanStore
from wire.messages import PlanLayer, StationCard
from wire.signing import Keyring, SigningKey


@pytest.fixture
def filled(
    tmp_path: Path,
    key: SigningKey,
    keyring: Keyring,
    make_card: Callable[..., StationCard],
    make_layer: Callable[..., PlanLayer],
) -> Path:
    store = PlanStore(tmp_path, keyring)
    store.load()
    card = make_card()
    store.keep_card(card, key.sign(card))
    for version in (1, 2):
        for area in ("lao-cai", "ta-van", "sa-pa"):
            layer = make_layer(area=area, version=version)
            store.keep_layer(layer, key.sign(layer))
    return tmp_path


def reopened(folder: Path, keyring: Keyring) -> PlanStore:
    store = PlanStore(folder, keyring)
    store.load()
    return store


def versions(store: PlanStore) -> list[tuple[str, int]]:
    return [(layer.area, layer.version) for layer in store.layers()]


def test_what_was_kept_is_there_after_a_restart_widest_area_first(filled: Path, keyring: Keyring) -> None:
    store = reopened(filled, keyring)
    assert store.card is not None
    assert versions(store) == [("lao-cai", 2), ("ta-van", 2)]
    assert store.layer("sa-pa") is not None


@pytest.mark.parametrize("damage", [b"", b"half", None])
def test_a_damaged_layer_gives_way_to_the_one_before(
    filled: Path, keyring: Keyring, damage: bytes | None
) -> None:
    file = filled / "layers" / "ta-van.jws"
    content = file.read_bytes()
    file.write_bytes(content[:-40] + b"A" * 40 if damage is None else damage)
    assert versions(reopened(filled, keyring)) == [("lao-cai", 2), ("ta-van", 1)]


def test_a_cut_between_the_two_renames_loses_nothing(filled: Path, keyring: Keyring) -> None:
    (filled / "layers" / "ta-van.jws").unlink()
    (filled / "layers" / "ta-van.jws.part").write_bytes(b"half")
    assert versions(reopened(filled, keyring)) == [("lao-cai", 2), ("ta-van", 1)]


def test_a_damaged_file_never_becomes_the_copy_before(
    filled: Path, keyring: Keyring, key: SigningKey, make_layer: Callable[..., PlanLayer]
) -> None:
    file = filled / "layers" / "ta-van.jws"
    file.write_bytes(b"damaged")
    layer = make_layer(version=3)
    store = reopened(filled, keyring)
    store.keep_layer(layer, key.sign(layer))
    file.write_bytes(b"damaged again")
    assert versions(reopened(filled, keyring)) == [("lao-cai", 2), ("ta-van", 1)]


def test_what_another_key_signed_is_not_read(filled: Path) -> None:
    store = reopened(filled, Keyring.of(SigningKey.generate().public_jwk()))
    assert store.card is None
    assert store.layers() == ()


def test_a_layer_under_a_wrong_name_is_not_read(filled: Path, keyring: Keyring) -> None:
    layers = filled / "layers"
    (layers / "ta-van.jws").write_bytes((layers / "sa-pa.jws").read_bytes())
    assert versions(reopened(filled, keyring)) == [("lao-cai", 2)]
