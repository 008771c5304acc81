"""The first tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# The history is written once: not even our own code may change it. DROP stays possible,
# so that a step back is.
_GUARDS = (
    """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% is append-only', TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END
    $$
    """,
    """
    CREATE TRIGGER timeline_is_append_only
        BEFORE UPDATE OR DELETE OR TRUNCATE ON timeline
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """,
    """
    CREATE TRIGGER facts_are_kept
        BEFORE DELETE OR TRUNCATE ON facts
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """,
    # The state of its delivery is all that may change of a fact.
    """
    CREATE TRIGGER facts_stay_as_told
        BEFORE UPDATE ON facts
        FOR EACH ROW
        WHEN (
            to_jsonb(OLD) - ARRAY['state', 'changed_at']
            IS DISTINCT FROM to_jsonb(NEW) - ARRAY['state', 'changed_at']
        )
        EXECUTE FUNCTION refuse_change()
    """,
)


def upgrade() -> None:
    op.create_table(
        "access_tokens",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "role IN ('representative', 'agency', 'officer', 'exam_body', 'register')",
            name="ck_access_tokens_role",
        ),
        sa.PrimaryKeyConstraint("token_hash", name="pk_access_tokens"),
        sa.UniqueConstraint("role", "subject", name="uq_access_tokens_role"),
    )
    op.create_table(
        "agencies",
        sa.Column("permit", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), server_default="fr", nullable=False),
        sa.Column(
            "permit_valid", sa.Boolean(), server_default=sa.text("true"), nullable=False
        ),
        sa.Column("permit_changed_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("permit", name="pk_agencies"),
    )
    op.create_table(
        "clocks",
        sa.Column("dossier", sa.Text(), nullable=False),
        sa.Column("ahead", sa.Interval(), nullable=False),
        sa.PrimaryKeyConstraint("dossier", name="pk_clocks"),
    )
    op.create_table(
        "facts",
        sa.Column("fact_id", sa.Text(), nullable=False),
        sa.Column("dossier", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), server_default="new", nullable=False),
        sa.Column(
            "stored_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "state IN ('new', 'signalled', 'applied', 'dead')", name="ck_facts_state"
        ),
        sa.PrimaryKeyConstraint("fact_id", name="pk_facts"),
    )
    op.create_index("ix_facts_dossier", "facts", ["dossier"], unique=False)
    op.create_index(
        "ix_facts_not_applied",
        "facts",
        ["stored_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('new', 'signalled')"),
    )
    op.create_table(
        "mails",
        sa.Column("mail_id", sa.Text(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=True),
        sa.Column("sender", sa.Text(), nullable=True),
        sa.Column(
            "received_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("dossier", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column(
            "understood", postgresql.JSONB(astext_type=sa.Text()), nullable=False
        ),
        sa.PrimaryKeyConstraint("mail_id", name="pk_mails"),
    )
    op.create_index("ix_mails_message_id", "mails", ["message_id"], unique=False)
    op.create_table(
        "people",
        sa.Column(
            "person_id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), server_default="fr", nullable=False),
        sa.Column("sign_in_subject", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("language IN ('fr', 'en')", name="ck_people_language"),
        sa.PrimaryKeyConstraint("person_id", name="pk_people"),
        sa.UniqueConstraint("sign_in_subject", name="uq_people_sign_in_subject"),
    )
    op.create_index(
        "ix_people_email_lower",
        "people",
        [sa.literal_column("lower(email)")],
        unique=False,
    )
    op.create_index("ix_people_name_key", "people", ["name_key"], unique=False)
    op.create_table(
        "sweeps",
        sa.Column(
            "sweep_id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False
        ),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checked", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "repaired", sa.Integer(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column(
            "findings",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("sweep_id", name="pk_sweeps"),
    )
    op.create_table(
        "texts",
        sa.Column("text_id", sa.Text(), nullable=False),
        sa.Column("dossier", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column(
            "written_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("text_id", name="pk_texts"),
    )
    op.create_table(
        "dossiers",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("opening_key", sa.Text(), nullable=True),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("echeance", sa.Date(), nullable=True),
        sa.Column("next_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "needs_staff", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.Column("version", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("policy_version", sa.Text(), nullable=True),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "settled",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "number ~ '^CAR20[0-9]{2}[0-9A-Z]{8}$'", name="ck_dossiers_number"
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.person_id"], name="fk_dossiers_person_id_people"
        ),
        sa.PrimaryKeyConstraint("number", name="pk_dossiers"),
        sa.UniqueConstraint("opening_key", name="uq_dossiers_opening_key"),
    )
    op.create_index(
        "ix_dossiers_echeance_number", "dossiers", ["echeance", "number"], unique=False
    )
    op.create_index("ix_dossiers_person_id", "dossiers", ["person_id"], unique=False)
    op.create_index(
        "ix_dossiers_phase_number", "dossiers", ["phase", "number"], unique=False
    )
    op.create_table(
        "certificates",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("start", sa.Date(), nullable=False),
        sa.Column("echeance", sa.Date(), nullable=False),
        sa.CheckConstraint(
            "status IN ('in_force', 'suspended', 'expired', 'cancelled', 'replaced')",
            name="ck_certificates_status",
        ),
        sa.CheckConstraint("start < echeance", name="ck_certificates_term"),
        sa.ForeignKeyConstraint(
            ["number"], ["dossiers.number"], name="fk_certificates_number_dossiers"
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.person_id"], name="fk_certificates_person_id_people"
        ),
        sa.PrimaryKeyConstraint("number", name="pk_certificates"),
    )
    op.create_index(
        "uq_certificates_one_live",
        "certificates",
        ["person_id", "kind"],
        unique=True,
        postgresql_where=sa.text("status IN ('in_force', 'suspended')"),
    )
    op.create_table(
        "decisions",
        sa.Column("decision_id", sa.Text(), nullable=False),
        sa.Column("decided", sa.Text(), nullable=False),
        sa.Column("dossier", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("policy_version", sa.Text(), nullable=False),
        sa.Column("findings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("ground", sa.Text(), nullable=True),
        sa.Column("text_id", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "decided = 'accepted' OR by <> 'rule'", name="ck_decisions_only_a_person"
        ),
        sa.ForeignKeyConstraint(
            ["dossier"], ["dossiers.number"], name="fk_decisions_dossier_dossiers"
        ),
        sa.PrimaryKeyConstraint("decision_id", "decided", name="pk_decisions"),
    )
    op.create_index("ix_decisions_dossier", "decisions", ["dossier"], unique=False)
    op.create_table(
        "exam_results",
        sa.Column("result_id", sa.Text(), nullable=False),
        sa.Column("passed_on", sa.Date(), nullable=False),
        sa.Column("home", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["home"], ["dossiers.number"], name="fk_exam_results_home_dossiers"
        ),
        sa.PrimaryKeyConstraint("result_id", name="pk_exam_results"),
    )
    op.create_index("ix_exam_results_home", "exam_results", ["home"], unique=False)
    op.create_table(
        "invoices",
        sa.Column("invoice_id", sa.Text(), nullable=False),
        sa.Column("dossier", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("asked_on", sa.Date(), nullable=False),
        sa.Column("renews", sa.Date(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Text(), nullable=True),
        sa.Column("captured_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("amount_cents", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "state IN ('open', 'paid', 'void', 'reversed')", name="ck_invoices_state"
        ),
        sa.CheckConstraint("amount_cents > 0", name="ck_invoices_amount"),
        sa.ForeignKeyConstraint(
            ["dossier"], ["dossiers.number"], name="fk_invoices_dossier_dossiers"
        ),
        sa.PrimaryKeyConstraint("invoice_id", name="pk_invoices"),
        sa.UniqueConstraint("payment_id", name="uq_invoices_payment_id"),
    )
    op.create_index("ix_invoices_dossier", "invoices", ["dossier"], unique=False)
    op.create_table(
        "letters",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("dossier", sa.Text(), nullable=False),
        sa.Column("notice", sa.Text(), nullable=False),
        sa.Column("ordered", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), server_default="queued", nullable=False),
        sa.Column("fence", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("recipient", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column(
            "queued_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "state IN ('queued', 'sending', 'accepted', 'deferred', 'refused', 'unknown', 'bounced', 'skipped', 'cancelled')",
            name="ck_letters_state",
        ),
        sa.ForeignKeyConstraint(
            ["dossier"], ["dossiers.number"], name="fk_letters_dossier_dossiers"
        ),
        sa.PrimaryKeyConstraint("key", name="pk_letters"),
        sa.UniqueConstraint("message_id", name="uq_letters_message_id"),
    )
    op.create_index(
        "ix_letters_dossier_occurred_at",
        "letters",
        ["dossier", "occurred_at"],
        unique=False,
    )
    op.create_index(
        "ix_letters_on_their_way",
        "letters",
        ["changed_at"],
        unique=False,
        postgresql_where=sa.text(
            "state IN ('queued', 'sending', 'deferred', 'unknown')"
        ),
    )
    op.create_table(
        "links",
        sa.Column("link_id", sa.Text(), nullable=False),
        sa.Column("dossier", sa.Text(), nullable=False),
        sa.Column("permit", sa.Text(), nullable=False),
        sa.Column("asked_on", sa.Date(), nullable=True),
        sa.Column("since", sa.Date(), nullable=True),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("refused_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["dossier"], ["dossiers.number"], name="fk_links_dossier_dossiers"
        ),
        sa.PrimaryKeyConstraint("link_id", name="pk_links"),
    )
    op.create_index("ix_links_dossier", "links", ["dossier"], unique=False)
    op.create_index("ix_links_permit", "links", ["permit"], unique=False)
    op.create_table(
        "tasks",
        sa.Column("task_id", sa.Text(), nullable=False),
        sa.Column("dossier", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "escalated", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["dossier"], ["dossiers.number"], name="fk_tasks_dossier_dossiers"
        ),
        sa.PrimaryKeyConstraint("task_id", name="pk_tasks"),
    )
    op.create_index("ix_tasks_dossier", "tasks", ["dossier"], unique=False)
    op.create_index(
        "ix_tasks_open",
        "tasks",
        ["due_on", "task_id"],
        unique=False,
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "timeline",
        sa.Column("dossier", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("text_id", sa.Text(), nullable=True),
        sa.Column("previous_hash", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["dossier"], ["dossiers.number"], name="fk_timeline_dossier_dossiers"
        ),
        sa.PrimaryKeyConstraint("dossier", "position", name="pk_timeline"),
    )
    op.create_table(
        "payment_sessions",
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("invoice_id", sa.Text(), nullable=False),
        sa.Column("amount_cents", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("payment_id", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('open', 'paid', 'refused')", name="ck_payment_sessions_state"
        ),
        sa.CheckConstraint("amount_cents > 0", name="ck_payment_sessions_amount"),
        sa.ForeignKeyConstraint(
            ["invoice_id"],
            ["invoices.invoice_id"],
            name="fk_payment_sessions_invoice_id_invoices",
        ),
        sa.PrimaryKeyConstraint("session_id", name="pk_payment_sessions"),
        sa.UniqueConstraint("payment_id", name="uq_payment_sessions_payment_id"),
    )
    op.create_index(
        "ix_payment_sessions_invoice_id",
        "payment_sessions",
        ["invoice_id"],
        unique=False,
    )
    for statement in _GUARDS:
        op.execute(statement)


def downgrade() -> None:
    for table in (
        "payment_sessions",
        "timeline",
        "tasks",
        "links",
        "letters",
        "invoices",
        "exam_results",
        "decisions",
        "certificates",
        "dossiers",
        "texts",
        "sweeps",
        "people",
        "mails",
        "facts",
        "clocks",
        "agencies",
        "access_tokens",
    ):
        op.drop_table(table)
    op.execute("DROP FUNCTION refuse_change()")
