"""The ledger: each capture once, what its dossier made of it, and what goes back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from records.money import PaymentRow, RefundRow

_IN_HAND = ("ordered", "asked")
"""States of refunds that may still be made."""


@dataclass(frozen=True, slots=True)
class Captured:
    """A capture as it was told; *session_id* is our own try to pay, if it was one."""

    payment_id: str
    session_id: str | None
    invoice_id: str
    dossier: str | None
    amount_cents: int
    currency: str
    captured_at: datetime


@dataclass(frozen=True, slots=True)
class Order:
    """Money to give back; the same *key* is ordered once."""

    key: str
    payment_id: str
    dossier: str | None
    amount_cents: int
    currency: str
    why: str
    ordered_by: str = "rule"
    text_id: str | None = None


async def enter_capture(session: AsyncSession, capture: Captured) -> bool:
    """Enter a capture; False when it is in the ledger already."""
    row = insert(PaymentRow).values(
        payment_id=capture.payment_id,
        session_id=capture.session_id,
        invoice_id=capture.invoice_id,
        dossier=capture.dossier,
        amount_cents=capture.amount_cents,
        currency=capture.currency,
        captured_at=capture.captured_at,
    )
    once = row.on_conflict_do_nothing().returning(PaymentRow.payment_id)
    return await session.scalar(once) is not None


async def payment_named(session: AsyncSession, payment_id: str) -> PaymentRow | None:
    """Which capture is this?"""
    return await session.get(PaymentRow, payment_id)


async def judge(
    session: AsyncSession, payment_id: str, *, applied: bool, why: str | None
) -> None:
    """Note what a dossier made of a capture."""
    await session.execute(
        update(PaymentRow)
        .where(PaymentRow.payment_id == payment_id)
        .values(applied=applied, why=why)
    )


async def order_refund(session: AsyncSession, order: Order) -> bool:
    """Order money back; False when that was ordered before."""
    row = insert(RefundRow).values(
        key=order.key,
        payment_id=order.payment_id,
        dossier=order.dossier,
        amount_cents=order.amount_cents,
        currency=order.currency,
        why=order.why,
        ordered_by=order.ordered_by,
        text_id=order.text_id,
    )
    once = row.on_conflict_do_nothing().returning(RefundRow.key)
    return await session.scalar(once) is not None


async def promised_back(session: AsyncSession, payment_id: str) -> int:
    """How many cents of a capture are ordered back or have gone back?"""
    query = select(func.coalesce(func.sum(RefundRow.amount_cents), 0)).where(
        RefundRow.payment_id == payment_id, RefundRow.state.in_((*_IN_HAND, "done"))
    )
    return int(await session.scalar(query) or 0)


async def cancel_refunds(session: AsyncSession, payment_id: str, *, why: str) -> None:
    """Give nothing back any more of money that went back another way."""
    await session.execute(
        update(RefundRow)
        .where(RefundRow.payment_id == payment_id, RefundRow.state == "ordered")
        .values(state="cancelled", answer=why)
    )


async def refunds_to_make(session: AsyncSession, *, limit: int) -> Sequence[RefundRow]:
    """Which refunds wait, oldest first?"""
    query = (
        select(RefundRow)
        .where(RefundRow.state.in_(_IN_HAND))
        .order_by(RefundRow.ordered_at, RefundRow.key)
        .limit(limit)
    )
    return (await session.scalars(query)).all()


async def begin_refund(session: AsyncSession, key: str) -> bool:
    """Note that the provider is asked; False for a refund that is ended meanwhile."""
    begun = await session.scalar(
        update(RefundRow)
        .where(RefundRow.key == key, RefundRow.state.in_(_IN_HAND))
        .values(state="asked", tries=RefundRow.tries + 1, tried_at=func.now())
        .returning(RefundRow.key)
    )
    return begun is not None


async def end_refund(session: AsyncSession, refund: RefundRow, refund_id: str) -> int:
    """Note that money went back; return how much of that capture did in all."""
    await session.execute(
        update(RefundRow)
        .where(RefundRow.key == refund.key)
        .values(state="done", refund_id=refund_id)
    )
    done = select(func.sum(RefundRow.amount_cents)).where(
        RefundRow.payment_id == refund.payment_id, RefundRow.state == "done"
    )
    return int(await session.scalar(done) or 0)


async def refunds_of(session: AsyncSession, payment_id: str) -> Sequence[RefundRow]:
    """What was ordered back of a capture, oldest first?"""
    query = (
        select(RefundRow)
        .where(RefundRow.payment_id == payment_id)
        .order_by(RefundRow.ordered_at, RefundRow.key)
    )
    return (await session.scalars(query)).all()
