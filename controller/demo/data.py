"""The shape of the demo's YAML files."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from controller.accounts.tables import Role
from controller.stations.schemas import FedClusterForm
from controller.stations.tables import Feed
from wire.ids import AreaId, StationId, StationKind

_FILE = Path(__file__).with_name("lao_cai.yaml")
_STANDING = Path(__file__).with_name("standing.yaml")


class Village(BaseModel):
    id: AreaId
    parent: AreaId
    name: str


class DemoStation(BaseModel):
    id: StationId
    area: AreaId
    name: str
    kind: StationKind


class DemoCluster(BaseModel):
    """Old loudspeakers that repeat a station."""

    station: StationId
    area_id: AreaId
    name: str
    feed: Feed

    def form(self) -> FedClusterForm:
        return FedClusterForm(name=self.name, feed=self.feed, area_id=self.area_id)


class DemoPerson(BaseModel):
    username: str
    name: str
    grants: dict[Role, list[AreaId]]


class Demo(BaseModel):
    villages: list[Village]
    stations: list[DemoStation]
    clusters: list[DemoCluster]
    people: list[DemoPerson]
    operator: str
    approver: str
    timetable: str


class StandingText(BaseModel):
    use: str
    language: str
    text: str


class Standing(BaseModel):
    """`messages` hold, besides their `use`, a text for each language."""

    area: AreaId
    maker: str
    approver: str
    languages: dict[AreaId, list[str]]
    messages: list[dict[str, str]]

    def texts(self) -> Iterator[StandingText]:
        for message in self.messages:
            for language, text in message.items():
                if language != "use":
                    yield StandingText(use=message["use"], language=language, text=text)


def load() -> Demo:
    return Demo.model_validate(_read(_FILE))


def load_standing() -> Standing:
    return Standing.model_validate(_read(_STANDING))


def _read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))
