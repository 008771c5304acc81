"""A task is in somebody's hands, and every change of hands is noted for good."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_ONLY_ADDED = """
CREATE TRIGGER task_hands_are_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON task_hands
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
"""


def upgrade() -> None:
    op.add_column("tasks", sa.Column("holder", sa.Text(), nullable=True))
    op.create_index(
        "ix_tasks_open_of_holder",
        "tasks",
        ["holder", "due_on", "task_id"],
        postgresql_where=sa.text("closed_at IS NULL AND holder IS NOT NULL"),
    )
    op.create_index(
        "ix_tasks_open_of_nobody",
        "tasks",
        ["due_on", "task_id"],
        postgresql_where=sa.text("closed_at IS NULL AND holder IS NULL"),
    )
    op.create_index(
        "ix_sessions_of_officers",
        "sessions",
        ["account", "begun_at"],
        postgresql_where=sa.text("role = 'officer'"),
    )
    op.create_table(
        "task_hands",
        sa.Column("hand_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("task_id", sa.Text(), nullable=False),
        sa.Column("dossier", sa.Text(), nullable=True),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.Column(
            "at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "what IN ('taken', 'given_back', 'given', 'decided')",
            name=op.f("ck_task_hands_what"),
        ),
        sa.PrimaryKeyConstraint("hand_id", name=op.f("pk_task_hands")),
        sa.UniqueConstraint("key", name=op.f("uq_task_hands_key")),
    )
    op.create_index("ix_task_hands_task_id", "task_hands", ["task_id", "hand_id"])
    op.create_index("ix_task_hands_dossier", "task_hands", ["dossier", "hand_id"])
    op.execute(_ONLY_ADDED)


def downgrade() -> None:
    op.drop_table("task_hands")
    op.drop_index("ix_sessions_of_officers", "sessions")
    op.drop_index("ix_tasks_open_of_nobody", "tasks")
    op.drop_index("ix_tasks_open_of_holder", "tasks")
    op.drop_column("tasks", "holder")
