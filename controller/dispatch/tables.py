"""What stations should hold: one row per retained document, and which broker it was given to."""

from datetime import datetime

from sqlalchemy import BigInteger, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from controller.db.base import Base


class RetainedDocument(Base):
    """A signed document of an area or a station.

    `version` only grows; a conditional UPDATE on it is the claim. An alert board's is a time in milliseconds.
    """

    __tablename__ = "retained_documents"

    topic: Mapped[str] = mapped_column(String(160), primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the content without version and issue time: unchanged content is not issued again."""
    token: Mapped[str] = mapped_column(Text)
    changed_at: Mapped[datetime]
    published_version: Mapped[int] = mapped_column(BigInteger, default=0, index=True)
    published_at: Mapped[datetime | None]
    claimed_by: Mapped[str | None] = mapped_column(String(64))
    claimed_until: Mapped[datetime | None]


class BrokerEpoch(Base):
    """The mark that we left in the broker. A broker without it has lost what it held."""

    __tablename__ = "broker_epochs"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    epoch: Mapped[str] = mapped_column(String(36))
