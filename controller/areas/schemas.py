"""Areas as JSON."""

from pydantic import BaseModel, ConfigDict

from controller.areas.tables import AreaLevel


class AreaView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: str
    parent_id: str | None
    level: AreaLevel
    name: str
    code: str | None
    zone: str
    latitude: float | None
    longitude: float | None


class NewArea(BaseModel):
    parent_id: str
    level: AreaLevel
    name: str
    code: str | None = None
    latitude: float | None = None
    longitude: float | None = None
