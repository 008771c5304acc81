"""Paying: what may be paid, what the provider tells, and money that fits nowhere."""

from datetime import timedelta
from typing import Any

import pytest

from payments.simulator import Simulator
from records.clock import set_ahead
from records.models import FactRow, InvoiceRow, LinkRow, PaymentSession, TaskRow
from rules.dossier import Dossier
from tests.api.doors import SECRET, Doors, signed
from tests.dossiers import (
    HOLDER,
    a_finalizing,
    a_holder,
    a_newcomer,
)

REP = "representative"
WEBHOOK = "/api/v1/webhooks/payments"


async def a_dossier_to_pay(doors: Doors) -> str:
    """Place, without any story, a dossier whose first invoice is open."""
    dossier = a_finalizing(doors.today - timedelta(days=30), here_since=doors.today)
    await doors.office.place(dossier)
    await place_invoices(doors, dossier)
    return dossier.number


async def place_invoices(doors: Doors, dossier: Dossier) -> None:
    await doors.office.add(
        *(
            InvoiceRow(
                invoice_id=invoice.invoice_id,
                dossier=dossier.number,
                operation=invoice.operation,
                asked_on=invoice.asked_on,
                renews=invoice.renews,
                state="open",
            )
            for invoice in dossier.invoices
        )
    )


def captured(begun: dict[str, Any], **changes: Any) -> dict[str, Any]:
    told = {
        "type": "payment.captured",
        "session_id": begun["session_id"],
        "payment_id": "pay_1",
        "invoice_id": begun["invoice_id"],
        "amount_cents": begun["amount_cents"],
        "currency": "CAD",
        "captured_at": "2026-11-24T17:00:00Z",
    }
    return told | changes


async def test_the_amount_is_that_of_today_and_ours(away: Doors) -> None:
    number = await a_dossier_to_pay(away)
    path = f"/api/v1/dossiers/{number}/payments"
    begun = await away.done(path, REP)
    invoices = (await away.get(f"/api/v1/dossiers/{number}/invoices"))["invoices"]
    assert [begun["amount_cents"]] == [i["amount_cents"] for i in invoices]
    assert begun["amount_cents"] > 0
    assert begun["currency"] == "CAD"
    assert begun["pay_url"].endswith(f"/simulateur/{begun['session_id']}")


async def test_paying_again_goes_on_with_the_try_under_way(away: Doors) -> None:
    path = f"/api/v1/dossiers/{await a_dossier_to_pay(away)}/payments"
    first, again = await away.done(path, REP), await away.done(path, REP)
    assert first["session_id"] == again["session_id"]
    assert len(await away.office.rows(PaymentSession)) == 1


async def test_no_second_try_begins_while_a_capture_waits_to_be_counted(
    away: Doors,
) -> None:
    path = f"/api/v1/dossiers/{await a_dossier_to_pay(away)}/payments"
    begun = await away.done(path, REP)
    assert (await away.hear(captured(begun), "msg_1")).status_code == 200
    answer = await away.post(path, REP)
    assert (answer.status_code, answer.json()["code"]) == (409, "already_paid")
    assert len(await away.office.rows(PaymentSession)) == 1


async def test_a_refused_try_is_followed_by_a_new_one(away: Doors) -> None:
    path = f"/api/v1/dossiers/{await a_dossier_to_pay(away)}/payments"
    first = await away.done(path, REP)
    told = {"type": "payment.refused", "session_id": first["session_id"]}
    assert (await away.hear(told, "msg_1")).status_code == 200
    assert (await away.done(path, REP))["session_id"] != first["session_id"]
    assert await away.office.rows(FactRow) == []


@pytest.mark.parametrize(
    ("dossier_in", "code"),
    [
        (a_newcomer, "nothing_to_pay"),
        (lambda today: a_holder(today + timedelta(days=300)), "nothing_to_pay"),
        (
            lambda today: a_holder(today - timedelta(days=20)),
            "too_late_to_renew",
        ),
        (
            lambda today: a_finalizing(today - timedelta(days=800)),
            "exam_lapsed",
        ),
    ],
    ids=["newcomer", "renewal not open", "expired", "exam too old"],
)
async def test_what_would_be_charged_in_vain_is_refused_before_the_charge(
    away: Doors, dossier_in: Any, code: str
) -> None:
    dossier = dossier_in(away.today)
    await away.office.place(dossier)
    answer = await away.post(f"/api/v1/dossiers/{dossier.number}/payments", REP)
    assert (answer.status_code, answer.json()["code"]) == (409, code)
    assert "None" not in answer.json()["detail"]
    assert await away.office.rows(PaymentSession) == []


async def test_nothing_is_paid_for_a_closed_dossier(doors: Doors) -> None:
    number = await doors.a_dossier()
    await doors.done(f"/api/v1/dossiers/{number}/cancellation", REP, {"text": "Fini."})
    answer = await doors.post(f"/api/v1/dossiers/{number}/payments", REP)
    assert (answer.status_code, answer.json()["code"]) == (409, "nothing_to_pay")


async def test_a_capture_told_twice_is_one_fact(away: Doors) -> None:
    number = await a_dossier_to_pay(away)
    begun = await away.done(f"/api/v1/dossiers/{number}/payments", REP)
    for _ in range(2):
        answer = await away.hear(captured(begun), "msg_1")
        assert (answer.status_code, answer.json()) == (200, {"received": True})
    (fact,) = await away.office.rows(FactRow)
    assert (fact.dossier, fact.kind) == (number, "invoice_paid")
    assert fact.body["amount_cents"] == begun["amount_cents"]
    session = await away.office.one(PaymentSession, begun["session_id"])
    assert (session.state, session.payment_id) == ("paid", "pay_1")


@pytest.mark.parametrize(
    "changes",
    [
        {"amount_cents": 1},
        {"amount_cents": 0},
        {"amount_cents": -18000},
        {"amount_cents": 10**15},
        {"currency": "USD"},
        {"invoice_id": "CAR202600000009-7"},
    ],
    ids=str,
)
async def test_money_that_is_not_what_was_agreed_is_kept_as_it_was_told(
    away: Doors, changes: dict[str, Any]
) -> None:
    number = await a_dossier_to_pay(away)
    begun = await away.done(f"/api/v1/dossiers/{number}/payments", REP)
    assert (await away.hear(captured(begun, **changes), "msg_1")).status_code == 200
    (fact,) = await away.office.rows(FactRow)
    assert fact.dossier == number
    assert {name: fact.body[name] for name in changes} == changes
    session = await away.office.one(PaymentSession, begun["session_id"])
    assert session.state == "paid"  # the try has ended, whatever its money is worth


async def test_a_wrong_amount_is_a_persons_task_and_pays_nothing(
    doors: Doors,
) -> None:
    number = await doors.a_dossier()
    await doors.an_exam(number)
    await doors.heard(number)
    begun = await doors.done(f"/api/v1/dossiers/{number}/payments", REP)
    at = f"{doors.today}T17:00:00Z"
    event = captured(begun, amount_cents=1, captured_at=at)
    await doors.hear(event, "msg_1")
    state = await doors.heard(number, role="officer")
    assert [t["reason"] for t in state["dossier"]["tasks"]] == ["wrong_amount"]
    assert state["dossier"]["invoices"][0]["paid"] is None


@pytest.mark.parametrize(
    "event",
    [
        {
            "type": "payment.captured",
            "payment_id": "pay_1",
            "invoice_id": "nowhere",
            "amount_cents": 18000,
            "currency": "CAD",
            "captured_at": "2026-11-24T17:00:00Z",
        },
        {
            "type": "payment.reversed",
            "payment_id": "pay_1",
            "reversed_at": "2026-11-24T17:00:00Z",
        },
    ],
    ids=lambda event: event["type"],
)
async def test_money_that_fits_no_dossier_is_kept_and_given_to_a_person(
    away: Doors, event: dict[str, Any]
) -> None:
    for _ in range(2):
        assert (await away.hear(event, "msg_1")).status_code == 200
    (fact,) = await away.office.rows(FactRow)
    (task,) = await away.office.rows(TaskRow)
    assert fact.state == "dead"
    assert (task.reason, task.about) == ("payment_unmatched", fact.fact_id)
    assert task.dossier is None
    settled = {"decision": "settle", "text": "Remboursé."}
    await away.done(f"/api/v1/staff/tasks/{task.task_id}/decision", "officer", settled)
    assert (await away.get("/api/v1/staff/tasks", "officer"))["tasks"] == []


async def test_a_capture_older_than_every_fee_is_given_to_a_person(
    away: Doors,
) -> None:
    number = await a_dossier_to_pay(away)
    begun = await away.done(f"/api/v1/dossiers/{number}/payments", REP)
    event = captured(begun, captured_at="2019-07-31T12:00:00Z")
    assert (await away.hear(event, "msg_1")).status_code == 200
    (task,) = await away.office.rows(TaskRow)
    assert task.reason == "payment_unmatched"


async def test_a_reversal_is_told_to_the_dossier_that_was_paid_for(
    away: Doors,
) -> None:
    number = await a_dossier_to_pay(away)
    begun = await away.done(f"/api/v1/dossiers/{number}/payments", REP)
    await away.hear(captured(begun), "msg_1")
    event = {
        "type": "payment.reversed",
        "payment_id": "pay_1",
        "reversed_at": "2026-11-25T17:00:00+00:00",
    }
    assert (await away.hear(event, "msg_2")).status_code == 200
    facts = {fact.kind: fact for fact in await away.office.rows(FactRow)}
    assert facts["payment_reversed"].dossier == number


@pytest.mark.parametrize(
    ("event", "status"),
    [
        ({"type": "payment.sparkled"}, 200),
        ({}, 400),
        ([], 400),
        ({"type": "payment.captured"}, 400),
        ({"type": "payment.refused", "session_id": "a b"}, 400),
        (
            {
                "type": "payment.reversed",
                "payment_id": "pay_1",
                "reversed_at": "2026-11-25T17:00:00",
            },
            400,
        ),
        (
            {
                "type": "payment.reversed",
                "payment_id": "pay_1",
                "reversed_at": "0001-01-01T00:00:00+14:00",
            },
            400,
        ),
        (
            {
                "type": "payment.captured",
                "payment_id": "pay_1",
                "invoice_id": "x",
                "amount_cents": True,
                "currency": "CAD",
                "captured_at": "2026-11-24T17:00:00Z",
            },
            400,
        ),
    ],
    ids=str,
)
async def test_a_signed_message_that_cannot_be_read_changes_nothing(
    away: Doors, event: Any, status: int
) -> None:
    answer = await away.hear(event, "msg_1")
    assert answer.status_code == status
    if status == 400:
        assert answer.json()["code"] == "bad_event"
    assert await away.office.rows(FactRow) == []


@pytest.mark.parametrize("fault", ["body", "id", "old", "ahead", "signature", "none"])
async def test_a_message_not_signed_by_the_provider_is_refused_and_not_kept(
    away: Doors, fault: str
) -> None:
    number = await a_dossier_to_pay(away)
    begun = await away.done(f"/api/v1/dossiers/{number}/payments", REP)
    age = {"old": 301, "ahead": -302}.get(fault, 0)
    body, headers = signed(captured(begun), "msg_1", seconds_ago=age)
    changes = {
        "id": {"webhook-id": "msg_2"},
        "signature": {"webhook-signature": "v1,YWJj"},
    }
    headers |= changes.get(fault, {})
    if fault == "none":
        del headers["webhook-signature"]
    if fault == "body":
        body = body.replace("pay_1", "pay_2")
    answer = await away.ask("POST", WEBHOOK, content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_signature")
    assert SECRET not in answer.text
    assert await away.office.rows(FactRow) == []


async def test_a_payment_made_at_the_simulator_renews_the_certificate(
    served: Doors,
) -> None:
    echeance = served.today + timedelta(days=40)
    dossier = a_holder(served.today + timedelta(days=40))
    await served.office.place(dossier)
    # A question asked of the story begins nothing; a told fact does.
    change = {"valid": True, "effective_on": str(served.today)}
    await served.an_agency()
    await served.office.add(*links_of(dossier))
    await served.done("/api/v1/permits/AR-1001/changes", "register", change)
    state = await served.heard(HOLDER)
    assert state["echeance"] == str(echeance)
    begun = await served.done(f"/api/v1/dossiers/{HOLDER}/payments", REP)
    assert begun["operation"] == "renewal"
    path = f"/simulator/sessions/{begun['session_id']}"
    paid = await served.done(f"{path}/approve", REP)
    assert (paid["state"], paid["webhook_status"]) == ("paid", 200)
    state = await served.heard(HOLDER)
    assert len(state["dossier"]["terms"]) == 2
    # The provider repeats itself: nothing more happens.
    assert (await served.done(f"{path}/approve", REP))["webhook_status"] == 200
    assert (await served.heard(HOLDER))["version"] == state["version"]
    refused = await served.post(f"{path}/refuse", REP)
    assert (refused.status_code, refused.json()["code"]) == (409, "session_settled")
    assert (await served.get(path))["state"] == "paid"


def links_of(dossier: Dossier) -> list[Any]:
    return [
        LinkRow(
            link_id=link.link_id,
            dossier=dossier.number,
            permit=link.permit,
            asked_on=link.asked_on,
            since=link.since,
        )
        for link in dossier.links
    ]


async def test_an_unknown_session_of_the_simulator_is_refused(away: Doors) -> None:
    for session_id in ("sim_unknown", "sim_" + "a" * 22, "..%2F..%2Ftokens"):
        answer = await away.post(f"/simulator/sessions/{session_id}/approve", REP)
        assert answer.status_code == 404, session_id


async def test_a_capture_happens_at_the_dossiers_own_instant(away: Doors) -> None:
    number = await a_dossier_to_pay(away)
    async with away.parts.sessions.begin() as session:
        await set_ahead(session, number, timedelta(days=100))
    begun = await away.done(f"/api/v1/dossiers/{number}/payments", REP)
    simulator = away.parts.provider
    assert isinstance(simulator, Simulator)
    paid = await away.done(f"/simulator/sessions/{begun['session_id']}/approve", REP)
    assert (paid["state"], paid["webhook_status"]) == ("paid", None)
    fetched = await simulator.fetch(begun["session_id"])
    assert fetched is not None
    assert fetched.payment is not None
    assert fetched.payment.captured_at.date() >= away.today + timedelta(days=99)
