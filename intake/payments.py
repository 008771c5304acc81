"""What a payment provider tells, as facts; nothing captured is ever dropped."""

from datetime import date, datetime

from pydantic import TypeAdapter
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from intake.delivery import store_fact
from payments.events import (
    Captured,
    Declined,
    ForAPerson,
    Other,
    Refunded,
    RefundFailed,
    Reversed,
    SessionEnded,
    Told,
)
from payments.provider import ProviderSession, SessionState
from records import payments as ledger
from records.clock import database_now, now_for
from records.models import FactRow, PaymentSession, TaskRow
from records.money import PaymentRow, RefundRow
from records.queries import dossier_of_invoice, payment_session_named
from rules.civil_time import civil_date, delay
from rules.numbers import DossierNumber
from workflows.messages import (
    AnyFact,
    InvoicePaid,
    PaymentRefunded,
    PaymentReversed,
    RefundRefused,
    Source,
)

UNMATCHED = "unmatched"
"""The dossier of money that fits no dossier; no story bears this name."""

_DAYS_FOR_UNMATCHED = 5
_FIRST_FEE_ON = date(2019, 8, 1)
_FROM = Source.PAYMENT_PROVIDER

TakenBack = PaymentReversed | PaymentRefunded
_TAKEN_BACK: TypeAdapter[TakenBack] = TypeAdapter(TakenBack)


async def take_in(session: AsyncSession, told: Told) -> str | None:  # noqa: PLR0911 # one arm a kind
    """
    Store what a provider's message means, in the caller's transaction.

    Returns the fact's id when a dossier must hear it now; None for a repetition, for
    what changes nothing, and for money that fits no dossier: that is a person's task.
    """
    match told.event:
        case Captured() as captured:
            return await _captured(session, captured)
        case Reversed() as reversal:
            return await _reversed(session, reversal)
        case Refunded() as refunded:
            return await _refunded(session, refunded)
        case RefundFailed() as failed:
            return await _refund_failed(session, failed)
        case Declined() as declined:
            await _close_session(session, declined.session_id, state="refused")
            return None
        case SessionEnded() as ended:
            await _close_session(session, ended.session_id, state="expired")
            return None
        case ForAPerson() as matter:
            await _give_to_a_person(session, matter.what, matter.payment_id)
            return None
        case Other():
            return None


async def take_in_session(
    session: AsyncSession, theirs: ProviderSession
) -> tuple[str, ...]:
    """Store what a session asked for means: the same facts as its messages would."""
    if theirs.state in {SessionState.REFUSED, SessionState.EXPIRED}:
        await _close_session(session, theirs.provider_session, state=theirs.state)
    payment = theirs.payment
    if payment is None:
        return ()
    now = await database_now(session)
    name = theirs.provider_session
    events: list[Captured | Refunded | Reversed] = [
        Captured(
            session_id=name,
            payment_id=payment.payment_id,
            invoice_id=theirs.invoice_id,
            amount_cents=payment.amount_cents,
            currency=payment.currency,
            captured_at=payment.captured_at,
        )
    ]
    if payment.refunded_cents:
        events.append(
            Refunded(
                payment_id=payment.payment_id,
                refunded_cents=payment.refunded_cents,
                refunded_at=now,
            )
        )
    if payment.contested:
        events.append(Reversed(payment_id=payment.payment_id, reversed_at=now))
    facts = [await take_in(session, Told(name, event)) for event in events]
    return tuple(fact_id for fact_id in facts if fact_id is not None)


# ------------------------------------------------------------------ money comes in


async def _captured(session: AsyncSession, event: Captured) -> str | None:
    await _alone_with(session, event.payment_id)
    ours = await payment_session_named(session, event.session_id)
    # Told amounts and invoices stand as they were told: where they are not those of
    # our session, the story finds it and asks a person.
    invoice_id = event.invoice_id or (ours.invoice_id if ours else "unknown")
    number = await dossier_of_invoice(session, ours.invoice_id if ours else invoice_id)
    capture = ledger.Captured(
        payment_id=event.payment_id,
        session_id=ours.session_id if ours else None,
        invoice_id=invoice_id,
        dossier=number,
        amount_cents=event.amount_cents,
        currency=event.currency.upper(),
        captured_at=event.captured_at,
    )
    is_new = await ledger.enter_capture(session, capture)
    if ours is not None:
        await _close_session(
            session, ours.session_id, state="paid", payment_id=event.payment_id
        )
    if not is_new:
        await _see_that_it_agrees(session, capture)
        return None
    fact = InvoicePaid(
        fact_id=f"payment:{event.payment_id}",
        source=_FROM,
        occurred_at=event.captured_at,
        received_at=await _received_at(session, number),
        invoice_id=invoice_id,
        payment_id=event.payment_id,
        amount_cents=event.amount_cents,
        currency=capture.currency,
        taken_back=await _told_before(session, capture),
    )
    if number is None or civil_date(event.captured_at) < _FIRST_FEE_ON:
        # No fee is known for a day before the regime: no story could judge it.
        await _keep_unmatched(session, fact)
        return None
    return await _store(session, number, fact)


async def _see_that_it_agrees(session: AsyncSession, capture: ledger.Captured) -> None:
    """A capture told twice is one; told otherwise the second time, a person looks."""
    before = await ledger.payment_named(session, capture.payment_id)
    assert before is not None
    told = (capture.amount_cents, capture.currency)
    if told != (before.amount_cents, before.currency):
        await _give_to_a_person(session, "payment_contradicted", capture.payment_id)


async def _told_before(
    session: AsyncSession, capture: ledger.Captured
) -> tuple[TakenBack, ...]:
    """Find what was told of a capture before the capture itself; its task is closed."""
    payment_id = capture.payment_id
    rows = await session.scalars(
        select(FactRow)
        .where(
            FactRow.dossier == UNMATCHED,
            FactRow.kind.in_(("payment_reversed", "payment_refunded")),
            FactRow.body["payment_id"].astext == payment_id,
        )
        .order_by(FactRow.stored_at, FactRow.fact_id)
    )
    told = {"captured_cents": capture.amount_cents}
    found = tuple(_TAKEN_BACK.validate_python(row.body | told) for row in rows)
    for fact in found:
        if isinstance(fact, PaymentReversed):
            await _change_entry(session, payment_id, reversed_at=fact.occurred_at)
        else:
            await _change_entry(session, payment_id, refunded_cents=fact.refunded_cents)
        await _close_task(session, _task_id("payment_unmatched", payment_id, fact.kind))
    return found


# ------------------------------------------------------------------ money goes back


async def _reversed(session: AsyncSession, event: Reversed) -> str | None:
    await _alone_with(session, event.payment_id)
    entry = await ledger.payment_named(session, event.payment_id)
    if entry is not None and entry.reversed_at is not None:
        return None
    number = entry.dossier if entry else None
    fact = PaymentReversed(
        fact_id=f"payment:{event.payment_id}:reversed",
        source=_FROM,
        occurred_at=event.reversed_at,
        received_at=await _received_at(session, number),
        payment_id=event.payment_id,
    )
    if entry is not None:
        await _change_entry(session, event.payment_id, reversed_at=event.reversed_at)
        # What its bank took back is not given back a second time.
        await ledger.cancel_refunds(session, event.payment_id, why="reversed")
    if number is None:
        await _keep_unmatched(session, fact)
        return None
    return await _store(session, number, fact)


async def _refunded(session: AsyncSession, event: Refunded) -> str | None:
    await _alone_with(session, event.payment_id)
    entry = await ledger.payment_named(session, event.payment_id)
    if entry is not None and event.refunded_cents <= entry.refunded_cents:
        return None
    number = entry.dossier if entry else None
    fact = PaymentRefunded(
        fact_id=f"payment:{event.payment_id}:refunded:{event.refunded_cents}",
        source=_FROM,
        occurred_at=event.refunded_at,
        received_at=await _received_at(session, number),
        payment_id=event.payment_id,
        refunded_cents=event.refunded_cents,
        captured_cents=entry.amount_cents if entry else event.refunded_cents,
    )
    if entry is None:
        await _keep_unmatched(session, fact)
        return None
    await _change_entry(session, event.payment_id, refunded_cents=event.refunded_cents)
    promised = await ledger.promised_back(session, event.payment_id)
    if event.refunded_cents > promised:
        # Somebody gave it back at the provider, and nobody ordered it here.
        await _give_to_a_person(session, "refund_not_ordered", event.payment_id)
    return None if number is None else await _store(session, number, fact)


async def _refund_failed(session: AsyncSession, event: RefundFailed) -> str | None:
    refund = await session.scalar(
        select(RefundRow).where(RefundRow.refund_id == event.refund_id)
    )
    if refund is None or refund.state != "done":
        await _give_to_a_person(session, "refund_failed", event.payment_id)
        return None
    return await refund_did_not_go(session, refund, why="failed", at=event.failed_at)


async def refund_did_not_go(
    session: AsyncSession, refund: RefundRow, *, why: str, at: datetime
) -> str | None:
    """Note that money will not go back this way, and tell the dossier."""
    entry = await ledger.payment_named(session, refund.payment_id)
    given = entry.refunded_cents if entry else 0
    if refund.state == "done":
        given = max(0, given - refund.amount_cents)
        await _change_entry(session, refund.payment_id, refunded_cents=given)
    await session.execute(
        update(RefundRow)
        .where(RefundRow.key == refund.key)
        .values(state="refused", answer=why)
    )
    if refund.dossier is None:
        await _give_to_a_person(session, "refund_refused", refund.payment_id)
        return None
    fact = RefundRefused(
        fact_id=f"refund:{refund.key}:refused",
        source=_FROM,
        occurred_at=at,
        received_at=await _received_at(session, refund.dossier),
        payment_id=refund.payment_id,
        amount_cents=refund.amount_cents,
        refunded_cents=given,
    )
    return await _store(session, refund.dossier, fact)


# ------------------------------------------------------------------ what is written


async def _alone_with(session: AsyncSession, payment_id: str) -> None:
    """Let messages about one payment be taken in one after the other."""
    await session.execute(
        select(func.pg_advisory_xact_lock(func.hashtextextended(payment_id, 0)))
    )


async def _received_at(session: AsyncSession, number: str | None) -> datetime:
    now = await database_now(session)
    return now if number is None else await now_for(session, number, real_now=now)


async def _store(session: AsyncSession, number: str, fact: AnyFact) -> str | None:
    new = await store_fact(session, DossierNumber(number), fact)
    return fact.fact_id if new else None


async def _change_entry(
    session: AsyncSession, payment_id: str, **change: object
) -> None:
    await session.execute(
        update(PaymentRow).where(PaymentRow.payment_id == payment_id).values(**change)
    )


async def _keep_unmatched(
    session: AsyncSession, fact: InvoicePaid | PaymentReversed | PaymentRefunded
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
    await _give_to_a_person(
        session, "payment_unmatched", fact.payment_id, fact.kind, about=fact.fact_id
    )


async def _give_to_a_person(
    session: AsyncSession,
    reason: str,
    payment_id: str,
    *which: str,
    about: str | None = None,
) -> None:
    now = await database_now(session)
    due_on = delay(civil_date(now), _DAYS_FOR_UNMATCHED, delays_extended=True)
    task = insert(TaskRow).values(
        task_id=_task_id(reason, payment_id, *which),
        reason=reason,
        about=about or payment_id,
        due_on=due_on,
        opened_at=now,
    )
    await session.execute(task.on_conflict_do_nothing())


def _task_id(reason: str, payment_id: str, *which: str) -> str:
    return ":".join((reason, payment_id, *which))


async def _close_task(session: AsyncSession, task_id: str) -> None:
    await session.execute(
        update(TaskRow)
        .where(TaskRow.task_id == task_id, TaskRow.closed_at.is_(None))
        .values(closed_at=func.now())
    )


# --------------------------------------------------------------- the tries to pay


async def _close_session(
    session: AsyncSession,
    name: str,
    *,
    state: str,
    payment_id: str | None = None,
) -> None:
    """End a try: one that was paid is paid, whatever is told of it besides."""
    ours = await payment_session_named(session, name)
    if ours is None:
        return
    its_end = update(PaymentSession).where(PaymentSession.session_id == ours.session_id)
    if payment_id is None:
        its_end = its_end.where(PaymentSession.state == "open")
    elif await _is_taken(session, payment_id):
        return  # told of two tries: the story sees one capture
    else:
        its_end = its_end.where(PaymentSession.state != "paid")
    await session.execute(its_end.values(state=state, payment_id=payment_id))


async def _is_taken(session: AsyncSession, payment_id: str) -> bool:
    same = select(PaymentSession).where(PaymentSession.payment_id == payment_id)
    return (await session.scalars(same)).first() is not None
