"""Indexes by which the desk finds: a word of a name, a request left unanswered."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_people_words_of_name",
        "people",
        [sa.text("to_tsvector('simple'::regconfig, name_key)")],
        postgresql_using="gin",
    )
    op.create_index(
        "ix_links_unanswered",
        "links",
        ["asked_on", "link_id"],
        postgresql_where=sa.text("since IS NULL AND refused_on IS NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_links_unanswered", "links")
    op.drop_index("ix_people_words_of_name", "people")
