"""The tables, in PostgreSQL; the constraints live here and not only in code."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Interval,
    LargeBinary,
    MetaData,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

LIVE = "status IN ('in_force', 'suspended')"
OPEN_LETTER = "state IN ('queued', 'sending', 'deferred', 'unknown')"
NOT_DELIVERED = "state IN ('refused', 'bounced')"
FOR_A_PERSON = "outcome IN ('task', 'set_aside')"


class Base(DeclarativeBase):
    """Names of constraints are stable, so that migrations can speak of them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 # the shape SQLAlchemy asks for
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
        str: Text,
        UUID: Uuid,
        timedelta: Interval,
        bytes: LargeBinary,
    }


class Person(Base):
    """A representative. Only agencies, mails and texts name anyone besides."""

    __tablename__ = "people"

    person_id: Mapped[UUID] = mapped_column(
        primary_key=True, server_default=text("uuidv7()")
    )
    name: Mapped[str]
    name_key: Mapped[str] = mapped_column(index=True)  # no accents, for search
    email: Mapped[str]
    language: Mapped[str] = mapped_column(server_default="fr")
    sign_in_subject: Mapped[str | None] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        CheckConstraint("language IN ('fr', 'en')", name="language"),
        Index("ix_people_email_lower", text("lower(email)")),
        Index(
            "ix_people_words_of_name",
            text("to_tsvector('simple'::regconfig, name_key)"),
            postgresql_using="gin",
        ),
    )


class Agency(Base):
    """A collection agency, by its permit."""

    __tablename__ = "agencies"

    permit: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    email: Mapped[str]
    language: Mapped[str] = mapped_column(server_default="fr")
    sign_in_subject: Mapped[str | None] = mapped_column(unique=True)
    permit_valid: Mapped[bool] = mapped_column(server_default=text("true"))
    permit_changed_on: Mapped[date | None]


class DossierRow(Base):
    """A dossier as its workflow last kept it; *version* never goes back."""

    __tablename__ = "dossiers"

    number: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.person_id"), index=True)
    opened_on: Mapped[date]
    opening_key: Mapped[str | None] = mapped_column(unique=True)  # asked twice, once
    phase: Mapped[str]
    echeance: Mapped[date | None]
    next_due_at: Mapped[datetime | None]
    needs_staff: Mapped[bool] = mapped_column(server_default=text("false"))
    version: Mapped[int] = mapped_column(server_default=text("0"))
    kept_at: Mapped[datetime | None]  # the dossier's own instant of its last record
    policy_version: Mapped[str | None]
    facts: Mapped[dict[str, Any]]  # the rules.dossier.Dossier, as JSON
    settled: Mapped[list[Any]] = mapped_column(server_default=text("'[]'::jsonb"))

    __table_args__ = (
        CheckConstraint("number ~ '^CAR20[0-9]{2}[0-9A-Z]{8}$'", name="number"),
        Index("ix_dossiers_phase_number", "phase", "number"),
        Index("ix_dossiers_echeance_number", "echeance", "number"),
        Index("ix_dossiers_next_due_at", "next_due_at"),
    )


class ExamResult(Base):
    """A passed exam; one home, always."""

    __tablename__ = "exam_results"

    result_id: Mapped[str] = mapped_column(primary_key=True)
    passed_on: Mapped[date]
    home: Mapped[str] = mapped_column(ForeignKey("dossiers.number"), index=True)


class LinkRow(Base):
    """A contractual link, as the dossier's workflow knows it."""

    __tablename__ = "links"

    link_id: Mapped[str] = mapped_column(primary_key=True)
    dossier: Mapped[str] = mapped_column(ForeignKey("dossiers.number"), index=True)
    permit: Mapped[str] = mapped_column(index=True)
    asked_on: Mapped[date | None]
    since: Mapped[date | None]
    until: Mapped[date | None]
    refused_on: Mapped[date | None]

    __table_args__ = (
        Index(
            "ix_links_unanswered",
            "asked_on",
            "link_id",
            postgresql_where=text("since IS NULL AND refused_on IS NULL"),
        ),
    )


class InvoiceRow(Base):
    """What was asked for one operation, and what became of it.

    *number* is for people, without a hole in a year: the table gives it to each new
    row, in the transaction that adds the row. A row is never deleted.
    """

    __tablename__ = "invoices"

    invoice_id: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[str | None] = mapped_column(unique=True)
    dossier: Mapped[str] = mapped_column(ForeignKey("dossiers.number"), index=True)
    operation: Mapped[str]
    asked_on: Mapped[date]
    asked_cents: Mapped[int | None]
    renews: Mapped[date | None]
    state: Mapped[str]
    replaces: Mapped[str | None]  # the invoice whose place it took
    void_on: Mapped[date | None]
    void_why: Mapped[str | None]
    payment_id: Mapped[str | None] = mapped_column(unique=True)
    captured_at: Mapped[datetime | None]
    amount_cents: Mapped[int | None]
    refunded_cents: Mapped[int] = mapped_column(server_default=text("0"))

    __table_args__ = (
        CheckConstraint(
            "state IN ('open', 'paid', 'replaced', 'void', 'reversed', 'refunded',"
            " 'partly_refunded')",
            name="state",
        ),
        CheckConstraint("amount_cents > 0", name="amount"),
    )


class PaymentSession(Base):
    """One try to pay an invoice: *session_id* is ours, *provider_session* theirs.

    The row exists before the provider is asked, and one is open at a time: two browsers
    that pay at once are sent to the same place.
    """

    __tablename__ = "payment_sessions"

    session_id: Mapped[str] = mapped_column(primary_key=True)
    provider_session: Mapped[str | None] = mapped_column(unique=True)
    pay_url: Mapped[str | None]
    invoice_id: Mapped[str] = mapped_column(ForeignKey("invoices.invoice_id"))
    amount_cents: Mapped[int]
    language: Mapped[str] = mapped_column(server_default="fr")
    expires_at: Mapped[datetime | None]  # of the dossier; from then on nobody may pay
    state: Mapped[str] = mapped_column(server_default="open")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    payment_id: Mapped[str | None] = mapped_column(unique=True)

    __table_args__ = (
        CheckConstraint(
            "state IN ('open', 'paid', 'refused', 'expired')", name="state"
        ),
        CheckConstraint("amount_cents > 0", name="amount"),
        Index("ix_payment_sessions_invoice_id", "invoice_id"),
        Index(
            "uq_payment_sessions_one_open",
            "invoice_id",
            unique=True,
            postgresql_where=text("state = 'open'"),
        ),
        Index("ix_payment_sessions_created_at", "created_at"),
    )


class Certificate(Base):
    """A certificate; a person holds one live certificate of a kind, never two."""

    __tablename__ = "certificates"

    number: Mapped[str] = mapped_column(ForeignKey("dossiers.number"), primary_key=True)
    kind: Mapped[str]
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.person_id"))
    status: Mapped[str]
    start: Mapped[date]
    echeance: Mapped[date]

    __table_args__ = (
        CheckConstraint(
            "status IN ('in_force', 'suspended', 'expired', 'cancelled', 'replaced')",
            name="status",
        ),
        CheckConstraint("start < echeance", name="term"),
        Index(
            "uq_certificates_one_live",
            "person_id",
            "kind",
            unique=True,
            postgresql_where=text(LIVE),
        ),
    )


class DocumentRow(Base):
    """A certificate as a file, issued once for a term; again only with a reason.

    *sha256* is that of the file that *facts* make, before its signature. A row is never
    changed; it can be deleted, so that a person can be forgotten.
    """

    __tablename__ = "documents"

    certificate: Mapped[str] = mapped_column(
        ForeignKey("certificates.number"), primary_key=True
    )
    term_start: Mapped[date] = mapped_column(primary_key=True)
    edition: Mapped[int] = mapped_column(primary_key=True)
    previous_edition: Mapped[int | None] = mapped_column(
        Computed("NULLIF(edition - 1, 0)", persisted=True)
    )
    kind: Mapped[str]
    language: Mapped[str]
    issued_at: Mapped[datetime]
    reason: Mapped[str | None]
    sha256: Mapped[str]
    facts: Mapped[dict[str, Any]]  # the documents.certificate.CertificateFacts, as JSON
    pdf: Mapped[bytes]  # the signed file

    __table_args__ = (
        CheckConstraint("edition >= 1", name="edition"),
        CheckConstraint(
            "CASE WHEN edition = 1 THEN reason IS NULL"
            " ELSE coalesce(btrim(reason), '') <> '' END",
            name="again_with_a_reason",
        ),
        CheckConstraint("language IN ('fr', 'en')", name="language"),
        CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256"),
        ForeignKeyConstraint(
            ["certificate", "term_start", "previous_edition"],
            ["documents.certificate", "documents.term_start", "documents.edition"],
            name="fk_documents_previous_edition_documents",
        ),
    )


class Letter(Base):
    """A letter from its order to its end; the row exists before the first SMTP word.

    States: queued -> sending -> accepted | deferred | refused | unknown; skipped,
    cancelled; delivered or bounced after accepted, when a report says so. *fence* grows
    by one a claim. Each change of state adds a line to `letter_events` by itself.
    """

    __tablename__ = "letters"

    key: Mapped[str] = mapped_column(primary_key=True)
    dossier: Mapped[str] = mapped_column(ForeignKey("dossiers.number"))
    notice: Mapped[str]
    ordered: Mapped[dict[str, Any]]  # the LetterOrder, as JSON
    occurred_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(server_default="queued")
    fence: Mapped[int] = mapped_column(server_default=text("0"))
    message_id: Mapped[str | None] = mapped_column(unique=True)
    language: Mapped[str | None]
    recipient: Mapped[str | None]
    subject: Mapped[str | None]
    body: Mapped[str | None]  # the plain text
    html: Mapped[str | None]
    not_before: Mapped[datetime | None]  # its turn, while it waits for one
    answer: Mapped[str | None]  # the relay's last words, or why nothing was sent
    queued_at: Mapped[datetime] = mapped_column(server_default=func.now())
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        CheckConstraint(
            "state IN ('queued', 'sending', 'accepted', 'deferred', 'refused',"
            " 'unknown', 'delivered', 'bounced', 'skipped', 'cancelled')",
            name="state",
        ),
        Index("ix_letters_occurred_at", "occurred_at"),
        Index("ix_letters_dossier_occurred_at", "dossier", "occurred_at"),
        Index(
            "ix_letters_on_their_way", "changed_at", postgresql_where=text(OPEN_LETTER)
        ),
        Index(
            "ix_letters_not_delivered",
            "occurred_at",
            postgresql_where=text(NOT_DELIVERED),
        ),
    )


class LetterEvent(Base):
    """One step of a letter, written by the database itself and never changed.

    *at* is the dossier's own instant: the database's clock, moved ahead in a demo.
    """

    __tablename__ = "letter_events"

    event_id: Mapped[int] = mapped_column(
        BigInteger, Identity(always=True), primary_key=True
    )
    letter: Mapped[str] = mapped_column(ForeignKey("letters.key"))
    at: Mapped[datetime]
    state: Mapped[str]
    fence: Mapped[int]
    answer: Mapped[str | None]

    __table_args__ = (Index("ix_letter_events_letter", "letter", "event_id"),)


class FactRow(Base):
    """The inbox of facts: what was told, kept before anybody was answered."""

    __tablename__ = "facts"

    fact_id: Mapped[str] = mapped_column(primary_key=True)
    dossier: Mapped[str] = mapped_column(index=True)
    kind: Mapped[str]
    source: Mapped[str]
    body: Mapped[dict[str, Any]]  # the fact, as JSON
    occurred_at: Mapped[datetime]
    received_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(server_default="new")
    stored_at: Mapped[datetime] = mapped_column(server_default=func.now())
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        CheckConstraint(
            "state IN ('new', 'signalled', 'applied', 'dead')", name="state"
        ),
        Index(
            "ix_facts_not_applied",
            "stored_at",
            postgresql_where=text("state IN ('new', 'signalled')"),
        ),
    )


class DecisionRow(Base):
    """A yes or no, with its conditions and the policy it used."""

    __tablename__ = "decisions"

    decision_id: Mapped[str] = mapped_column(primary_key=True)
    decided: Mapped[str] = mapped_column(primary_key=True)
    dossier: Mapped[str] = mapped_column(ForeignKey("dossiers.number"), index=True)
    by: Mapped[str]
    at: Mapped[datetime]
    policy_version: Mapped[str]
    findings: Mapped[list[Any]]
    ground: Mapped[str | None]
    text_id: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("decided = 'accepted' OR by <> 'rule'", name="only_a_person"),
    )


class TaskRow(Base):
    """Something only a person can settle; *dossier* is empty for unmatched mail.

    *holder* is the account of the officer who took it (records.hands).
    """

    __tablename__ = "tasks"

    task_id: Mapped[str] = mapped_column(primary_key=True)
    dossier: Mapped[str | None] = mapped_column(ForeignKey("dossiers.number"))
    reason: Mapped[str]
    about: Mapped[str | None]
    due_on: Mapped[date]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    escalated: Mapped[bool] = mapped_column(server_default=text("false"))
    holder: Mapped[str | None]

    __table_args__ = (
        Index("ix_tasks_dossier", "dossier"),
        Index("ix_tasks_about", "about"),
        Index(
            "ix_tasks_open",
            "due_on",
            "task_id",
            postgresql_where=text("closed_at IS NULL"),
        ),
        Index(
            "ix_tasks_open_of_holder",
            "holder",
            "due_on",
            "task_id",
            postgresql_where=text("closed_at IS NULL AND holder IS NOT NULL"),
        ),
        Index(
            "ix_tasks_open_of_nobody",
            "due_on",
            "task_id",
            postgresql_where=text("closed_at IS NULL AND holder IS NULL"),
        ),
    )


class TimelineEntry(Base):
    """One line of a dossier's history; each hash covers the one before."""

    __tablename__ = "timeline"

    dossier: Mapped[str] = mapped_column(
        ForeignKey("dossiers.number"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True)
    what: Mapped[str]
    at: Mapped[datetime]
    by: Mapped[str]
    detail: Mapped[dict[str, Any]]
    text_id: Mapped[str | None]
    previous_hash: Mapped[str]
    hash: Mapped[str]

    __table_args__ = (
        Index(
            "ix_timeline_superseded",
            text("(detail ->> 'due_at')"),
            postgresql_where=text("what = 'superseded'"),
        ),
    )


class WrittenText(Base):
    """A text a person wrote, or one that was replaced; only its id travels."""

    __tablename__ = "texts"

    text_id: Mapped[str] = mapped_column(primary_key=True)
    dossier: Mapped[str | None]
    text: Mapped[str]
    by: Mapped[str]
    written_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Mail(Base):
    """A message as it came in; *mail_id* is the hash of its bytes: stored once.

    *body_hash* tells the copies that came another way, under other trace headers: they
    are counted in *copies* and not stored again.
    """

    __tablename__ = "mails"

    mail_id: Mapped[str] = mapped_column(primary_key=True)
    raw: Mapped[bytes]
    message_id: Mapped[str | None] = mapped_column(index=True)
    sender: Mapped[str | None]
    received_at: Mapped[datetime] = mapped_column(server_default=func.now())
    dossier: Mapped[str | None]
    outcome: Mapped[str]  # fact, task, ignored, set_aside: what became of it
    understood: Mapped[dict[str, Any]]
    door: Mapped[str] = mapped_column(server_default="lmtp")  # lmtp, imap, webhook
    body_hash: Mapped[str | None]
    copies: Mapped[int] = mapped_column(server_default=text("1"))

    __table_args__ = (
        Index("ix_mails_received_at", "received_at", "mail_id"),
        Index(
            "ix_mails_for_a_person",
            "received_at",
            "mail_id",
            postgresql_where=text(FOR_A_PERSON),
        ),
    )


class Clock(Base):
    """Embedded stack only: how far a dossier's clock was moved ahead."""

    __tablename__ = "clocks"

    dossier: Mapped[str] = mapped_column(primary_key=True)
    ahead: Mapped[timedelta]


class AccessToken(Base):
    """A development token of a role; only its hash is kept."""

    __tablename__ = "access_tokens"

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    role: Mapped[str]
    subject: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        CheckConstraint(
            "role IN ('representative', 'agency', 'officer', 'exam_body', 'register',"
            " 'operator')",
            name="role",
        ),
        UniqueConstraint("role", "subject"),
    )
