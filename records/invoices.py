"""Invoices as they are kept, and all that one says of itself and of its payment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from records.models import DossierRow, InvoiceRow, Person
from records.money import RefundRow
from rules.dossier import Invoice, Operation, VoidReason


class InvoiceState(StrEnum):
    """What became of an invoice."""

    OPEN = "open"
    PAID = "paid"
    REPLACED = "replaced"
    VOID = "void"
    REVERSED = "reversed"
    REFUNDED = "refunded"
    PARTLY_REFUNDED = "partly_refunded"


def state_of(invoice: Invoice) -> InvoiceState:
    """Name what became of an invoice."""
    paid = invoice.paid
    if paid is None:
        if invoice.void_on is None:
            return InvoiceState.OPEN
        replaced = invoice.void_why is VoidReason.REPLACED
        return InvoiceState.REPLACED if replaced else InvoiceState.VOID
    if paid.reversed_on is not None:
        return InvoiceState.REVERSED
    if paid.refunded_cents >= paid.amount_cents:
        return InvoiceState.REFUNDED
    return InvoiceState.PARTLY_REFUNDED if paid.refunded_cents else InvoiceState.PAID


async def keep_invoices(
    session: AsyncSession, number: str, invoices: Sequence[Invoice]
) -> tuple[str, ...]:
    """
    Write the invoices of a dossier; the table numbers the new ones.

    Returns the payments that already pay an invoice of another dossier: one capture
    pays one invoice, and a person must look.
    """
    rows = [_row(number, invoice) for invoice in invoices]
    twice = await _counted_elsewhere(session, rows)
    for row in rows:
        if row["payment_id"] in twice:
            row["payment_id"] = None
    if rows:
        upsert = insert(InvoiceRow).values(rows)
        await session.execute(
            upsert.on_conflict_do_update(
                index_elements=[InvoiceRow.invoice_id],
                set_={
                    name: upsert.excluded[name]
                    for name in rows[0]
                    if name != "invoice_id"
                },
                where=InvoiceRow.dossier == upsert.excluded.dossier,
            )
        )
    return tuple(twice)


async def _counted_elsewhere(
    session: AsyncSession, rows: Sequence[dict[str, Any]]
) -> list[str]:
    ours = {row["payment_id"]: row["invoice_id"] for row in reversed(rows)}
    ours.pop(None, None)
    counted = select(InvoiceRow.payment_id, InvoiceRow.invoice_id).where(
        InvoiceRow.payment_id.in_(ours)
    )
    return [
        payment_id
        for payment_id, invoice_id in await session.execute(counted)
        if payment_id is not None and ours[payment_id] != invoice_id
    ]


def _row(number: str, invoice: Invoice) -> dict[str, Any]:
    paid = invoice.paid
    return {
        "invoice_id": invoice.invoice_id,
        "dossier": number,
        "operation": invoice.operation,
        "asked_on": invoice.asked_on,
        "asked_cents": invoice.asked_cents,
        "renews": invoice.renews,
        "state": state_of(invoice),
        "replaces": invoice.replaces,
        "void_on": invoice.void_on,
        "void_why": invoice.void_why,
        "payment_id": paid.payment_id if paid else None,
        "captured_at": paid.captured_at if paid else None,
        "amount_cents": paid.amount_cents if paid else None,
        "refunded_cents": paid.refunded_cents if paid else 0,
    }


# ----------------------------------------------------------- what an invoice says


@dataclass(frozen=True, slots=True)
class RefundFacts:
    """Money given back, or on its way back; *done_at* is None until it is."""

    amount_cents: int
    done_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceFacts:
    """
    All that an invoice and its receipt say: the page and the document print the same.

    *asked_cents* is the amount on the day of asking, None for an invoice of before
    amounts were kept; *paid_cents*, *captured_at* and *payment_id* make a receipt.
    """

    number: str
    invoice_id: str
    dossier: str
    person_name: str
    operation: Operation
    state: InvoiceState
    asked_on: date
    asked_cents: int | None
    renews: date | None
    replaces: str | None  # numbers, as people read them
    replaced_by: str | None
    void_on: date | None
    void_why: VoidReason | None
    payment_id: str | None
    captured_at: datetime | None
    paid_cents: int | None
    refunded_cents: int
    refunds: tuple[RefundFacts, ...]

    @property
    def has_receipt(self) -> bool:
        """Whether money was captured for it, whatever became of it since."""
        return self.paid_cents is not None


async def invoice_facts(session: AsyncSession, number: str) -> InvoiceFacts | None:
    """Gather what the invoice numbered *number* (F-2026-000123) says; None without."""
    found = (
        await session.execute(
            select(InvoiceRow, Person.name)
            .join(DossierRow, DossierRow.number == InvoiceRow.dossier)
            .join(Person, Person.person_id == DossierRow.person_id)
            .where(InvoiceRow.number == number)
        )
    ).one_or_none()
    if found is None:
        return None
    row, name = found
    return InvoiceFacts(
        number=number,
        invoice_id=row.invoice_id,
        dossier=row.dossier,
        person_name=name,
        operation=Operation(row.operation),
        state=InvoiceState(row.state),
        asked_on=row.asked_on,
        asked_cents=row.asked_cents,
        renews=row.renews,
        replaces=await _number_where(session, InvoiceRow.invoice_id == row.replaces),
        replaced_by=await _number_where(session, InvoiceRow.replaces == row.invoice_id),
        void_on=row.void_on,
        void_why=None if row.void_why is None else VoidReason(row.void_why),
        payment_id=row.payment_id,
        captured_at=row.captured_at,
        paid_cents=row.amount_cents,
        refunded_cents=row.refunded_cents,
        refunds=await _refunds_of(session, row.payment_id),
    )


async def _number_where(session: AsyncSession, which: Any) -> str | None:
    return await session.scalar(select(InvoiceRow.number).where(which).limit(1))


async def _refunds_of(
    session: AsyncSession, payment_id: str | None
) -> tuple[RefundFacts, ...]:
    query = (
        select(RefundRow)
        .where(
            RefundRow.payment_id == payment_id,
            RefundRow.state.in_(("ordered", "asked", "done")),
        )
        .order_by(RefundRow.ordered_at, RefundRow.key)
    )
    return tuple(
        RefundFacts(row.amount_cents, row.tried_at if row.state == "done" else None)
        for row in await session.scalars(query)
    )


async def number_of_invoice(session: AsyncSession, invoice_id: str) -> str | None:
    """Name the number, for people, of the invoice that the story calls *invoice_id*."""
    return await _number_where(session, InvoiceRow.invoice_id == invoice_id)
