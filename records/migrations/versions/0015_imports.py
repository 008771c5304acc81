"""Files of certificates that are brought in, and the lines that were refused."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "imports",
        sa.Column("import_id", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("foreseen", postgresql.JSONB(), nullable=False),
        sa.Column("uploaded_by", sa.Text(), nullable=False),
        sa.Column(
            "uploaded_at", instant, server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("begun_by", sa.Text(), nullable=True),
        sa.Column("begun_at", instant, nullable=True),
        *(
            sa.Column(name, sa.Integer(), server_default="0", nullable=False)
            for name in ("written", "started", "made", "there")
        ),
        sa.Column("ended_at", instant, nullable=True),
        sa.CheckConstraint(
            "import_id ~ '^[0-9a-f]{64}$'", name=op.f("ck_imports_import_id")
        ),
        sa.CheckConstraint(
            "started <= written AND written <= lines",
            name=op.f("ck_imports_progress"),
        ),
        sa.PrimaryKeyConstraint("import_id", name="pk_imports"),
    )
    op.create_table(
        "import_refusals",
        sa.Column("import_id", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("faults", postgresql.JSONB(), nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"],
            ["imports.import_id"],
            name="fk_import_refusals_import_id_imports",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("import_id", "line", name="pk_import_refusals"),
    )


def downgrade() -> None:
    op.drop_table("import_refusals")
    op.drop_table("imports")
