"""Certificates as files, issued once; and how often the public register is asked."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# What was handed over is never altered. A row can go, so that a person can be forgotten.
_KEPT_AS_ISSUED = """
    CREATE TRIGGER documents_are_kept_as_issued
        BEFORE UPDATE ON documents
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """


def upgrade() -> None:
    op.create_table(
        "documents",
        sa.Column("certificate", sa.Text(), nullable=False),
        sa.Column("term_start", sa.Date(), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column(
            "previous_edition",
            sa.Integer(),
            sa.Computed("NULLIF(edition - 1, 0)", persisted=True),
            nullable=True,
        ),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("pdf", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("edition >= 1", name="edition"),
        sa.CheckConstraint(
            "CASE WHEN edition = 1 THEN reason IS NULL"
            " ELSE coalesce(btrim(reason), '') <> '' END",
            name="again_with_a_reason",
        ),
        sa.CheckConstraint("language IN ('fr', 'en')", name="language"),
        sa.CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256"),
        sa.ForeignKeyConstraint(
            ["certificate"],
            ["certificates.number"],
            name="fk_documents_certificate_certificates",
        ),
        sa.ForeignKeyConstraint(
            ["certificate", "term_start", "previous_edition"],
            ["documents.certificate", "documents.term_start", "documents.edition"],
            name="fk_documents_previous_edition_documents",
        ),
        sa.PrimaryKeyConstraint(
            "certificate", "term_start", "edition", name="pk_documents"
        ),
    )
    op.execute(_KEPT_AS_ISSUED)
    # A crash of the database forgets the counts of a minute, and nothing else.
    op.create_table(
        "visits",
        sa.Column("minute", sa.DateTime(timezone=True), nullable=False),
        sa.Column("visitor", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("minute", "visitor", name="pk_visits"),
        prefixes=["UNLOGGED"],
    )


def downgrade() -> None:
    op.drop_table("visits")
    op.drop_table("documents")
