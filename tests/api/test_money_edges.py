"""Money where a process dies, a page stays open too long, or two books differ."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from activities.money import UNFINISHED_AFTER, MoneySweep
from intake.paying import Payer, way_to_pay
from payments.due import ToPay
from payments.provider import SessionOrder, SessionState
from payments.simulator import Manner, Simulator
from records.models import FactRow, InvoiceRow, PaymentSession
from records.money import PaymentRow, RefundRow
from records.payments import Order, order_refund
from rules.civil_time import start_of
from rules.fees import amount_on
from tests.activities.giving_back import sweep_apart
from tests.api.doors import Doors
from tests.dossiers import a_finalizing, a_link, a_policy, with_issue_paid
from tests.kept import real_now
from workflows.upkeep import Check, Disagreement, Mend

A_WHILE = timedelta(minutes=3)
SHORTEST = timedelta(minutes=30, seconds=30)


def the_simulator(doors: Doors) -> Simulator:
    simulator = doors.parts.provider
    assert isinstance(simulator, Simulator)
    return simulator


async def swept(
    doors: Doors, *, hourly: bool = False, at: datetime | None = None
) -> list[Disagreement]:
    parts = doors.parts
    now = at or real_now() + A_WHILE
    sweep = MoneySweep(parts.sessions, parts.client, parts.provider, now)
    return await sweep.look(hourly=hourly, daily=False)


async def an_invoice(doors: Doors, *, state: str = "open") -> InvoiceRow:
    """Place, without any story, a dossier whose first invoice stands so."""
    dossier = a_finalizing(doors.today - timedelta(days=30), here_since=doors.today)
    await doors.office.place(dossier)
    row = InvoiceRow(
        invoice_id=f"{dossier.number}-1",
        dossier=dossier.number,
        operation="issue",
        asked_on=doors.today,
        state=state,
    )
    await doors.office.add(row)
    return row


async def a_session(doors: Doors, invoice: InvoiceRow) -> SessionOrder:
    """Open a page at the provider, as a try of ours."""
    order = SessionOrder(
        session_id="ps_of_the_test",
        dossier=a_finalizing(doors.today, here_since=doors.today).number,
        invoice_id=invoice.invoice_id,
        invoice_number="F-2026-000001",
        amount_cents=18000,
        expires_at=real_now() + timedelta(hours=1),
        return_url=f"/fr/dossier/{invoice.dossier}",
    )
    theirs = await the_simulator(doors).create_session(order)
    await doors.office.add(
        PaymentSession(
            session_id=order.session_id,
            provider_session=theirs.provider_session,
            invoice_id=invoice.invoice_id,
            amount_cents=order.amount_cents,
            state="open",
        )
    )
    return order


# ---------------------------------------------------------------- a process that dies


async def test_a_refund_cut_off_by_kills_goes_back_once(away: Doors) -> None:
    order = await a_session(away, await an_invoice(away))
    simulator = the_simulator(away)
    await simulator.approve(order.session_id, Manner.NEVER)
    await swept(away)
    (payment,) = await away.office.rows(PaymentRow)
    async with away.parts.sessions.begin() as session:
        assert await order_refund(
            session,
            Order(
                key=f"{payment.payment_id}/whole",
                payment_id=payment.payment_id,
                dossier=order.dossier,
                amount_cents=order.amount_cents,
                currency="CAD",
                why="double_payment",
            ),
        )

    settings = away.parts.settings
    for crash_at, gone_by_then in (("before_refund", 0), ("after_refund", 18000)):
        assert await sweep_apart(settings, crash_at=crash_at) == -9
        assert await _refunded(simulator, order) == gone_by_then
        (cut_off,) = await away.office.rows(RefundRow)
        assert (cut_off.state, cut_off.refund_id) == ("asked", None)

    await swept(away)
    assert await _refunded(simulator, order) == 18000
    (refund,) = await away.office.rows(RefundRow)
    assert (refund.state, refund.tries) == ("done", 3)
    facts = [row.kind for row in await away.office.rows(FactRow)]
    assert facts.count("payment_refunded") == 1


async def _refunded(simulator: Simulator, order: SessionOrder) -> int:
    theirs = await simulator.fetch(order.session_id)
    assert theirs is not None
    assert theirs.payment is not None
    return theirs.payment.refunded_cents


# ------------------------------------------------------ a page that stays open too long


async def test_a_page_does_not_outlive_the_amount_it_asks(
    away: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stripe ends no page within 30 minutes: then our sweep does, at that instant."""
    simulator = the_simulator(away)
    monkeypatch.setattr(simulator, "shortest_session", SHORTEST)
    invoice = await an_invoice(away)
    dossier = a_finalizing(away.today - timedelta(days=30), here_since=away.today)
    change = start_of(away.today)
    asked = replace(dossier.invoices[0], invoice_id=invoice.invoice_id)
    fee = amount_on(away.today, asked.operation, a_policy())
    due = ToPay(asked, fee, away.today + timedelta(days=30), away.today)
    eve = change - timedelta(minutes=10)
    payer = Payer(dossier.number, due, eve, "fr", away.parts.settings.public_url)

    begun = await way_to_pay(away.parts.sessions, simulator, payer)

    ours = await away.office.one(PaymentSession, begun.session_id)
    assert ours.expires_at == change
    order = await simulator.order_of(begun.session_id)
    assert order is not None
    assert order.expires_at == ours.created_at + SHORTEST
    await swept(away)
    theirs = await simulator.fetch(begun.session_id)
    assert theirs is not None
    assert theirs.state is SessionState.EXPIRED
    ended = await away.office.one(PaymentSession, begun.session_id)
    assert ended.state == "expired"


# --------------------------------------------------------------------- two books differ


async def test_what_is_paid_here_and_not_at_the_provider_is_for_a_person(
    away: Doors,
) -> None:
    order = await a_session(away, await an_invoice(away))
    async with away.parts.sessions.begin() as session:
        (await session.get_one(PaymentSession, order.session_id)).state = "paid"
    (found,) = await swept(away, hourly=True)
    assert (found.check, found.about) == (Check.MONEY, order.session_id)
    assert found.what == "paid here, not at the provider"
    assert found.mend is Mend.FOR_A_PERSON
    await the_simulator(away).approve(order.session_id, Manner.NEVER)
    found = (await swept(away, hourly=True))[0]
    assert (found.what, found.mend) == ("unknown here", Mend.REPAIRED)
    assert await swept(away, hourly=True) == []


async def test_what_is_paid_and_led_to_nothing_is_found_after_ten_minutes(
    away: Doors,
) -> None:
    passed_on = away.today - timedelta(days=30)
    unlinked = with_issue_paid(
        a_finalizing(passed_on, here_since=passed_on), real_now() - A_WHILE
    )
    owed = replace(unlinked, links=(a_link(away.today),))
    await away.office.place(owed)
    (invoice,) = owed.invoices
    assert invoice.paid is not None
    paid = invoice.paid
    await away.office.add(
        InvoiceRow(
            invoice_id=invoice.invoice_id,
            dossier=owed.number,
            operation="issue",
            asked_on=away.today,
            state="paid",
            payment_id=paid.payment_id,
            captured_at=paid.captured_at,
            amount_cents=paid.amount_cents,
        ),
        PaymentRow(
            payment_id=paid.payment_id,
            invoice_id=invoice.invoice_id,
            dossier=owed.number,
            amount_cents=paid.amount_cents,
            currency="CAD",
            captured_at=paid.captured_at,
            applied=True,
        ),
    )
    assert await swept(away, at=real_now() + UNFINISHED_AFTER - A_WHILE) == []
    (found,) = await swept(away, at=real_now() + UNFINISHED_AFTER + A_WHILE)
    assert (found.check, found.about) == (Check.FINISHED, owed.number)
    assert found.mend is Mend.FOR_A_PERSON
