"""What a record makes of each kind of row, and what it leaves to a person."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from activities.dossiers import Dossiers
from records.models import (
    Certificate,
    DossierRow,
    ExamResult,
    InvoiceRow,
    Letter,
    LinkRow,
    TaskRow,
    TimelineEntry,
)
from rules.dossier import Capture, Dossier, Ending, EndReason, Exam, Phase, Task
from tests.activities.office import Office, a_record, run
from tests.dossiers import (
    HOLDER,
    NEWCOMER,
    OTHER_PERMIT,
    TODAY,
    a_holder,
    a_link,
    a_newcomer,
    noon,
    with_renewal_paid,
)
from workflows.messages import (
    Entry,
    TaskOpened,
)

PAID_AT = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
TASK = Task("task-1", "mail_to_read", date(2026, 12, 1))


def _opened(task: Task = TASK) -> TaskOpened:
    return TaskOpened(
        task_id=task.task_id, reason=task.reason, due_on=task.due_on, about="mail-1"
    )


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
        "unknown": "unknown",
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
