"""What a payment provider tells, as facts; nothing captured is ever dropped."""

from datetime import date, datetime

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from intake.delivery import store_fact
from payments.provider import CURRENCY, Captured, Declined, Other, Reversed, Told
from records.clock import database_now, now_for
from records.models import FactRow, PaymentSession, TaskRow
from records.queries import dossier_of_invoice, dossier_of_payment
from rules.civil_time import civil_date, delay
from rules.numbers import DossierNumber
from workflows.messages import InvoicePaid, PaymentReversed, Source

UNMATCHED = "unmatched"
"""The dossier of money that fits no dossier; no story bears this name."""

_DAYS_FOR_UNMATCHED = 5
_FIRST_FEE_ON = date(2019, 8, 1)


async def take_in(session: AsyncSession, told: Told) -> str | None:
    """
    Store what a provider's message means, in the caller's transaction.

    Returns the fact's id when a dossier must hear it now; None for a repetition, for
    what changes nothing, and for money that fits no dossier: that is a person's task.
    """
    match told.event:
        case Captured() as captured:
            return await _captured(session, told.message_id, captured)
        case Reversed() as reversal:
            return await _reversed(session, told.message_id, reversal)
        case Declined() as declined:
            await _close_session(session, declined.session_id, state="refused")
            return None
        case Other():
            return None


async def _captured(
    session: AsyncSession, message_id: str, event: Captured
) -> str | None:
    ours = (
        await session.get(PaymentSession, event.session_id)
        if event.session_id is not None
        else None
    )
    # Told amounts and invoices stand as they were told: where they are not those of
    # our session, the story finds it and asks a person.
    invoice_id = event.invoice_id or (ours.invoice_id if ours else "unknown")
    if ours is not None:
        number = await dossier_of_invoice(session, ours.invoice_id)
        as_agreed = (event.amount_cents, event.currency.upper(), invoice_id) == (
            ours.amount_cents,
            CURRENCY,
            ours.invoice_id,
        )
        if as_agreed:
            await _close_session(
                session, ours.session_id, state="paid", payment_id=event.payment_id
            )
    else:
        number = await dossier_of_invoice(session, invoice_id)
    fact = InvoicePaid(
        fact_id=f"payment:{message_id}",
        source=Source.PAYMENT_PROVIDER,
        occurred_at=event.captured_at,
        received_at=await _received_at(session, number),
        invoice_id=invoice_id,
        payment_id=event.payment_id,
        amount_cents=event.amount_cents,
        currency=event.currency.upper(),
    )
    return await _store(session, number, fact)


async def _reversed(
    session: AsyncSession, message_id: str, event: Reversed
) -> str | None:
    number = await dossier_of_payment(session, event.payment_id)
    fact = PaymentReversed(
        fact_id=f"payment:{message_id}",
        source=Source.PAYMENT_PROVIDER,
        occurred_at=event.reversed_at,
        received_at=await _received_at(session, number),
        payment_id=event.payment_id,
    )
    return await _store(session, number, fact)


async def _received_at(session: AsyncSession, number: str | None) -> datetime:
    now = await database_now(session)
    return now if number is None else await now_for(session, number, real_now=now)


async def _store(
    session: AsyncSession, number: str | None, fact: InvoicePaid | PaymentReversed
) -> str | None:
    if number is None or civil_date(fact.occurred_at) < _FIRST_FEE_ON:
        # No fee is known for a day before the regime: no story could judge it.
        await _give_to_a_person(session, fact)
        return None
    new = await store_fact(session, DossierNumber(number), fact)
    return fact.fact_id if new else None


async def _give_to_a_person(
    session: AsyncSession, fact: InvoicePaid | PaymentReversed
) -> None:
    row = insert(FactRow).values(
        fact_id=fact.fact_id,
        dossier=UNMATCHED,
        kind=fact.kind,
        source=fact.source,
        body=fact.model_dump(mode="json"),
        occurred_at=fact.occurred_at,
        received_at=fact.received_at,
        state="dead",
    )
    await session.execute(row.on_conflict_do_nothing())
    due_on = delay(
        civil_date(fact.received_at), _DAYS_FOR_UNMATCHED, delays_extended=True
    )
    task = insert(TaskRow).values(
        task_id=f"payment_unmatched:{fact.payment_id}:{fact.kind}",
        reason="payment_unmatched",
        about=fact.fact_id,
        due_on=due_on,
        opened_at=fact.received_at,
    )
    await session.execute(task.on_conflict_do_nothing())


async def _close_session(
    session: AsyncSession,
    session_id: str,
    *,
    state: str,
    payment_id: str | None = None,
) -> None:
    if payment_id is not None and await _is_taken(session, payment_id):
        return  # told of two sessions: the story sees one capture
    await session.execute(
        update(PaymentSession)
        .where(PaymentSession.session_id == session_id, PaymentSession.state == "open")
        .values(state=state, payment_id=payment_id)
    )


async def _is_taken(session: AsyncSession, payment_id: str) -> bool:
    same = select(PaymentSession).where(PaymentSession.payment_id == payment_id)
    return (await session.scalars(same)).first() is not None
