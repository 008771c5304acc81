"""Indexes of the ledger: what fell due, what came back, what nobody has read."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_INDEXES: tuple[tuple[str, str, list[Any], str | None], ...] = (
    (
        "ix_timeline_superseded",
        "timeline",
        [sa.literal_column("(detail ->> 'due_at')")],
        "what = 'superseded'",
    ),
    (
        "ix_letters_not_delivered",
        "letters",
        ["occurred_at"],
        "state IN ('refused', 'bounced')",
    ),
    (
        "ix_mails_for_a_person",
        "mails",
        ["received_at", "mail_id"],
        "outcome IN ('task', 'set_aside')",
    ),
    ("ix_dossiers_next_due_at", "dossiers", ["next_due_at"], None),
    ("ix_tasks_about", "tasks", ["about"], None),
)


def upgrade() -> None:
    for name, table, columns, where in _INDEXES:
        condition = None if where is None else sa.text(where)
        op.create_index(name, table, columns, postgresql_where=condition)


def downgrade() -> None:
    for name, table, *_ in reversed(_INDEXES):
        op.drop_index(name, table)
