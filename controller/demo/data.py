"""The shape of the demo's YAML file."""

from pathlib import Path

import yaml
from pydantic import BaseModel

from controller.accounts.tables import Role
from wire.ids import AreaId, StationId, StationKind

_FILE = Path(__file__).with_name("lao_cai.yaml")


class Village(BaseModel):
    id: AreaId
    parent: AreaId
    name: str


class DemoStation(BaseModel):
    id: StationId
    area: AreaId
    name: str
    kind: StationKind


class DemoPerson(BaseModel):
    username: str
    name: str
    grants: dict[Role, list[AreaId]]


class Demo(BaseModel):
    villages: list[Village]
    stations: list[DemoStation]
    people: list[DemoPerson]
    operator: str
    approver: str
    timetable: str


def load() -> Demo:
    return Demo.model_validate(yaml.safe_load(_FILE.read_text(encoding="utf-8")))
