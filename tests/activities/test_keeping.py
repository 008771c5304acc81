"""A record is kept whole, once, and never goes back."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import inspect
from sqlalchemy.exc import IntegrityError
from temporalio.client import Client

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
from rules.dossier import Capture, Dossier, Ending, EndReason, Exam, Phase, Task
from rules.reasons import EXPIRY_PAGE, Condition, Finding
from tests.activities.attempt import attempt
from tests.activities.office import Office, a_record, an_order, run
from tests.dossiers import (
    HOLDER,
    NEWCOMER,
    OTHER_PERMIT,
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


@pytest.fixture
async def effects(office: Office) -> Dossiers:
    """The effects, with a Temporal that does not answer."""
    return Dossiers(office.sessions, await Client.connect("127.0.0.1:1", lazy=True))


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


async def test_a_withdrawn_letter_is_cancelled_unless_it_may_have_left(
    office: Office, effects: Dossiers
) -> None:
    await office.place(a_holder())
    states = ["queued", "deferred", "unknown", "sending", "accepted", "refused"]
    await office.add(
        *(
            Letter(
                key=state,
                dossier=HOLDER,
                notice="reminder_7",
                ordered={},
                occurred_at=PAID_AT,
                state=state,
            )
            for state in states
        )
    )
    await run(effects.keep_record, a_record(a_holder(), withdrawn=tuple(states)))
    assert {x.key: x.state for x in await office.rows(Letter)} == {
        "queued": "cancelled",
        "deferred": "cancelled",
        "unknown": "cancelled",
        "sending": "sending",
        "accepted": "accepted",
        "refused": "refused",
    }


async def test_a_task_settled_and_raised_again_is_open_again(
    office: Office, effects: Dossiers
) -> None:
    await office.place(a_holder())
    with_task = a_holder().with_task(TASK)
    await run(effects.keep_record, a_record(with_task, 1, tasks_opened=(_opened(),)))
    await run(effects.keep_record, a_record(a_holder(), 2, tasks_closed=("task-1",)))
    assert (await office.one(TaskRow, "task-1")).closed_at == noon(TODAY)
    assert not (await office.one(DossierRow, HOLDER)).needs_staff
    again = a_record(
        with_task, 3, tasks_closed=("task-1",), tasks_opened=(_opened(), _opened())
    )
    await run(effects.keep_record, again)
    assert (await office.one(TaskRow, "task-1")).closed_at is None


async def test_an_overdue_task_is_marked(office: Office, effects: Dossiers) -> None:
    await office.place(a_holder())
    overdue = a_holder().with_task(replace(TASK, escalated=True))
    record = a_record(overdue, tasks_opened=(_opened(),), tasks_escalated=("task-1",))
    await run(effects.keep_record, record)
    assert (await office.one(TaskRow, "task-1")).escalated


@pytest.mark.parametrize(
    ("dossier", "phase", "status"),
    [
        (a_holder(), Phase.IN_FORCE, "in_force"),
        (a_holder(), Phase.SUSPENDED, "suspended"),
        (a_holder(), Phase.EXPIRED, "expired"),
        (
            replace(a_holder(), ending=Ending(EndReason.CANCELLED, TODAY)),
            Phase.CLOSED,
            "cancelled",
        ),
        (
            replace(a_holder(), ending=Ending(EndReason.RESULT_MOVED, TODAY)),
            Phase.CLOSED,
            "expired",
        ),
        (replace(a_holder(), terms=()), Phase.TO_FINALIZE, "cancelled"),
    ],
)
async def test_a_certificate_follows_the_phase(
    office: Office, effects: Dossiers, dossier: Dossier, phase: Phase, status: str
) -> None:
    await office.place(a_holder())
    await run(effects.keep_record, a_record(a_holder(), 1))
    await run(effects.keep_record, a_record(dossier, 2, phase=phase))
    (certificate,) = await office.rows(Certificate)
    assert certificate.status == status


async def test_a_dossier_that_never_had_a_certificate_gets_no_row_for_it(
    office: Office, effects: Dossiers
) -> None:
    await office.place(a_newcomer())
    await run(effects.keep_record, a_record(a_newcomer()))
    assert await office.rows(Certificate) == []


async def test_a_second_live_certificate_waits_for_a_person_and_the_rest_is_kept(
    office: Office, effects: Dossiers
) -> None:
    await office.place(a_holder())
    await office.place(a_holder(number=NEWCOMER, echeance=date(2028, 11, 1)))
    expired = a_record(a_holder(), 1, phase=Phase.EXPIRED)
    await run(effects.keep_record, expired)
    newer = a_holder(number=NEWCOMER, links=())
    await run(effects.keep_record, a_record(newer, 1, phase=Phase.IN_FORCE))

    back = a_record(
        a_holder(), 2, entries=(Entry(what="renewed", at=PAID_AT, by="rule"),)
    )
    await run(effects.keep_record, back)

    assert (await office.one(Certificate, HOLDER)).status == "expired"
    assert (await office.one(DossierRow, HOLDER)).version == 2
    assert len(await office.rows(TimelineEntry)) == 1
    (task,) = await office.rows(TaskRow)
    assert (task.reason, task.about, task.dossier) == (
        "second_certificate",
        HOLDER,
        None,
    )


async def test_one_capture_pays_one_invoice_and_a_person_looks_at_the_other(
    office: Office, effects: Dossiers
) -> None:
    await office.place(a_holder())
    await office.place(a_newcomer())
    paid = with_renewal_paid(a_holder(), PAID_AT)
    await run(effects.keep_record, a_record(paid))
    capture = Capture("pay-1", PAID_AT, 18500)
    other = replace(
        a_newcomer(),
        invoices=(replace(paid.invoices[0], invoice_id="invoice-2", paid=capture),),
    )
    await run(effects.keep_record, a_record(other))
    assert {i.invoice_id: i.payment_id for i in await office.rows(InvoiceRow)} == {
        paid.invoices[0].invoice_id: "pay-1",
        "invoice-2": None,
    }
    (task,) = await office.rows(TaskRow)
    assert (task.reason, task.about) == ("payment_counted_twice", "pay-1")


@pytest.mark.parametrize(
    ("paid", "reversed_on", "void_on", "state"),
    [
        (False, None, None, "open"),
        (False, None, TODAY, "void"),
        (True, None, None, "paid"),
        (True, TODAY, TODAY, "reversed"),
    ],
)
async def test_an_invoice_says_what_became_of_it(
    office: Office,
    effects: Dossiers,
    *,
    paid: bool,
    reversed_on: date | None,
    void_on: date | None,
    state: str,
) -> None:
    await office.place(a_holder())
    invoice = with_renewal_paid(a_holder(), PAID_AT).invoices[0]
    capture = Capture("pay-1", PAID_AT, 18500, reversed_on) if paid else None
    changed = replace(invoice, paid=capture, void_on=void_on)
    await run(effects.keep_record, a_record(a_holder().with_invoice(changed)))
    (row,) = await office.rows(InvoiceRow)
    assert row.state == state


async def test_keeping_never_moves_a_result_nor_takes_another_dossiers_link(
    office: Office, effects: Dossiers
) -> None:
    await office.place(a_holder())
    await office.place(a_newcomer())
    await run(effects.keep_record, a_record(a_holder()))
    other = replace(
        a_newcomer(),
        exam=Exam(f"exam-{HOLDER}", date(2020, 1, 1), here_since=TODAY),
        links=(a_link(permit=OTHER_PERMIT),),
    )
    await run(effects.keep_record, a_record(other))
    (result,) = await office.rows(ExamResult)
    (link,) = await office.rows(LinkRow)
    assert (result.home, result.passed_on) == (HOLDER, date(2022, 11, 20))
    assert (link.dossier, link.permit) == (HOLDER, "AR-1001")


async def test_a_corrected_exam_date_and_a_link_that_ended_are_followed(
    office: Office, effects: Dossiers
) -> None:
    await office.place(a_holder())
    await run(effects.keep_record, a_record(a_holder(), 1))
    changed = replace(
        a_holder(passed_on=date(2022, 11, 21)), links=(a_link(until=TODAY),)
    )
    await run(effects.keep_record, a_record(changed, 2))
    (result,) = await office.rows(ExamResult)
    (link,) = await office.rows(LinkRow)
    assert (result.passed_on, link.until) == (date(2022, 11, 21), TODAY)
