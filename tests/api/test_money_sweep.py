"""What nobody told is asked for; money that cannot serve goes back, once, by itself."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update

from activities.money import MoneySweep
from payments.provider import SessionOrder
from payments.simulator import Manner, Simulator
from records.models import Letter, PaymentSession
from records.money import PaymentRow, RefundRow
from tests.api.doors import Doors
from tests.kept import real_now
from workflows.upkeep import Check, Disagreement, Mend

REP = "representative"
A_WHILE = timedelta(minutes=3)


def the_simulator(doors: Doors) -> Simulator:
    simulator = doors.parts.provider
    assert isinstance(simulator, Simulator)
    return simulator


async def swept(
    doors: Doors, *, daily: bool = False, at: datetime | None = None
) -> list[Disagreement]:
    now = at or real_now() + A_WHILE
    parts = doors.parts
    sweep = MoneySweep(parts.sessions, parts.client, parts.provider, now)
    found = await sweep.look(hourly=daily, daily=daily)
    return [finding for finding in found if finding.check is Check.MONEY]


async def a_try(doors: Doors) -> tuple[str, dict[str, Any]]:
    number = await doors.a_dossier()
    await doors.an_exam(number)
    await doors.heard(number)
    return number, await doors.done(f"/api/v1/dossiers/{number}/payments", REP)


async def a_second_charge(doors: Doors, begun: dict[str, Any]) -> SessionOrder:
    """Charge the same invoice at the provider once more, and tell nobody."""
    order = await the_simulator(doors).order_of(begun["session_id"])
    assert order is not None
    again = replace(order, session_id="ps_of_another_browser")
    await the_simulator(doors).create_session(again)
    await the_simulator(doors).approve(again.session_id, Manner.NEVER)
    return again


async def test_a_capture_whose_message_is_lost_is_asked_for_and_counts(
    doors: Doors,
) -> None:
    number, begun = await a_try(doors)
    await the_simulator(doors).approve(begun["session_id"], Manner.NEVER)
    assert await swept(doors, at=real_now()) == []  # its message may still come
    (found,) = await swept(doors)
    assert (found.about, found.mend) == (begun["session_id"], Mend.REPAIRED)
    state = await doors.heard(number)
    assert state["dossier"]["invoices"][0]["paid"] is not None
    assert await swept(doors) == []


async def test_a_try_that_nobody_paid_ends_when_its_time_is_over(doors: Doors) -> None:
    number, begun = await a_try(doors)
    assert await swept(doors) == []
    assert (await doors.office.one(PaymentSession, begun["session_id"])).state == "open"
    assert await swept(doors, at=real_now() + timedelta(hours=2)) == []
    ended = await doors.office.one(PaymentSession, begun["session_id"])
    assert ended.state == "expired"
    again = await doors.done(f"/api/v1/dossiers/{number}/payments", REP)
    assert again["session_id"] != begun["session_id"]


async def test_a_second_charge_is_found_given_back_once_and_said(doors: Doors) -> None:
    number, begun = await a_try(doors)
    simulator = the_simulator(doors)
    await simulator.approve(begun["session_id"], Manner.NEVER)
    await swept(doors)
    await doors.heard(number)
    second = await a_second_charge(doors, begun)

    (found,) = await swept(doors, daily=True)
    assert (found.what, found.mend) == ("unknown here", Mend.REPAIRED)
    state = await doors.heard(number)
    assert len([i for i in state["dossier"]["invoices"] if i["paid"]]) == 1
    for _ in range(3):
        await swept(doors)
        await doors.heard(number)
    # As if the worker had died between the provider's answer and our commit.
    async with doors.parts.sessions.begin() as session:
        await session.execute(update(RefundRow).values(state="asked", refund_id=None))
    await swept(doors)
    state = await doors.heard(number)

    theirs = await simulator.fetch(second.session_id)
    assert theirs is not None
    assert theirs.payment is not None
    assert theirs.payment.refunded_cents == begun["amount_cents"]
    first = await simulator.fetch(begun["session_id"])
    assert first is not None
    assert first.payment is not None
    assert first.payment.refunded_cents == 0
    (refund,) = await doors.office.rows(RefundRow)
    assert (refund.state, refund.why) == ("done", "double_payment")
    entry = await doors.office.one(PaymentRow, theirs.payment.payment_id)
    assert (entry.applied, entry.refunded_cents) == (False, begun["amount_cents"])
    notices = [letter.notice for letter in await doors.office.rows(Letter)]
    assert notices.count("refund_due") == notices.count("receipt") == 1
    assert not state["needs_staff"]
    assert await swept(doors, daily=True) == []


async def test_a_payment_for_a_closed_dossier_goes_back_by_itself(doors: Doors) -> None:
    number, begun = await a_try(doors)
    await the_simulator(doors).approve(begun["session_id"], Manner.NEVER)
    await doors.done(f"/api/v1/dossiers/{number}/cancellation", REP, {"text": "Fini."})
    await swept(doors)
    await doors.heard(number)
    await swept(doors)
    (refund,) = await doors.office.rows(RefundRow)
    assert (refund.state, refund.why) == ("done", "payment_for_closed_dossier")
    theirs = await the_simulator(doors).fetch(begun["session_id"])
    assert theirs is not None
    assert theirs.payment is not None
    assert theirs.payment.refunded_cents == begun["amount_cents"]
