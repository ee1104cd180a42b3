"""Emergency alerts

Revision ID: 0002
"""

import sqlalchemy as sa
from alembic import op

from controller.db import base

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "cap_feeds",
        sa.Column("source", sa.String(length=80), nullable=False),
        sa.Column("etag", sa.String(length=200), nullable=True),
        sa.Column("polled_at", base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("failed_at", base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_cap_feeds")),
    )
    op.create_table(
        "alerts",
        sa.Column("id", sa.String(length=63), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "flood",
                "flash_flood",
                "landslide",
                "storm",
                "forest_fire",
                "cold_spell",
                "epidemic",
                "security",
                "other",
                name="alertkind",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "severity",
            sa.Enum(
                "extreme",
                "severe",
                "moderate",
                "minor",
                "unknown",
                name="severity",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("drill", sa.Boolean(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "proposed",
                "waiting",
                "active",
                "cancelled",
                "expired",
                "discarded",
                name="alertstate",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("area_ids", sa.JSON(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.String(length=36), nullable=True),
        sa.Column("created_at", base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("sent_at", base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("expires_at", base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("ended_at", base.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["created_by"], ["people.id"], name=op.f("fk_alerts_created_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
    )
    with op.batch_alter_table("alerts", schema=None) as batch_op:
        batch_op.create_index("ix_alerts_state_created_at", ["state", "created_at"], unique=False)

    op.create_table(
        "standing_messages",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("use", sa.String(length=32), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("area_id", sa.String(length=63), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sound_sha256", sa.String(length=64), nullable=False),
        sa.Column(
            "state",
            sa.Enum("waiting", "approved", "retired", name="standingstate", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("made_by", sa.String(length=36), nullable=False),
        sa.Column("made_at", base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.String(length=36), nullable=True),
        sa.Column("decided_at", base.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["area_id"], ["areas.id"], name=op.f("fk_standing_messages_area_id")),
        sa.ForeignKeyConstraint(["decided_by"], ["people.id"], name=op.f("fk_standing_messages_decided_by")),
        sa.ForeignKeyConstraint(["made_by"], ["people.id"], name=op.f("fk_standing_messages_made_by")),
        sa.ForeignKeyConstraint(
            ["sound_sha256"], ["sounds.sha256"], name=op.f("fk_standing_messages_sound_sha256")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_standing_messages")),
    )
    with op.batch_alter_table("standing_messages", schema=None) as batch_op:
        batch_op.create_index("ix_standing_messages_use", ["area_id", "use", "language"], unique=False)

    op.create_table(
        "alert_receipts",
        sa.Column("sounding", sa.String(length=80), nullable=False),
        sa.Column("station_id", sa.String(length=63), nullable=False),
        sa.Column("alert_id", sa.String(length=63), nullable=False),
        sa.Column("received_at", base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("sounding_at", base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("first_frame_at", base.UtcDateTime(timezone=True), nullable=True),
        sa.Column(
            "clock",
            sa.Enum("trusted", "stale", "unknown", name="clocktrust", native_enum=False, length=40),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["station_id"], ["stations.id"], name=op.f("fk_alert_receipts_station_id")),
        sa.PrimaryKeyConstraint("sounding", "station_id", name=op.f("pk_alert_receipts")),
    )
    with op.batch_alter_table("alert_receipts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_alert_receipts_alert_id"), ["alert_id"], unique=False)

    op.create_table(
        "alert_revisions",
        sa.Column("alert_id", sa.String(length=63), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column(
            "act",
            sa.Enum(
                "press", "update", "extend", "repeat", "cancel", name="actkind", native_enum=False, length=40
            ),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "draft", "waiting", "done", "discarded", name="revisionstate", native_enum=False, length=40
            ),
            nullable=False,
        ),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("made_by", sa.String(length=36), nullable=True),
        sa.Column("made_at", base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("asked_by", sa.String(length=36), nullable=True),
        sa.Column("asked_at", base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("done_by", sa.String(length=36), nullable=True),
        sa.Column("done_at", base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("sounding", sa.String(length=80), nullable=True),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("wire", sa.JSON(), nullable=True),
        sa.Column("expires_at", base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("cap_identifier", sa.String(length=160), nullable=True),
        sa.Column("cap_xml", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.id"], name=op.f("fk_alert_revisions_alert_id")),
        sa.ForeignKeyConstraint(["asked_by"], ["people.id"], name=op.f("fk_alert_revisions_asked_by")),
        sa.ForeignKeyConstraint(["done_by"], ["people.id"], name=op.f("fk_alert_revisions_done_by")),
        sa.ForeignKeyConstraint(["made_by"], ["people.id"], name=op.f("fk_alert_revisions_made_by")),
        sa.PrimaryKeyConstraint("alert_id", "revision", name=op.f("pk_alert_revisions")),
        sa.UniqueConstraint("cap_identifier", name=op.f("uq_alert_revisions_cap_identifier")),
    )
    with op.batch_alter_table("alert_revisions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_alert_revisions_sounding"), ["sounding"], unique=False)
        batch_op.create_index(batch_op.f("ix_alert_revisions_state"), ["state"], unique=False)

    op.create_table(
        "alert_targets",
        sa.Column("alert_id", sa.String(length=63), nullable=False),
        sa.Column("station_id", sa.String(length=63), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("reachable", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.id"], name=op.f("fk_alert_targets_alert_id")),
        sa.ForeignKeyConstraint(["station_id"], ["stations.id"], name=op.f("fk_alert_targets_station_id")),
        sa.PrimaryKeyConstraint("alert_id", "station_id", name=op.f("pk_alert_targets")),
    )
    op.create_table(
        "cap_messages",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("received_at", base.UtcDateTime(timezone=True), nullable=False),
        sa.Column(
            "via",
            sa.Enum("http", "feed", "mqtt", "page", name="via", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("source", sa.String(length=80), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("identifier", sa.String(length=200), nullable=True),
        sa.Column("sender", sa.String(length=200), nullable=True),
        sa.Column("sent", sa.String(length=40), nullable=True),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column(
            "verdict",
            sa.Enum(
                "refused",
                "proposed",
                "fired",
                "applied",
                "noted",
                name="capverdict",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.Column("alert_id", sa.String(length=63), nullable=True),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.id"], name=op.f("fk_cap_messages_alert_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cap_messages")),
    )
    with op.batch_alter_table("cap_messages", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_cap_messages_alert_id"), ["alert_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_cap_messages_digest"), ["digest"], unique=False)
        batch_op.create_index("ix_cap_messages_identity", ["identifier", "sender", "sent"], unique=False)
        batch_op.create_index(batch_op.f("ix_cap_messages_received_at"), ["received_at"], unique=False)

    with op.batch_alter_table("areas", schema=None) as batch_op:
        batch_op.add_column(sa.Column("languages", sa.JSON(), nullable=True))

    with op.batch_alter_table("stations", schema=None) as batch_op:
        batch_op.add_column(sa.Column("emergency_volume", sa.Integer(), nullable=False, server_default="100"))

    with op.batch_alter_table("retained_documents", schema=None) as batch_op:
        for name in ("version", "published_version"):
            batch_op.alter_column(name, existing_type=sa.Integer(), type_=sa.BigInteger(), nullable=False)


def downgrade() -> None:
    with op.batch_alter_table("retained_documents", schema=None) as batch_op:
        for name in ("version", "published_version"):
            batch_op.alter_column(name, existing_type=sa.BigInteger(), type_=sa.Integer(), nullable=False)

    with op.batch_alter_table("stations", schema=None) as batch_op:
        batch_op.drop_column("emergency_volume")

    with op.batch_alter_table("areas", schema=None) as batch_op:
        batch_op.drop_column("languages")

    with op.batch_alter_table("cap_messages", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_cap_messages_received_at"))
        batch_op.drop_index("ix_cap_messages_identity")
        batch_op.drop_index(batch_op.f("ix_cap_messages_digest"))
        batch_op.drop_index(batch_op.f("ix_cap_messages_alert_id"))

    op.drop_table("cap_messages")
    op.drop_table("alert_targets")
    with op.batch_alter_table("alert_revisions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_alert_revisions_state"))
        batch_op.drop_index(batch_op.f("ix_alert_revisions_sounding"))

    op.drop_table("alert_revisions")
    with op.batch_alter_table("alert_receipts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_alert_receipts_alert_id"))

    op.drop_table("alert_receipts")
    with op.batch_alter_table("standing_messages", schema=None) as batch_op:
        batch_op.drop_index("ix_standing_messages_use")

    op.drop_table("standing_messages")
    with op.batch_alter_table("alerts", schema=None) as batch_op:
        batch_op.drop_index("ix_alerts_state_created_at")

    op.drop_table("alerts")
    op.drop_table("cap_feeds")
