"""Every question the doors ask of the tables."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    false,
    func,
    or_,
    select,
    text,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncSession

from records.models import (
    AccessToken,
    Agency,
    DossierRow,
    FactRow,
    InvoiceRow,
    Letter,
    LinkRow,
    PaymentSession,
    Person,
    TaskRow,
    TimelineEntry,
)
from records.money import PaymentRow
from records.opening import name_key
from rules.dossier import Operation, Phase


async def holder_of_token(session: AsyncSession, token_hash: str) -> AccessToken | None:
    """Who holds this token?"""
    return await session.get(AccessToken, token_hash)


async def dossier_numbered(session: AsyncSession, number: str) -> DossierRow | None:
    """What was last kept of this dossier?"""
    return await session.get(DossierRow, number)


async def agency_with_permit(session: AsyncSession, permit: str) -> Agency | None:
    """Which agency holds this permit?"""
    return await session.get(Agency, permit)


async def link_named(session: AsyncSession, link_id: str) -> LinkRow | None:
    """Which link is this?"""
    return await session.get(LinkRow, link_id)


async def fact_told(session: AsyncSession, fact_id: str) -> FactRow | None:
    """Was this fact told before, and to which dossier?"""
    return await session.get(FactRow, fact_id)


async def task_numbered(session: AsyncSession, task_id: str) -> TaskRow | None:
    """Which task is this?"""
    return await session.get(TaskRow, task_id)


async def open_dossiers_linked_to(
    session: AsyncSession, permit: str
) -> Sequence[DossierRow]:
    """Which dossiers that are not closed have, had or asked for a link to this agency?

    A link that has ended counts too: what was alive at the échéance is asked later.
    """
    linked = select(LinkRow.dossier).where(LinkRow.permit == permit)
    query = (
        select(DossierRow)
        .where(DossierRow.number.in_(linked), DossierRow.phase != Phase.CLOSED)
        .order_by(DossierRow.number)
    )
    return (await session.scalars(query)).all()


# ------------------------------------------------------------- pages of one dossier


async def timeline_of(
    session: AsyncSession,
    number: str,
    *,
    after: int,
    limit: int,
    without: Collection[str] = (),
) -> Sequence[TimelineEntry]:
    """What happened in this dossier, after a position (exclusive)?"""
    query = (
        select(TimelineEntry)
        .where(
            TimelineEntry.dossier == number,
            TimelineEntry.position > after,
            TimelineEntry.what.not_in(without),
        )
        .order_by(TimelineEntry.position)
        .limit(limit)
    )
    return (await session.scalars(query)).all()


async def letters_of(session: AsyncSession, number: str) -> Sequence[Letter]:
    """Which letters were written for this dossier, oldest first?"""
    query = (
        select(Letter)
        .where(Letter.dossier == number)
        .order_by(Letter.occurred_at, Letter.key)
    )
    return (await session.scalars(query)).all()


async def invoices_of(session: AsyncSession, number: str) -> Sequence[InvoiceRow]:
    """Which invoices does this dossier have, oldest first?"""
    query = (
        select(InvoiceRow)
        .where(InvoiceRow.dossier == number)
        .order_by(InvoiceRow.asked_on, InvoiceRow.invoice_id)
    )
    return (await session.scalars(query)).all()


# ------------------------------------------------------------------ lists for staff


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierFilter:
    """Which dossiers a list shows; *search* is the start of words of a name, or of a
    number: what holds a digit is a number.
    """

    phase: Phase | None = None
    needs_staff: bool | None = None
    echeance_before: date | None = None
    search: str | None = None


async def dossiers_matching(
    session: AsyncSession, wanted: DossierFilter, *, after: str, limit: int
) -> Sequence[tuple[DossierRow, str]]:
    """Which dossiers match, by number after *after* (exclusive), with whose name?"""
    query = (
        select(DossierRow, Person.name)
        .join(Person, Person.person_id == DossierRow.person_id)
        .where(DossierRow.number > after)
        .order_by(DossierRow.number)
        .limit(limit)
    )
    rows = await session.execute(_narrowed(query, wanted))
    return [(row, name) for row, name in rows]


def _narrowed(
    query: Select[DossierRow, str], wanted: DossierFilter
) -> Select[DossierRow, str]:
    if wanted.phase is not None:
        query = query.where(DossierRow.phase == wanted.phase)
    if wanted.needs_staff is not None:
        query = query.where(DossierRow.needs_staff == wanted.needs_staff)
    if wanted.echeance_before is not None:
        query = query.where(DossierRow.echeance < wanted.echeance_before)
    if wanted.search is not None:
        query = query.where(_found_by(wanted.search))
    return query


def _found_by(search: str) -> ColumnElement[bool]:
    """Read a search so that an index answers it, among a million dossiers too."""
    if any(char.isdigit() for char in search):
        start = "".join(search.split()).replace("-", "").upper()
        return DossierRow.number.between(start, start + _AFTER_EVERY_NUMBER)
    asked = _WORDS.findall(name_key(search))
    if not asked:
        return false()
    found = " & ".join(f"{word}:*" for word in asked)
    words = func.to_tsvector(text("'simple'::regconfig"), Person.name_key)
    return words.bool_op("@@")(func.to_tsquery(text("'simple'::regconfig"), found))


_WORDS = re.compile(r"[^\W_]+")
_AFTER_EVERY_NUMBER = "Z" * 15


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFilter:
    """Which open tasks a list shows: all, those of *holder*, or nobody's."""

    holder: str | None = None
    unheld: bool = False


ALL_TASKS = TaskFilter()


async def open_tasks(
    session: AsyncSession,
    *,
    after: tuple[date, str] | None,
    limit: int,
    wanted: TaskFilter = ALL_TASKS,
) -> Sequence[TaskRow]:
    """What waits for a person, most urgent first, after a task (exclusive)?"""
    return (await session.scalars(_open_tasks(after, limit, wanted))).all()


async def open_tasks_with_names(
    session: AsyncSession,
    *,
    after: tuple[date, str] | None,
    limit: int,
    wanted: TaskFilter = ALL_TASKS,
) -> Sequence[tuple[TaskRow, str | None]]:
    """The same, with whose dossier each task is about, if it is about one."""
    query = (
        _open_tasks(after, limit, wanted)
        .add_columns(Person.name)
        .outerjoin(DossierRow, DossierRow.number == TaskRow.dossier)
        .outerjoin(Person, Person.person_id == DossierRow.person_id)
    )
    return [(task, name) for task, name in await session.execute(query)]


def _open_tasks(
    after: tuple[date, str] | None, limit: int, wanted: TaskFilter
) -> Select[TaskRow]:
    query = (
        select(TaskRow)
        .where(TaskRow.closed_at.is_(None))
        .order_by(TaskRow.due_on, TaskRow.task_id)
        .limit(limit)
    )
    if wanted.unheld:
        query = query.where(TaskRow.holder.is_(None))
    elif wanted.holder is not None:
        query = query.where(TaskRow.holder == wanted.holder)
    if after is not None:
        query = query.where(tuple_(TaskRow.due_on, TaskRow.task_id) > tuple_(*after))
    return query


# ---------------------------------------------------------------------------- money


async def open_payment_session(
    session: AsyncSession, invoice_id: str
) -> PaymentSession | None:
    """Is a try to pay this invoice under way? There is never a second one."""
    query = select(PaymentSession).where(
        PaymentSession.invoice_id == invoice_id, PaymentSession.state == "open"
    )
    return (await session.scalars(query)).one_or_none()


async def is_paid_or_being_counted(
    session: AsyncSession, number: str, invoice_id: str
) -> bool:
    """Is an invoice paid, or has its dossier money that it has not judged yet?"""
    paid = select(InvoiceRow.invoice_id).where(
        InvoiceRow.invoice_id == invoice_id, InvoiceRow.state == "paid"
    )
    being_counted = select(PaymentRow.payment_id).where(
        PaymentRow.dossier == number, PaymentRow.applied.is_(None)
    )
    return bool(
        await session.scalar(select(or_(paid.exists(), being_counted.exists())))
    )


async def payment_session_named(
    session: AsyncSession, name: str | None
) -> PaymentSession | None:
    """Which try is this, by the provider's name for it or by ours?"""
    if name is None:
        return None
    named = or_(
        PaymentSession.provider_session == name, PaymentSession.session_id == name
    )
    return (await session.scalars(select(PaymentSession).where(named))).first()


async def payment_sessions_without_answer(
    session: AsyncSession, *, before: datetime, limit: int
) -> Sequence[PaymentSession]:
    """Which tries begun before *before* (real) have not ended, oldest first?"""
    query = (
        select(PaymentSession)
        .where(PaymentSession.state == "open", PaymentSession.created_at < before)
        .order_by(PaymentSession.created_at, PaymentSession.session_id)
        .limit(limit)
    )
    return (await session.scalars(query)).all()


async def payment_sessions_paid_since(
    session: AsyncSession, *, since: datetime
) -> Sequence[PaymentSession]:
    """Which tries begun since then (real) were paid?"""
    query = (
        select(PaymentSession)
        .where(
            PaymentSession.state == "paid",
            PaymentSession.created_at >= since,
            PaymentSession.provider_session.is_not(None),
        )
        .order_by(PaymentSession.created_at, PaymentSession.session_id)
    )
    return (await session.scalars(query)).all()


async def dossiers_paid_before(
    session: AsyncSession, *, before: datetime, limit: int
) -> Sequence[DossierRow]:
    """Which dossiers were paid for before then (real), and still stand as if not?

    Many of them wait rightly, for an agency: the law tells them apart.
    """
    waits = or_(
        InvoiceRow.renews == DossierRow.echeance,
        and_(
            InvoiceRow.operation == Operation.ISSUE,
            DossierRow.phase == Phase.TO_FINALIZE,
        ),
    )
    query = (
        select(DossierRow)
        .join(InvoiceRow, InvoiceRow.dossier == DossierRow.number)
        .join(PaymentRow, PaymentRow.payment_id == InvoiceRow.payment_id)
        .where(InvoiceRow.state == "paid", waits, PaymentRow.told_at < before)
        .order_by(PaymentRow.told_at.desc(), DossierRow.number)
        .limit(limit)
    )
    return (await session.scalars(query)).unique().all()


async def dossier_of_invoice(session: AsyncSession, invoice_id: str) -> str | None:
    """Whose invoice is this?"""
    query = select(InvoiceRow.dossier).where(InvoiceRow.invoice_id == invoice_id)
    return (await session.scalars(query)).first()
