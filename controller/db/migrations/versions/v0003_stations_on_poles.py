"""Times of self-tests, old clusters that a station feeds, codes for new boards

Revision ID: 0003
"""

import sqlalchemy as sa
from alembic import op

from controller.db import base

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "fed_clusters",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("station_id", sa.String(length=63), nullable=False),
        sa.Column("area_id", sa.String(length=63), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("feed", sa.Enum("fm", "wired", name="feed", native_enum=False, length=40), nullable=False),
        sa.Column("added_at", base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("removed_at", base.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["area_id"], ["areas.id"], name=op.f("fk_fed_clusters_area_id")),
        sa.ForeignKeyConstraint(["station_id"], ["stations.id"], name=op.f("fk_fed_clusters_station_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fed_clusters")),
    )
    with op.batch_alter_table("fed_clusters", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_fed_clusters_station_id"), ["station_id"], unique=False)

    op.create_table(
        "enrolments",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("station_id", sa.String(length=63), nullable=False),
        sa.Column("code_digest", sa.String(length=64), nullable=False),
        sa.Column("made_by", sa.String(length=36), nullable=False),
        sa.Column("made_at", base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("used_at", base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("public_key", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["made_by"], ["people.id"], name=op.f("fk_enrolments_made_by")),
        sa.ForeignKeyConstraint(["station_id"], ["stations.id"], name=op.f("fk_enrolments_station_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrolments")),
        sa.UniqueConstraint("code_digest", name=op.f("uq_enrolments_code_digest")),
    )
    with op.batch_alter_table("enrolments", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_enrolments_station_id"), ["station_id"], unique=False)

    with op.batch_alter_table("stations", schema=None) as batch_op:
        batch_op.add_column(sa.Column("test_begins", sa.Time(), nullable=True))
        batch_op.add_column(sa.Column("test_ends", sa.Time(), nullable=True))
        batch_op.add_column(sa.Column("audible_test_days", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("silent_test_days", sa.Integer(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("stations", schema=None) as batch_op:
        for name in ("test_begins", "test_ends", "audible_test_days", "silent_test_days"):
            batch_op.drop_column(name)

    with op.batch_alter_table("enrolments", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_enrolments_station_id"))

    op.drop_table("enrolments")
    with op.batch_alter_table("fed_clusters", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_fed_clusters_station_id"))

    op.drop_table("fed_clusters")
