"""A record is kept whole, once, and never goes back."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import inspect
from sqlalchemy.exc import IntegrityError

from activities.dossiers import Dossiers
from activities.keeping import SETTLED_KEPT
from records.dossiers import restored
from records.models import (
    Base,
    Certificate,
    DecisionRow,
    DossierRow,
    ExamResult,
    FactRow,
    InvoiceRow,
    Letter,
    LinkRow,
    TaskRow,
    TimelineEntry,
)
from records.timeline import verify_timeline
from rules.dossier import Task
from rules.reasons import EXPIRY_PAGE, Condition, Finding
from tests.activities.attempt import attempt
from tests.activities.office import Office, a_record, an_order, run
from tests.dossiers import (
    HOLDER,
    RIVAL,
    TODAY,
    a_holder,
    a_link,
    a_newcomer,
    noon,
    with_renewal_paid,
)
from workflows.messages import (
    DecisionMade,
    Entry,
    InvoicePaid,
    Record,
    ResultAsked,
    Source,
    TaskOpened,
    Told,
)

PAID_AT = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
TASK = Task("task-1", "mail_to_read", date(2026, 12, 1))


def _opened(task: Task = TASK) -> TaskOpened:
    return TaskOpened(
        task_id=task.task_id, reason=task.reason, due_on=task.due_on, about="mail-1"
    )


def _a_fact(fact_id: str = "fact-1") -> FactRow:
    fact = InvoicePaid(
        fact_id=fact_id,
        source=Source.PAYMENT_PROVIDER,
        occurred_at=PAID_AT,
        received_at=PAID_AT,
        invoice_id="invoice-1",
        payment_id="pay-1",
        amount_cents=18500,
    )
    return FactRow(
        fact_id=fact_id,
        dossier=HOLDER,
        kind=fact.kind,
        source=fact.source,
        body=fact.model_dump(mode="json"),
        occurred_at=PAID_AT,
        received_at=PAID_AT,
    )


def _a_question(to: str = RIVAL) -> Told:
    asked = ResultAsked(
        fact_id="request-1:asked",
        source=Source.DOSSIER,
        occurred_at=noon(TODAY),
        received_at=noon(TODAY),
        by=HOLDER,
        request_id="request-1",
    )
    return Told.model_validate({"to": to, "fact": asked})


def a_full_record(version: int = 1) -> Record:
    """A turn in which everything happens."""
    dossier = with_renewal_paid(a_holder(), PAID_AT).with_task(TASK)
    return a_record(
        dossier,
        version,
        next_due_at=noon(date(2026, 12, 3)),
        settled=("duty-1", "duty-2"),
        applied=("fact-1",),
        entries=(
            Entry(what="invoice_paid", at=PAID_AT, by="rule", detail={"invoice": "1"}),
            Entry(what="renewed", at=noon(TODAY), by="rule"),
        ),
        letters=(an_order(dossier, "renewed"), an_order(dossier, "receipt")),
        decisions=(
            DecisionMade(
                decision_id="request-1",
                decided="accepted",
                by="rule",
                at=noon(TODAY),
                policy_version="CAR-2026",
                findings=(Finding(Condition.SAME_PERSON, True, EXPIRY_PAGE),),
                ground=Condition.LINKED_AT_ECHEANCE,
            ),
        ),
        tasks_opened=(_opened(),),
        told=(_a_question(),),
    )


async def _everything(office: Office) -> dict[str, list[dict[str, Any]]]:
    """Read every row of every table that a record touches, as values."""
    tables: list[type[Base]] = [
        *(DossierRow, LinkRow, InvoiceRow, ExamResult, Certificate, Letter),
        *(FactRow, DecisionRow, TaskRow, TimelineEntry),
    ]
    return {
        table.__tablename__: [
            {
                column.key: getattr(row, column.key)
                for column in inspect(table).column_attrs
            }
            for row in await office.rows(table)
        ]
        for table in tables
    }


async def test_all_that_a_turn_changed_is_kept(
    office: Office, effects: Dossiers
) -> None:
    await office.place(a_holder())
    await office.add(_a_fact())
    record = a_full_record()
    await run(effects.keep_record, record)

    row = await office.one(DossierRow, HOLDER)
    assert restored(row.facts) == record.dossier
    assert (row.phase, row.version, row.needs_staff) == ("in_force", 1, True)
    assert (row.kept_at, row.next_due_at) == (record.at, record.next_due_at)
    assert row.settled == ["duty-1", "duty-2"]
    (invoice,) = await office.rows(InvoiceRow)
    assert (invoice.state, invoice.captured_at) == ("paid", PAID_AT)
    assert invoice.renews == date(2026, 12, 10)
    (certificate,) = await office.rows(Certificate)
    assert (certificate.status, certificate.echeance) == ("in_force", row.echeance)
    (result,) = await office.rows(ExamResult)
    assert result.home == HOLDER
    assert {x.notice: x.state for x in await office.rows(Letter)} == {
        "renewed": "queued",
        "receipt": "queued",
    }
    assert {f.fact_id: (f.state, f.dossier) for f in await office.rows(FactRow)} == {
        "fact-1": ("applied", HOLDER),
        "request-1:asked": ("new", RIVAL),
    }
    (decision,) = await office.rows(DecisionRow)
    assert decision.findings[0]["condition"] == "same_person"
    (task,) = await office.rows(TaskRow)
    assert (task.dossier, task.closed_at, task.due_on) == (HOLDER, None, TASK.due_on)
    async with office.sessions() as session:
        assert await verify_timeline(session, HOLDER) is None


async def test_a_record_kept_twice_is_kept_once(
    office: Office, effects: Dossiers
) -> None:
    await office.place(a_holder())
    await office.add(_a_fact())
    await run(effects.keep_record, a_full_record())
    once = await _everything(office)
    await run(effects.keep_record, a_full_record())
    assert await _everything(office) == once


async def test_a_record_kept_by_many_at_once_is_kept_once(
    office: Office, effects: Dossiers
) -> None:
    await office.place(a_holder())
    await asyncio.gather(*(run(effects.keep_record, a_full_record()) for _ in range(8)))
    history = await office.rows(TimelineEntry)
    assert [entry.what for entry in history] == ["invoice_paid", "renewed"]


@pytest.mark.parametrize("crash_at", ["before_keep", "after_keep"])
async def test_a_record_whose_keeper_was_killed_is_kept_once_by_the_next(
    office: Office, effects: Dossiers, crash_at: str
) -> None:
    await office.place(a_holder())
    await office.add(_a_fact())
    assert await attempt(a_full_record(), office.url, crash_at=crash_at) == -9
    kept = await office.one(DossierRow, HOLDER)
    assert kept.version == (1 if crash_at == "after_keep" else 0)
    await run(effects.keep_record, a_full_record())
    history = await office.rows(TimelineEntry)
    assert [entry.what for entry in history] == ["invoice_paid", "renewed"]
    assert len(await office.rows(Letter)) == 2


async def test_a_late_retry_never_puts_a_dossier_back(
    office: Office, effects: Dossiers
) -> None:
    await office.place(a_holder())
    suspended = replace(a_holder(), links=(a_link(until=TODAY),))
    await run(effects.keep_record, a_record(suspended, version=7))
    await run(effects.keep_record, a_record(a_holder(), version=6))
    row = await office.one(DossierRow, HOLDER)
    assert (row.version, row.phase) == (7, "suspended")
    assert (await office.one(Certificate, HOLDER)).status == "suspended"


async def test_a_record_that_cannot_be_kept_whole_leaves_nothing(
    office: Office, effects: Dossiers
) -> None:
    await office.place(a_holder())
    await office.add(_a_fact())
    before = await _everything(office)
    record = a_full_record()
    by_the_machine = record.decisions[0].model_copy(update={"decided": "refused"})
    with pytest.raises(IntegrityError, match="only_a_person"):
        await run(
            effects.keep_record,
            record.model_copy(update={"decisions": (by_the_machine,)}),
        )
    assert await _everything(office) == before


async def test_an_error_of_the_database_tells_no_value(
    office: Office, effects: Dossiers
) -> None:
    await office.place(a_holder())
    record = a_full_record()
    decision = record.decisions[0].model_copy(
        update={"decided": "refused", "policy_version": "a-value-of-the-row"}
    )
    with pytest.raises(IntegrityError) as problem:
        await run(
            effects.keep_record, record.model_copy(update={"decisions": (decision,)})
        )
    assert "parameters hidden" in str(problem.value)
    assert "[parameters:" not in str(problem.value)


async def test_a_dossier_without_a_row_is_not_kept_in_silence(
    effects: Dossiers,
) -> None:
    with pytest.raises(LookupError):
        await run(effects.keep_record, a_record(a_newcomer()))


async def test_settled_duties_add_up_within_a_bound(
    office: Office, effects: Dossiers
) -> None:
    await office.place(a_holder())
    await run(effects.keep_record, a_record(a_holder(), 1, settled=("first", "again")))
    many = tuple(f"duty-{n}" for n in range(SETTLED_KEPT - 1))
    await run(effects.keep_record, a_record(a_holder(), 2, settled=("again", *many)))
    settled = (await office.one(DossierRow, HOLDER)).settled
    assert settled == ["again", *many]
