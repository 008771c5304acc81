"""Sign-ins begun, and sessions."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("agencies", sa.Column("sign_in_subject", sa.Text(), nullable=True))
    op.create_unique_constraint(
        "uq_agencies_sign_in_subject", "agencies", ["sign_in_subject"]
    )
    op.create_table(
        "sign_ins",
        sa.Column("state_hash", sa.Text(), nullable=False),
        sa.Column("browser_hash", sa.Text(), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("verifier", sa.Text(), nullable=False),
        sa.Column("acr", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("return_to", sa.Text(), nullable=False),
        _instant("begun_at"),
        sa.PrimaryKeyConstraint("state_hash", name="pk_sign_ins"),
    )
    op.create_index("ix_sign_ins_begun_at", "sign_ins", ["begun_at"])
    op.create_table(
        "sessions",
        sa.Column("session_hash", sa.Text(), nullable=False),
        sa.Column(
            "session_id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False
        ),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column(
            "decides", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("acr", sa.Text(), nullable=True),
        sa.Column("browser", sa.Text(), nullable=False),
        _instant("begun_at"),
        _instant("seen_at"),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "role IN ('representative', 'agency', 'officer')",
            name=op.f("ck_sessions_role"),
        ),
        sa.PrimaryKeyConstraint("session_hash", name="pk_sessions"),
        sa.UniqueConstraint("session_id", name="uq_sessions_session_id"),
    )
    op.create_index("ix_sessions_account", "sessions", ["account"])


def downgrade() -> None:
    op.drop_table("sessions")
    op.drop_table("sign_ins")
    op.drop_constraint("uq_agencies_sign_in_subject", "agencies")
    op.drop_column("agencies", "sign_in_subject")


def _instant(name: str) -> sa.Column[datetime]:
    return sa.Column(
        name,
        sa.DateTime(timezone=True),
        server_default=sa.text("now()"),
        nullable=False,
    )
