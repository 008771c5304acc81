"""What was written and not sent, the session that printed a form, who looked."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "drafts",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("answers", postgresql.JSONB(), nullable=False),
        sa.Column("sent_to", sa.Text(), nullable=True),
        sa.Column(
            "kept_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("account", "form", name="pk_drafts"),
    )
    op.create_index("ix_drafts_kept_at", "drafts", ["kept_at"])
    op.add_column("sessions", sa.Column("form_hash", sa.Text(), nullable=True))
    op.create_unique_constraint("uq_sessions_form_hash", "sessions", ["form_hash"])
    op.create_table(
        "looks",
        sa.Column("look_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("dossier", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column(
            "at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("look_id", name="pk_looks"),
    )
    op.create_index("ix_looks_dossier_look_id", "looks", ["dossier", "look_id"])


def downgrade() -> None:
    op.drop_table("looks")
    op.drop_constraint("uq_sessions_form_hash", "sessions")
    op.drop_column("sessions", "form_hash")
    op.drop_index("ix_drafts_kept_at", "drafts")
    op.drop_table("drafts")
