"""Letters step by step, their pace, and messages told apart from their copies."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_STATES = (
    "'queued', 'sending', 'accepted', 'deferred', 'refused', 'unknown', {new}"
    "'bounced', 'skipped', 'cancelled'"
)
_ROLES = "'representative', 'agency', 'officer', 'exam_body', 'register'{new}"

# No code path can forget the trail of a letter: the table writes it.
_TRAIL = (
    """
    CREATE FUNCTION note_letter() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO letter_events (letter, at, state, fence, answer)
        VALUES (
            NEW.key,
            clock_timestamp() + coalesce(
                (SELECT ahead FROM clocks WHERE dossier = NEW.dossier), interval '0'
            ),
            NEW.state, NEW.fence, NEW.answer
        );
        RETURN NULL;
    END
    $$
    """,
    """
    CREATE TRIGGER letters_are_noted_first
        AFTER INSERT ON letters
        FOR EACH ROW EXECUTE FUNCTION note_letter()
    """,
    """
    CREATE TRIGGER letters_are_noted
        AFTER UPDATE OF state ON letters
        FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state)
        EXECUTE FUNCTION note_letter()
    """,
    """
    CREATE TRIGGER letter_events_are_append_only
        BEFORE UPDATE OR DELETE OR TRUNCATE ON letter_events
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """,
)


def upgrade() -> None:
    op.add_column("letters", sa.Column("html", sa.Text(), nullable=True))
    op.add_column(
        "letters", sa.Column("not_before", sa.DateTime(timezone=True), nullable=True)
    )
    _check("letters", "state", _STATES.format(new="'delivered', "))
    op.create_index("ix_letters_occurred_at", "letters", ["occurred_at"])
    op.create_table(
        "letter_events",
        sa.Column(
            "event_id", sa.BigInteger(), sa.Identity(always=True), nullable=False
        ),
        sa.Column("letter", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["letter"], ["letters.key"], name="fk_letter_events_letter_letters"
        ),
        sa.PrimaryKeyConstraint("event_id", name="pk_letter_events"),
    )
    op.create_index("ix_letter_events_letter", "letter_events", ["letter", "event_id"])
    # Letters of before have one known step: the last.
    op.execute(
        "INSERT INTO letter_events (letter, at, state, fence, answer)"
        " SELECT key, changed_at, state, fence, answer FROM letters"
        " ORDER BY changed_at, key"
    )
    for statement in _TRAIL:
        op.execute(statement)
    op.create_table(
        "mail_pace",
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ordinary_until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("domain", name="pk_mail_pace"),
    )
    op.add_column(
        "mails", sa.Column("door", sa.Text(), server_default="lmtp", nullable=False)
    )
    op.add_column("mails", sa.Column("body_hash", sa.Text(), nullable=True))
    op.add_column(
        "mails",
        sa.Column("copies", sa.Integer(), server_default=sa.text("1"), nullable=False),
    )
    op.create_index("ix_mails_received_at", "mails", ["received_at", "mail_id"])
    _check("access_tokens", "role", _ROLES.format(new=", 'operator'"))


def downgrade() -> None:
    op.execute("DELETE FROM access_tokens WHERE role = 'operator'")
    _check("access_tokens", "role", _ROLES.format(new=""))
    op.drop_index("ix_mails_received_at", "mails")
    for column in ("copies", "body_hash", "door"):
        op.drop_column("mails", column)
    op.drop_table("mail_pace")
    op.execute("DROP TRIGGER letters_are_noted ON letters")
    op.execute("DROP TRIGGER letters_are_noted_first ON letters")
    op.drop_table("letter_events")
    op.execute("DROP FUNCTION note_letter()")
    op.execute("UPDATE letters SET state = 'accepted' WHERE state = 'delivered'")
    op.drop_index("ix_letters_occurred_at", "letters")
    _check("letters", "state", _STATES.format(new=""))
    op.drop_column("letters", "not_before")
    op.drop_column("letters", "html")


def _check(table: str, column: str, values: str) -> None:
    # The first step's names bear the prefix of the convention twice.
    name = op.f(f"ck_{table}_ck_{table}_{column}")
    op.drop_constraint(name, table)
    op.create_check_constraint(name, table, f"{column} IN ({values})")
