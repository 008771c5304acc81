"""How a record of the story becomes rows: all of it, in the caller's transaction."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from intake.delivery import store_fact
from records.dossiers import LIVE_STATUSES, certificate_status, stored
from records.invoices import keep_invoices
from records.models import (
    Certificate,
    DecisionRow,
    DossierRow,
    ExamResult,
    FactRow,
    Letter,
    LinkRow,
    TaskRow,
)
from records.payments import Order, judge, order_refund
from records.timeline import Line, append
from rules.civil_time import civil_date, delay
from rules.policy import load_policy
from workflows.messages import Record

SETTLED_KEPT = 400
"""Keys of settled duties in a row; a term has about ten."""


async def keep(session: AsyncSession, record: Record) -> bool:
    """Write all that one turn changed; False if this or a later record is kept already.

    Raises LookupError for a dossier without a row: nothing would remember it.
    """
    number = record.dossier.number
    row = await session.get(DossierRow, number, with_for_update=True)
    if row is None:
        raise LookupError(f"no row for dossier {number}")
    if row.version >= record.version:
        return False
    _write_dossier(row, record)
    await _write_links(session, record)
    await _write_exam(session, record)
    await _write_certificate(session, record, row)
    await _write_letters(session, record)
    await _write_decisions(session, record)
    await _write_tasks(session, record)
    await _write_facts(session, record)
    await append(
        session,
        number,
        [Line(e.what, e.at, e.by, e.detail, e.text_id) for e in record.entries],
    )
    await _write_money(session, record)
    # Last: a new invoice holds the counter of its year until the commit.
    await _write_invoices(session, record)
    return True


def _write_dossier(row: DossierRow, record: Record) -> None:
    row.facts = stored(record.dossier)
    row.phase = record.phase
    row.echeance = record.dossier.echeance
    row.next_due_at = record.next_due_at
    row.needs_staff = bool(record.dossier.tasks)
    row.version = record.version
    row.kept_at = record.at
    row.policy_version = record.policy_version
    settled = dict.fromkeys([*row.settled, *record.settled])
    row.settled = list(settled)[-SETTLED_KEPT:]


async def _write_links(session: AsyncSession, record: Record) -> None:
    number = record.dossier.number
    rows: list[dict[str, Any]] = [
        {
            "link_id": link.link_id,
            "dossier": number,
            "permit": link.permit,
            "asked_on": link.asked_on,
            "since": link.since,
            "until": link.until,
            "refused_on": link.refused_on,
        }
        for link in record.dossier.links
    ]
    await _upsert(session, LinkRow, "link_id", rows)


async def _write_invoices(session: AsyncSession, record: Record) -> None:
    number, invoices = record.dossier.number, record.dossier.invoices
    for payment_id in await keep_invoices(session, number, invoices):
        # One capture pays one invoice: a person must look, the dossier goes on.
        await _open_aside(session, record, "payment_counted_twice", payment_id)


async def _write_money(session: AsyncSession, record: Record) -> None:
    """Note what the dossier made of each capture, and order back what cannot serve."""
    for judged in record.payments:
        await judge(session, judged.payment_id, applied=judged.applied, why=judged.why)
    for refund in record.refunds:
        order = Order(
            key=refund.key,
            payment_id=refund.payment_id,
            dossier=record.dossier.number,
            amount_cents=refund.amount_cents,
            currency=refund.currency,
            why=refund.why,
        )
        await order_refund(session, order)


async def _write_exam(session: AsyncSession, record: Record) -> None:
    """Add a result, or correct its date; its home is moved by move_result alone."""
    exam = record.dossier.exam
    if exam is None:
        return
    row = insert(ExamResult).values(
        result_id=exam.result_id,
        passed_on=exam.passed_on,
        home=record.dossier.number,
    )
    await session.execute(
        row.on_conflict_do_update(
            index_elements=[ExamResult.result_id],
            set_={"passed_on": row.excluded.passed_on},
            where=ExamResult.home == row.excluded.home,
        )
    )


async def _write_certificate(
    session: AsyncSession, record: Record, row: DossierRow
) -> None:
    """Follow the phase; a second live certificate is left to a person."""
    dossier = record.dossier
    status = certificate_status(dossier, record.phase)
    if status in LIVE_STATUSES and await _holds_another(session, row):
        # Not tied to the dossier: its story does not know this task, and could not
        # settle it.
        await _open_aside(session, record, "second_certificate", dossier.number)
        return
    if not dossier.terms:
        await session.execute(
            update(Certificate)
            .where(Certificate.number == dossier.number)
            .values(status=status)
        )
        return
    certificate = {
        "number": dossier.number,
        "kind": dossier.kind,
        "person_id": row.person_id,
        "status": status,
        "start": dossier.terms[0].start,
        "echeance": dossier.terms[-1].echeance,
    }
    await _upsert(session, Certificate, "number", [certificate])


async def _holds_another(session: AsyncSession, row: DossierRow) -> bool:
    other = select(Certificate.number).where(
        Certificate.person_id == row.person_id,
        Certificate.kind == row.kind,
        Certificate.number != row.number,
        Certificate.status.in_(LIVE_STATUSES),
    )
    return await session.scalar(other.limit(1)) is not None


async def _write_letters(session: AsyncSession, record: Record) -> None:
    if record.letters:
        rows = [
            {
                "key": order.key,
                "dossier": order.dossier,
                "notice": order.notice,
                "ordered": order.model_dump(mode="json"),
                "occurred_at": order.occurred_at,
            }
            for order in record.letters
        ]
        await session.execute(insert(Letter).values(rows).on_conflict_do_nothing())
    if record.withdrawn:
        # One that may have left tells by itself how it ended, or the sweep asks the
        # relay's log; the locks keep it from telling between this look and our commit.
        its_rows = select(Letter.key).where(Letter.key.in_(record.withdrawn))
        await session.execute(its_rows.order_by(Letter.key).with_for_update())
        await session.execute(
            update(Letter)
            .where(
                Letter.key.in_(record.withdrawn),
                Letter.state.in_(("queued", "deferred")),
            )
            .values(state="cancelled", changed_at=func.now())
        )


async def _write_decisions(session: AsyncSession, record: Record) -> None:
    if not record.decisions:
        return
    rows = [
        {
            **decision.model_dump(mode="json", exclude={"at"}),
            "dossier": record.dossier.number,
            "at": decision.at,
        }
        for decision in record.decisions
    ]
    await session.execute(insert(DecisionRow).values(rows).on_conflict_do_nothing())


async def _write_tasks(session: AsyncSession, record: Record) -> None:
    """Follow the dossier's own list: a task settled once may be opened again."""
    still_open = {task.task_id for task in record.dossier.tasks}
    rows: dict[str, dict[str, Any]] = {
        task.task_id: {
            **task.model_dump(),
            "dossier": record.dossier.number,
            "opened_at": record.at,
            "closed_at": None if task.task_id in still_open else record.at,
            "escalated": False,
        }
        for task in record.tasks_opened
    }
    await _upsert(session, TaskRow, "task_id", rows.values())
    if closed := set(record.tasks_closed) - still_open:
        await session.execute(
            update(TaskRow)
            .where(TaskRow.task_id.in_(closed), TaskRow.closed_at.is_(None))
            .values(closed_at=record.at)
        )
    if record.tasks_escalated:
        await session.execute(
            update(TaskRow)
            .where(TaskRow.task_id.in_(record.tasks_escalated))
            .values(escalated=True)
        )


async def _open_aside(
    session: AsyncSession, record: Record, reason: str, about: str
) -> None:
    """Open a task that the story does not know, once for each matter."""
    policy = load_policy(record.dossier.kind, civil_date(record.at))
    due_on = delay(
        civil_date(record.at),
        policy.task_days,
        delays_extended=policy.delays_extended,
    )
    row = insert(TaskRow).values(
        task_id=f"{record.dossier.number}:kept:{reason}:{about}",
        reason=reason,
        about=about,
        due_on=due_on,
        opened_at=record.at,
    )
    await session.execute(row.on_conflict_do_nothing())


async def _write_facts(session: AsyncSession, record: Record) -> None:
    """Mark what was heard, and keep what is told to others before it is delivered."""
    if record.applied:
        await session.execute(
            update(FactRow)
            .where(FactRow.fact_id.in_(record.applied))
            .values(state="applied", changed_at=func.now())
        )
    for told in record.told:
        await store_fact(session, told.to, told.fact)


async def _upsert(
    session: AsyncSession,
    table: type[LinkRow | Certificate | TaskRow],
    key: str,
    rows: Iterable[dict[str, Any]],
) -> None:
    """Write each row over the one with its key; never over another dossier's."""
    values = list(rows)
    if not values:
        return
    row = insert(table).values(values)
    others = {name: row.excluded[name] for name in values[0] if name != key}
    owner = "dossier" if "dossier" in others else key
    await session.execute(
        row.on_conflict_do_update(
            index_elements=[key],
            set_=others,
            where=getattr(table, owner) == row.excluded[owner],
        )
    )
