"""Small real sounds, and a station's parts without the network."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.audio.frame import AudioFrame

from wire.alerts import Alert, AlertBoard, Voice
from wire.ids import AlertKind, LatenessRule, Severity, StationKind
from wire.messages import Item, Lateness, PlanLayer, PlannedOccurrence, StationCard
from wire.signing import Keyring, SigningKey

RATE_HZ = 48_000


@pytest.fixture(scope="session")
def key() -> SigningKey:
    return SigningKey.generate()


@pytest.fixture
def keyring(key: SigningKey) -> Keyring:
    return Keyring.of(key.public_jwk())


@pytest.fixture
def make_card() -> Callable[..., StationCard]:
    def make(version: int = 1, **changes: Any) -> StationCard:
        values: dict[str, Any] = {
            "station": "cum-loa-1",
            "version": version,
            "issued_at": datetime.now(UTC),
            "name": "Cụm loa bản 1",
            "kind": StationKind.VILLAGE_CLUSTER,
            "areas": ("lao-cai", "ta-van"),
            "zone": "Asia/Ho_Chi_Minh",
            "media_url": "http://127.0.0.1:9/media",
        }
        return StationCard(**(values | changes))

    return make


@pytest.fixture
def make_layer() -> Callable[..., PlanLayer]:
    def make(
        *occurrences: PlannedOccurrence, area: str = "ta-van", version: int = 1, days: int = 14
    ) -> PlanLayer:
        now = datetime.now(UTC)
        return PlanLayer(
            area=area,
            version=version,
            issued_at=now,
            expires_at=now + timedelta(days=days),
            occurrences=occurrences,
        )

    return make


@pytest.fixture
def make_planned() -> Callable[..., PlannedOccurrence]:
    def make(
        *items: Item, start: datetime | None = None, schedule: str = "ban-tin", **changes: Any
    ) -> PlannedOccurrence:
        start = start or datetime.now(UTC).replace(microsecond=0)
        values: dict[str, Any] = {
            "id": f"{schedule}@{start:%Y%m%dT%H%M%SZ}",
            "schedule": schedule,
            "start": start,
            "items": items or (Item(sha256="a" * 64, seconds=10.0, size_bytes=1000),),
            "lateness": Lateness(rule=LatenessRule.RESUME),
        }
        return PlannedOccurrence(**(values | changes))

    return make


@pytest.fixture
def make_sound() -> Callable[..., tuple[Item, np.ndarray]]:
    """Encode noise as `<sha256>.opus` into a folder; the item and the samples before encoding."""

    def make(folder: Path, seconds: float, seed: int = 1) -> tuple[Item, np.ndarray]:
        folder.mkdir(parents=True, exist_ok=True)
        chance = np.random.default_rng(seed)
        soft = np.convolve(chance.standard_normal(int(seconds * RATE_HZ)), np.hanning(24), mode="same")
        samples = (soft / np.abs(soft).max() * 20_000).astype(np.int16)
        draft = folder / f"draft-{seed}"
        with av.open(str(draft), "w", format="ogg") as container:
            stream = container.add_stream("libopus", rate=RATE_HZ, layout="mono", bit_rate=64_000)
            for begin in range(0, len(samples), 960):
                frame = AudioFrame.from_ndarray(
                    samples[None, begin : begin + 960], format="s16", layout="mono"
                )
                frame.sample_rate = RATE_HZ
                frame.pts = begin
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        content = draft.read_bytes()
        sha256 = hashlib.sha256(content).hexdigest()
        draft.rename(folder / f"{sha256}.opus")
        return Item(sha256=sha256, seconds=seconds, size_bytes=len(content)), samples

    return make


@pytest.fixture
def make_alert() -> Callable[..., Alert]:
    """An alert in Vietnamese, in force for ten minutes, once through."""

    def make(*items: Item, number: int = 1, revision: int = 1, **changes: Any) -> Alert:
        now = datetime.now(UTC)
        signal, *voices = items or (Item(sha256="a" * 64, seconds=1.0, size_bytes=100),) * 2
        values: dict[str, Any] = {
            "id": f"kc-20261123-{number:08x}",
            "revision": revision,
            "sounding": f"kc-20261123-{number:08x}-r{revision}@{now:%Y%m%dT%H%M%SZ}",
            "kind": AlertKind.FLASH_FLOOD,
            "severity": Severity.SEVERE,
            "sent_at": now,
            "expires_at": now + timedelta(minutes=10),
            "signal": signal,
            "voices": (Voice(language="vi", items=tuple(voices)),),
            "repeats": 1,
            "gap_s": 0.0,
            "lateness": Lateness(rule=LatenessRule.CONTINUE),
        }
        return Alert(**(values | changes))

    return make


@pytest.fixture
def make_board() -> Callable[..., AlertBoard]:
    def make(*alerts: Alert, area: str = "ta-van", version: int = 1) -> AlertBoard:
        return AlertBoard(area=area, version=version, issued_at=datetime.now(UTC), alerts=alerts)

    return make
