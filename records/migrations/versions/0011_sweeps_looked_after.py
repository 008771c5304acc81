"""Sweeps are found by their time, and the operator is told of them once a day."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "sweeps",
        sa.Column(
            "skipped",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=False,
        ),
    )
    op.create_index("ix_sweeps_started_at", "sweeps", ["started_at"])
    op.create_index("ix_sessions_begun_at", "sessions", ["begun_at"])
    op.create_table(
        "daily_reports",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), server_default="sending", nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column(
            "changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "state IN ('sending', 'accepted', 'deferred', 'refused', 'unknown')",
            name=op.f("ck_daily_reports_state"),
        ),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_daily_reports")),
    )


def downgrade() -> None:
    op.drop_table("daily_reports")
    op.drop_index("ix_sessions_begun_at", "sessions")
    op.drop_index("ix_sweeps_started_at", "sweeps")
    op.drop_column("sweeps", "skipped")
