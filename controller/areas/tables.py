"""The area tree: province, district, commune, village, at any depth."""

from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from controller.db.base import Base


class AreaLevel(StrEnum):
    """A role at a level, not a place in the tree: a commune may hang under a province or a district."""

    PROVINCE = "province"
    DISTRICT = "district"
    COMMUNE = "commune"
    VILLAGE = "village"


class Area(Base):
    __tablename__ = "areas"

    id: Mapped[str] = mapped_column(String(63), primary_key=True)
    parent_id: Mapped[str | None] = mapped_column(ForeignKey("areas.id"), index=True)
    level: Mapped[AreaLevel]
    name: Mapped[str] = mapped_column(String(200))
    code: Mapped[str | None] = mapped_column(String(16), index=True)
    """The state's own code of administrative units, where there is one."""
    zone: Mapped[str] = mapped_column(String(64), default="Asia/Ho_Chi_Minh")
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    languages: Mapped[list[Any] | None] = mapped_column(JSON)
    """What alerts are said in here, in this order; None as in the area above."""
