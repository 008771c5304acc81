"""The tables of money: captures, what is given back, numbers of invoices, fees."""

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from records.models import Base


class InvoiceCounter(Base):
    """The last number given to an invoice of a year; its lock makes them gapless."""

    __tablename__ = "invoice_counters"

    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last: Mapped[int]


class PaymentRow(Base):
    """Money that a provider captured: one row a capture, whatever became of it.

    Amounts stand as they were told. *applied* is None until the dossier has judged;
    *why* says what is wrong with money that pays nothing.
    """

    __tablename__ = "payments"

    payment_id: Mapped[str] = mapped_column(primary_key=True)
    session_id: Mapped[str | None] = mapped_column(
        ForeignKey("payment_sessions.session_id")
    )
    invoice_id: Mapped[str]  # as told: it may name none of ours
    dossier: Mapped[str | None] = mapped_column(
        ForeignKey("dossiers.number"), index=True
    )
    amount_cents: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    captured_at: Mapped[datetime]
    told_at: Mapped[datetime] = mapped_column(server_default=func.now())
    applied: Mapped[bool | None]
    why: Mapped[str | None]
    refunded_cents: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    reversed_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_payments_told_at", "told_at"),)


class RefundRow(Base):
    """Money to give back, from its order to its end; given back once for each *key*.

    States: ordered -> asked (the provider is being asked) -> done | refused;
    cancelled when the money went back another way first.
    """

    __tablename__ = "refunds"

    key: Mapped[str] = mapped_column(primary_key=True)
    payment_id: Mapped[str] = mapped_column(index=True)
    dossier: Mapped[str | None] = mapped_column(ForeignKey("dossiers.number"))
    amount_cents: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    why: Mapped[str]
    ordered_by: Mapped[str]  # "rule", or the officer's id
    text_id: Mapped[str | None]
    ordered_at: Mapped[datetime] = mapped_column(server_default=func.now())
    state: Mapped[str] = mapped_column(server_default="ordered")
    refund_id: Mapped[str | None] = mapped_column(unique=True)
    tries: Mapped[int] = mapped_column(server_default=text("0"))
    tried_at: Mapped[datetime | None]
    answer: Mapped[str | None]

    __table_args__ = (
        CheckConstraint(
            "state IN ('ordered', 'asked', 'done', 'refused', 'cancelled')",
            name="state",
        ),
        CheckConstraint("amount_cents > 0", name="amount"),
        Index(
            "ix_refunds_to_make",
            "ordered_at",
            postgresql_where=text("state IN ('ordered', 'asked')"),
        ),
    )


class FeeAct(Base):
    """An amount adopted ahead of its day, or withdrawn; acts are only added.

    *told_at* is when the running stories were told to read their policy again.
    """

    __tablename__ = "fee_acts"

    act_id: Mapped[int] = mapped_column(
        BigInteger, Identity(always=True), primary_key=True
    )
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    by: Mapped[str]
    what: Mapped[str]
    kind: Mapped[str]
    operation: Mapped[str]
    starts_on: Mapped[date]
    cents: Mapped[int]
    source: Mapped[str]
    told_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("what IN ('adopted', 'withdrawn')", name="what"),
        CheckConstraint("cents > 0", name="cents"),
        Index("ix_fee_acts_of", "kind", "operation", "starts_on", "act_id"),
    )
