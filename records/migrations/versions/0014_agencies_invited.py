"""Agencies invited to sign in."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "agency_invitations",
        sa.Column("permit", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column(
            "made_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("accepted_by", sa.Text(), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "secret_hash ~ '^[0-9a-f]{64}$'",
            name=op.f("ck_agency_invitations_secret_hash"),
        ),
        sa.CheckConstraint(
            "(accepted_by IS NULL) = (accepted_at IS NULL)",
            name=op.f("ck_agency_invitations_accepted"),
        ),
        sa.ForeignKeyConstraint(
            ["permit"],
            ["agencies.permit"],
            name="fk_agency_invitations_permit_agencies",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("permit", name="pk_agency_invitations"),
        sa.UniqueConstraint("secret_hash", name="uq_agency_invitations_secret_hash"),
    )


def downgrade() -> None:
    op.drop_table("agency_invitations")
