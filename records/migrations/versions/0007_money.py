"""Invoices numbered without a hole, captures, refunds, amounts adopted ahead."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_INVOICE_STATES = "'open', 'paid', 'void', 'reversed'"
_MORE_INVOICE_STATES = f"{_INVOICE_STATES}, 'replaced', 'refunded', 'partly_refunded'"
_SESSION_STATES = "'open', 'paid', 'refused'"
_MORE_SESSION_STATES = f"{_SESSION_STATES}, 'expired'"

# Whoever adds an invoice, it takes the next number of its year: the counter's row stays
# locked until that transaction ends, so that one undone leaves no hole. After the
# insert, since one that meets an existing row must take no number.
_NUMBERS = (
    """
    CREATE FUNCTION number_invoice() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        its_year integer := extract(year FROM NEW.asked_on);
        given text;
    BEGIN
        INSERT INTO invoice_counters (year, last) VALUES (its_year, 1)
            ON CONFLICT (year) DO UPDATE SET last = invoice_counters.last + 1
            RETURNING last::text INTO given;
        UPDATE invoices
            SET number = 'F-' || its_year || '-'
                || lpad(given, greatest(6, length(given)), '0')
            WHERE invoice_id = NEW.invoice_id;
        RETURN NULL;
    END
    $$
    """,
    """
    CREATE TRIGGER invoices_are_numbered
        AFTER INSERT ON invoices
        FOR EACH ROW WHEN (NEW.number IS NULL) EXECUTE FUNCTION number_invoice()
    """,
    """
    CREATE TRIGGER numbers_of_invoices_stay
        BEFORE UPDATE OF number ON invoices
        FOR EACH ROW WHEN (OLD.number IS NOT NULL)
        EXECUTE FUNCTION refuse_change()
    """,
    """
    CREATE TRIGGER invoices_are_kept
        BEFORE DELETE OR TRUNCATE ON invoices
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """,
)

# What was told of a capture stays; what became of it may change.
_GUARDS = (
    """
    CREATE TRIGGER payments_are_kept
        BEFORE DELETE OR TRUNCATE ON payments
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """,
    """
    CREATE TRIGGER payments_stay_as_told
        BEFORE UPDATE ON payments
        FOR EACH ROW
        WHEN (
            to_jsonb(OLD) - ARRAY['applied', 'why', 'refunded_cents', 'reversed_at']
            IS DISTINCT FROM
            to_jsonb(NEW) - ARRAY['applied', 'why', 'refunded_cents', 'reversed_at']
        )
        EXECUTE FUNCTION refuse_change()
    """,
    """
    CREATE TRIGGER fee_acts_are_kept
        BEFORE DELETE OR TRUNCATE ON fee_acts
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """,
    """
    CREATE TRIGGER fee_acts_stay
        BEFORE UPDATE ON fee_acts
        FOR EACH ROW
        WHEN (
            to_jsonb(OLD) - 'told_at' IS DISTINCT FROM to_jsonb(NEW) - 'told_at'
        )
        EXECUTE FUNCTION refuse_change()
    """,
)

_INVOICES_OF_BEFORE = (
    """
    UPDATE invoices SET number = numbered.number FROM (
        SELECT
            invoice_id,
            'F-' || extract(year FROM asked_on) || '-' || lpad(
                (row_number() OVER (
                    PARTITION BY extract(year FROM asked_on)
                    ORDER BY asked_on, invoice_id
                ))::text, 6, '0'
            ) AS number
        FROM invoices
    ) AS numbered
    WHERE invoices.invoice_id = numbered.invoice_id
    """,
    """
    INSERT INTO invoice_counters (year, last)
        SELECT extract(year FROM asked_on), count(*) FROM invoices GROUP BY 1
    """,
)

_MONEY_OF_BEFORE = (
    "UPDATE payment_sessions SET provider_session = session_id",
    # One try at a time from now on: the newest stays open.
    """
    UPDATE payment_sessions SET state = 'expired'
        WHERE state = 'open' AND session_id NOT IN (
            SELECT DISTINCT ON (invoice_id) session_id FROM payment_sessions
            WHERE state = 'open' ORDER BY invoice_id, created_at DESC, session_id
        )
    """,
    """
    INSERT INTO payments (
        payment_id, session_id, invoice_id, dossier, amount_cents, currency,
        captured_at, applied, reversed_at
    )
        SELECT
            invoices.payment_id, payment_sessions.session_id, invoices.invoice_id,
            invoices.dossier, invoices.amount_cents, 'CAD', invoices.captured_at,
            true, CASE WHEN invoices.state = 'reversed' THEN now() END
        FROM invoices LEFT JOIN payment_sessions USING (payment_id)
        WHERE invoices.payment_id IS NOT NULL
    """,
)


def upgrade() -> None:
    op.create_table(
        "invoice_counters",
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("year", name="pk_invoice_counters"),
    )
    _invoices()
    _sessions()
    _payments()
    _refunds()
    _fee_acts()
    for statement in (*_NUMBERS, *_MONEY_OF_BEFORE, *_GUARDS):
        op.execute(statement)
    op.create_index(
        "uq_payment_sessions_one_open",
        "payment_sessions",
        ["invoice_id"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )


def _invoices() -> None:
    for column in (
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("asked_cents", sa.Integer(), nullable=True),
        sa.Column("replaces", sa.Text(), nullable=True),
        sa.Column("void_on", sa.Date(), nullable=True),
        sa.Column("void_why", sa.Text(), nullable=True),
        sa.Column(
            "refunded_cents",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
        ),
    ):
        op.add_column("invoices", column)
    _check("invoices", "state", _MORE_INVOICE_STATES)
    for statement in _INVOICES_OF_BEFORE:
        op.execute(statement)
    op.create_unique_constraint("uq_invoices_number", "invoices", ["number"])


def _sessions() -> None:
    for column in (
        sa.Column("provider_session", sa.Text(), nullable=True),
        sa.Column("pay_url", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), server_default="fr", nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
    ):
        op.add_column("payment_sessions", column)
    op.create_unique_constraint(
        "uq_payment_sessions_provider_session",
        "payment_sessions",
        ["provider_session"],
    )
    _check("payment_sessions", "state", _MORE_SESSION_STATES)
    op.create_index(
        "ix_payment_sessions_created_at", "payment_sessions", ["created_at"]
    )


def _payments() -> None:
    op.create_table(
        "payments",
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=True),
        sa.Column("invoice_id", sa.Text(), nullable=False),
        sa.Column("dossier", sa.Text(), nullable=True),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("captured_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "told_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("applied", sa.Boolean(), nullable=True),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column(
            "refunded_cents",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column("reversed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["payment_sessions.session_id"],
            name="fk_payments_session_id_payment_sessions",
        ),
        sa.ForeignKeyConstraint(
            ["dossier"], ["dossiers.number"], name="fk_payments_dossier_dossiers"
        ),
        sa.PrimaryKeyConstraint("payment_id", name="pk_payments"),
    )
    op.create_index("ix_payments_dossier", "payments", ["dossier"])
    op.create_index("ix_payments_told_at", "payments", ["told_at"])


def _refunds() -> None:
    op.create_table(
        "refunds",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("dossier", sa.Text(), nullable=True),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("ordered_by", sa.Text(), nullable=False),
        sa.Column("text_id", sa.Text(), nullable=True),
        sa.Column(
            "ordered_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("state", sa.Text(), server_default="ordered", nullable=False),
        sa.Column("refund_id", sa.Text(), nullable=True),
        sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('ordered', 'asked', 'done', 'refused', 'cancelled')",
            name=op.f("ck_refunds_state"),
        ),
        sa.CheckConstraint("amount_cents > 0", name=op.f("ck_refunds_amount")),
        sa.ForeignKeyConstraint(
            ["dossier"], ["dossiers.number"], name="fk_refunds_dossier_dossiers"
        ),
        sa.PrimaryKeyConstraint("key", name="pk_refunds"),
        sa.UniqueConstraint("refund_id", name="uq_refunds_refund_id"),
    )
    op.create_index("ix_refunds_payment_id", "refunds", ["payment_id"])
    op.create_index(
        "ix_refunds_to_make",
        "refunds",
        ["ordered_at"],
        postgresql_where=sa.text("state IN ('ordered', 'asked')"),
    )


def _fee_acts() -> None:
    op.create_table(
        "fee_acts",
        sa.Column("act_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("cents", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "what IN ('adopted', 'withdrawn')", name=op.f("ck_fee_acts_what")
        ),
        sa.CheckConstraint("cents > 0", name=op.f("ck_fee_acts_cents")),
        sa.PrimaryKeyConstraint("act_id", name="pk_fee_acts"),
    )
    op.create_index(
        "ix_fee_acts_of", "fee_acts", ["kind", "operation", "starts_on", "act_id"]
    )


def downgrade() -> None:
    for table in ("fee_acts", "refunds", "payments"):
        op.drop_table(table)
    for trigger in (
        "invoices_are_kept",
        "numbers_of_invoices_stay",
        "invoices_are_numbered",
    ):
        op.execute(f"DROP TRIGGER {trigger} ON invoices")
    op.execute("DROP FUNCTION number_invoice()")
    op.execute("UPDATE payment_sessions SET state = 'refused' WHERE state = 'expired'")
    _check("payment_sessions", "state", _SESSION_STATES)
    op.drop_index("uq_payment_sessions_one_open", "payment_sessions")
    op.drop_index("ix_payment_sessions_created_at", "payment_sessions")
    for name in ("expires_at", "language", "pay_url", "provider_session"):
        op.drop_column("payment_sessions", name)
    op.execute("UPDATE invoices SET state = 'void' WHERE state = 'replaced'")
    op.execute(
        "UPDATE invoices SET state = 'paid'"
        " WHERE state IN ('refunded', 'partly_refunded')"
    )
    _check("invoices", "state", _INVOICE_STATES)
    for name in (
        "refunded_cents",
        "void_why",
        "void_on",
        "replaces",
        "asked_cents",
        "number",
    ):
        op.drop_column("invoices", name)
    op.drop_table("invoice_counters")


def _check(table: str, column: str, values: str) -> None:
    # The first step's names bear the prefix of the convention twice.
    name = op.f(f"ck_{table}_ck_{table}_{column}")
    op.drop_constraint(name, table)
    op.create_check_constraint(name, table, f"{column} IN ({values})")
