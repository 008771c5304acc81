"""Private addresses of calendars, and the days that calendars were told."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "calendar_feeds",
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("permit", sa.Text(), nullable=True),
        sa.Column(
            "made_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "num_nonnulls(person_id, permit) = 1",
            name=op.f("ck_calendar_feeds_one_reader"),
        ),
        sa.CheckConstraint(
            "secret_hash ~ '^[0-9a-f]{64}$'",
            name=op.f("ck_calendar_feeds_secret_hash"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["people.person_id"],
            name="fk_calendar_feeds_person_id_people",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["permit"],
            ["agencies.permit"],
            name="fk_calendar_feeds_permit_agencies",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("secret_hash", name="pk_calendar_feeds"),
        sa.UniqueConstraint("person_id", name="uq_calendar_feeds_person_id"),
        sa.UniqueConstraint("permit", name="uq_calendar_feeds_permit"),
    )
    op.create_table(
        "calendar_days",
        sa.Column("dossier", sa.Text(), nullable=False),
        sa.Column("deadline", sa.Text(), nullable=False),
        sa.Column("on_day", sa.Date(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["dossier"], ["dossiers.number"], name="fk_calendar_days_dossier_dossiers"
        ),
        sa.PrimaryKeyConstraint("dossier", "deadline", name="pk_calendar_days"),
    )


def downgrade() -> None:
    op.drop_table("calendar_days")
    op.drop_table("calendar_feeds")
