"""The common ground of all messages: JSON values with aware UTC times and units in their names."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from wire.errors import Malformed


def utc(moment: datetime) -> datetime:
    """Raises ValueError for a naive datetime, and for one that UTC's calendar does not reach."""
    if moment.tzinfo is None:
        raise ValueError("naive datetime")
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("outside the years 1 to 9999 of UTC") from error


UtcDatetime = Annotated[AwareDatetime, AfterValidator(utc)]
Volume = Annotated[int, Field(ge=0, le=100)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=2**53)]
"""No more than every reader of JSON can tell exactly."""
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]+)*$")]
Mark = Annotated[str, Field(max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""An id of somebody's own making. Not every database keeps control characters."""


class Message(BaseModel):
    """A value that crosses the wire as compact JSON."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_enum_values=False)

    def encode(self) -> bytes:
        return self.model_dump_json(exclude_none=True).encode()

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """Raises `Malformed` when the payload is not this message."""
        try:
            return cls.model_validate_json(payload)
        except ValidationError as error:
            raise Malformed(str(error)) from error

    @classmethod
    def read(cls, fields: Mapping[str, Any]) -> Self:
        """The same from JSON that has been taken apart. Raises `Malformed`."""
        try:
            return cls.model_validate(fields)
        except ValidationError as error:
            raise Malformed(str(error)) from error
