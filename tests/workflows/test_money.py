"""What becomes of money that comes twice, late, wrong, or goes back again."""

from datetime import date, datetime, timedelta

import pytest
from temporalio.client import WorkflowHandle

from rules.civil_time import civil_date, last_day_to_act, start_of
from rules.dossier import Invoice, Phase, VoidReason
from rules.policy import Policy
from tests.dossiers import HOLDER, NEWCOMER, a_holder, a_newcomer, a_policy
from tests.workflows.conftest import Clock
from tests.workflows.telling import exam, linked, paid, reversed_payment
from tests.workflows.world import World, phase_of, state_of
from workflows.messages import (
    Cancel,
    Correct,
    Correctable,
    PaymentRefunded,
    RefundRefused,
    Source,
)
from workflows.renewal import RenewalWorkflow

Story = WorkflowHandle[RenewalWorkflow, str]


async def a_renewal_to_pay(
    world: World, clock: Clock, days_left: int = 50
) -> tuple[Story, date, Invoice]:
    today = civil_date(await clock.read())
    story = await world.begin(a_holder(today + timedelta(days=days_left)))
    await clock.tick()
    [invoice] = await invoices_of(story)
    return story, today + timedelta(days=days_left), invoice


async def invoices_of(story: Story) -> tuple[Invoice, ...]:
    return (await state_of(story)).dossier.invoices


def refunded(at: datetime, cents: int, *, of: int = 18500) -> PaymentRefunded:
    return PaymentRefunded(
        fact_id=f"refund:pay-1:{cents}",
        source=Source.PAYMENT_PROVIDER,
        occurred_at=at,
        received_at=at,
        payment_id="pay-1",
        refunded_cents=cents,
        captured_cents=of,
    )


def with_renewals_at(cents: int, day: date) -> Policy:
    """The policy with another renewal fee from *day* on."""
    table = [
        {"from": f.starts_on, "cents": f.cents, "confirmed": f.confirmed, "source": "s"}
        for f in a_policy().fees_renewal
    ]
    row = {"from": day, "cents": cents, "confirmed": True, "source": "Gazette"}
    return a_policy(fees_renewal=[*table, row])


# ---------------------------------------------------------- the amount of the day


async def test_an_open_invoice_is_replaced_on_the_day_its_amount_changes(
    world: World, clock: Clock
) -> None:
    today = civil_date(await clock.read())
    changes_on = today + timedelta(days=20)
    world.policy = with_renewals_at(19000, changes_on)
    story, _, old = await a_renewal_to_pay(world, clock)
    assert old.asked_cents == 18500

    await clock.until(start_of(changes_on) - timedelta(seconds=1))
    assert await invoices_of(story) == (old,)
    await clock.until(start_of(changes_on) + timedelta(seconds=1))

    void, new = await invoices_of(story)
    assert (void.void_on, void.void_why) == (changes_on, VoidReason.REPLACED)
    assert (new.asked_cents, new.replaces) == (19000, old.invoice_id)
    assert new.renews == old.renews
    [letter] = [o for o in world.sent if o.notice == "invoice"]
    assert (letter.invoice_id, letter.replaces) == (new.invoice_id, old.invoice_id)
    assert letter.amount_cents == 19000


@pytest.mark.parametrize(
    ("seconds", "cents", "trouble"),
    [
        (-1, 18500, None),
        (0, 19000, None),
        (-1, 19000, "wrong_amount"),
        (0, 18500, "wrong_amount"),
    ],
)
async def test_on_the_edge_of_a_change_the_instant_of_capture_names_the_amount(
    world: World, clock: Clock, seconds: int, cents: int, trouble: str | None
) -> None:
    today = civil_date(await clock.read())
    changes_at = start_of(today + timedelta(days=20))
    world.policy = with_renewals_at(19000, civil_date(changes_at))
    story, _, old = await a_renewal_to_pay(world, clock)
    await clock.until(changes_at + timedelta(hours=1))

    at = changes_at + timedelta(seconds=seconds)
    await world.tell(HOLDER, paid(old.invoice_id, at, cents=cents, told_at=clock.now))
    await clock.tick()

    assert world.tasks(HOLDER) == ([trouble] if trouble else [])
    old_one, new_one = await invoices_of(story)
    renewed = len((await state_of(story)).dossier.terms) == 2
    assert renewed is (trouble is None)
    if trouble is None and seconds < 0:
        assert old_one.is_paid
        assert new_one.void_why is VoidReason.PAID_OTHERWISE
    elif trouble is None:
        # Money for the replaced invoice pays the one that took its place.
        assert new_one.is_paid
        assert old_one.void_why is VoidReason.REPLACED


async def test_an_amount_adopted_while_the_story_sleeps_is_heard_of_by_a_signal(
    world: World, clock: Clock
) -> None:
    story, *_ = await a_renewal_to_pay(world, clock)
    changes_on = civil_date(clock.now) + timedelta(days=5)

    world.policy = with_renewals_at(19100, changes_on)
    await story.signal("policy_changed")
    await clock.until(start_of(changes_on) + timedelta(seconds=1))

    assert [i.asked_cents for i in await invoices_of(story)] == [18500, 19100]
    duties = [o.key for o in world.sent if o.notice == "invoice"]
    assert len(duties) == 1


async def test_no_fee_that_could_serve_no_more_is_asked_again_at_a_change(
    world: World, clock: Clock
) -> None:
    today = civil_date(await clock.read())
    # The exam lapses at the very midnight at which the fee changes.
    passed_on = today.replace(year=today.year - 2) + timedelta(days=30)
    limit = last_day_to_act(today + timedelta(days=30), delays_extended=True)
    table = [
        {"from": f.starts_on, "cents": f.cents, "confirmed": True, "source": "s"}
        for f in a_policy().fees_issue
    ]
    row = {
        "from": limit + timedelta(days=1),
        "cents": 19000,
        "confirmed": True,
        "source": "s",
    }
    world.policy = a_policy(fees_issue=[*table, row])
    story = await world.begin(a_newcomer(today))
    await world.tell(NEWCOMER, exam(clock.now, passed_on))

    await clock.until(start_of(limit + timedelta(days=1)) + timedelta(seconds=1))

    assert await phase_of(story) is Phase.EXAM_AWAITED
    [invoice] = await invoices_of(story)
    assert invoice.void_why is VoidReason.EXAM_LAPSED
    assert "invoice" not in world.notices()


# ----------------------------------------------------- nothing can be paid in vain


async def test_the_invoice_of_a_renewal_is_void_once_the_certificate_has_expired(
    world: World, clock: Clock
) -> None:
    today = civil_date(await clock.read())
    wednesday = today + timedelta(days=42 + (2 - today.weekday()) % 7)
    story, echeance, _ = await a_renewal_to_pay(
        world, clock, (wednesday - today).days + 1
    )

    await clock.until(start_of(echeance) + timedelta(seconds=1))

    [invoice] = await invoices_of(story)
    assert (invoice.void_on, invoice.void_why) == (echeance, VoidReason.RENEWAL_OVER)


async def test_in_an_extended_delay_the_invoice_stays_open_to_its_end(
    world: World, clock: Clock
) -> None:
    today = civil_date(await clock.read())
    sunday = today + timedelta(days=56 + (6 - today.weekday()) % 7)
    story, _, _ = await a_renewal_to_pay(world, clock, (sunday - today).days + 1)
    open_day = last_day_to_act(sunday, delays_extended=True)
    over_at = start_of(open_day + timedelta(days=1))

    await clock.until(over_at - timedelta(seconds=1))
    assert await phase_of(story) is Phase.EXPIRED
    assert [i.is_open for i in await invoices_of(story)] == [True]
    await clock.until(over_at + timedelta(seconds=1))

    [invoice] = await invoices_of(story)
    assert invoice.void_why is VoidReason.RENEWAL_OVER


async def test_money_for_a_closed_dossier_goes_back_by_itself(
    world: World, clock: Clock
) -> None:
    story, _, invoice = await a_renewal_to_pay(world, clock)
    await story.execute_update(
        RenewalWorkflow.cancel, Cancel(command_id="x-1", by="person")
    )
    assert await story.result() == "closed"

    at = await clock.read()
    await world.tell(HOLDER, paid(invoice.invoice_id, at, cents=18500))
    await clock.tick()

    assert world.refunds(HOLDER) == [("pay-1", 18500, "payment_for_closed_dossier")]
    assert world.notices()[-1] == "refund_due"
    [voided] = world.records[HOLDER][-1].dossier.invoices
    assert voided.void_why is VoidReason.DOSSIER_CLOSED


# ------------------------------------------------------------- money that is wrong


@pytest.mark.parametrize(
    ("cents", "currency", "why"),
    [(18499, "CAD", "wrong_amount"), (18500, "USD", "wrong_currency")],
)
async def test_money_that_is_not_the_fee_is_said_to_be_so_with_what_is_due(
    world: World, clock: Clock, cents: int, currency: str, why: str
) -> None:
    story, echeance, invoice = await a_renewal_to_pay(world, clock)
    fact = paid(invoice.invoice_id, clock.now, cents=cents)

    await world.tell(HOLDER, fact.model_copy(update={"currency": currency}))
    await clock.tick()

    assert world.tasks(HOLDER) == [why]
    assert world.refunds(HOLDER) == []
    [letter] = [o for o in world.sent if o.notice == "invoice"]
    assert (letter.received_cents, letter.received_currency) == (cents, currency)
    assert letter.amount_cents == 18500
    assert letter.act_before == echeance - timedelta(days=1)
    assert [i.is_open for i in await invoices_of(story)] == [True]


async def test_a_double_payment_counts_across_a_replaced_invoice(
    world: World, clock: Clock
) -> None:
    today = civil_date(await clock.read())
    changes_on = today + timedelta(days=20)
    world.policy = with_renewals_at(19000, changes_on)
    story, _, old = await a_renewal_to_pay(world, clock)
    await clock.until_day(changes_on)
    _, new = await invoices_of(story)
    await world.tell(HOLDER, paid(new.invoice_id, clock.now, cents=19000))
    await clock.tick()

    before = start_of(changes_on) - timedelta(seconds=1)
    late = paid(
        old.invoice_id, before, cents=18500, payment_id="pay-2", told_at=clock.now
    )
    await world.tell(HOLDER, late)
    await clock.tick()

    assert world.refunds(HOLDER) == [("pay-2", 18500, "double_payment")]
    assert len((await state_of(story)).dossier.terms) == 2


# ------------------------------------------------------------- money that goes back


async def test_a_reversal_told_before_its_own_capture_grants_nothing(
    world: World, clock: Clock
) -> None:
    story, _, invoice = await a_renewal_to_pay(world, clock)
    fact = paid(invoice.invoice_id, clock.now, cents=18500)
    back = reversed_payment(clock.now)

    await world.tell(HOLDER, fact.model_copy(update={"taken_back": (back,)}))
    await clock.tick()

    first, again = await invoices_of(story)
    assert first.paid is not None
    assert first.void_why is VoidReason.REVERSED
    assert again.is_open
    assert again.replaces == first.invoice_id
    assert len((await state_of(story)).dossier.terms) == 1
    assert "renewed" not in world.notices()


async def test_a_reversal_after_the_new_term_began_is_written_and_marked(
    world: World, clock: Clock
) -> None:
    story, echeance, invoice = await a_renewal_to_pay(world, clock)
    await world.tell(HOLDER, paid(invoice.invoice_id, clock.now, cents=18500))
    await clock.until_day(echeance + timedelta(days=2))

    await world.tell(HOLDER, reversed_payment(clock.now))
    await clock.tick()

    assert world.tasks(HOLDER) == ["payment_reversed_after_issue"]
    [paid_one] = await invoices_of(story)
    assert paid_one.paid is not None
    assert paid_one.paid.reversed_on == civil_date(clock.now)
    [letter] = [o for o in world.sent if o.notice == "payment_reversed"]
    assert letter.act_before is None
    assert await phase_of(story) is Phase.IN_FORCE


async def test_a_partial_refund_is_marked_and_changes_nothing_else(
    world: World, clock: Clock
) -> None:
    story, _, invoice = await a_renewal_to_pay(world, clock)
    await world.tell(HOLDER, paid(invoice.invoice_id, clock.now, cents=18500))
    await clock.tick()

    for cents in (5000, 2000):  # told in the wrong order: totals only grow
        await world.tell(HOLDER, refunded(clock.now, cents))
        await clock.tick()

    [paid_one] = await invoices_of(story)
    assert paid_one.paid is not None
    assert paid_one.paid.refunded_cents == 5000
    assert paid_one.is_paid
    assert len((await state_of(story)).dossier.terms) == 2


async def test_a_fee_given_back_whole_before_issue_is_asked_again(
    world: World, clock: Clock
) -> None:
    today = civil_date(await clock.read())
    story = await world.begin(a_newcomer(today))
    await world.tell(NEWCOMER, exam(clock.now, today))
    await clock.tick()
    [invoice] = await invoices_of(story)
    await world.tell(NEWCOMER, paid(invoice.invoice_id, clock.now))
    await world.tell(NEWCOMER, refunded(clock.now, 18000, of=18000))
    await world.tell(NEWCOMER, linked(clock.now, today))
    await clock.tick()

    first, again = await invoices_of(story)
    assert first.void_why is VoidReason.REFUNDED
    assert again.is_open
    assert await phase_of(story) is Phase.TO_FINALIZE


async def test_a_refund_ends_the_task_about_its_payment(
    world: World, clock: Clock
) -> None:
    story, _, invoice = await a_renewal_to_pay(world, clock)
    await world.tell(HOLDER, paid(invoice.invoice_id, clock.now, cents=1))
    await clock.tick()
    assert [t.reason for t in (await state_of(story)).dossier.tasks] == ["wrong_amount"]

    await world.tell(HOLDER, refunded(clock.now, 1, of=1))
    await clock.tick()

    assert (await state_of(story)).dossier.tasks == ()
    assert world.notices().count("refund_due") == 1


async def test_a_refund_that_the_provider_refuses_is_a_persons_task(
    world: World, clock: Clock
) -> None:
    await a_renewal_to_pay(world, clock)
    refused = RefundRefused(
        fact_id="refund:pay-1:refused",
        source=Source.PAYMENT_PROVIDER,
        occurred_at=clock.now,
        received_at=clock.now,
        payment_id="pay-1",
        amount_cents=18500,
    )

    await world.tell(HOLDER, refused)
    await clock.tick()

    assert world.tasks(HOLDER) == ["refund_refused"]


async def test_an_invoice_asked_for_an_echeance_since_corrected_cannot_be_paid(
    world: World, clock: Clock
) -> None:
    story, echeance, old = await a_renewal_to_pay(world, clock)
    corrected = echeance + timedelta(days=3)
    command = Correct(
        command_id="c-1",
        by="officer",
        text_id="text-1",
        what=Correctable.ECHEANCE,
        value=corrected,
    )

    await story.execute_update(RenewalWorkflow.correct, command)

    first, present = await invoices_of(story)
    assert first.invoice_id == old.invoice_id
    assert first.void_why is VoidReason.REPLACED
    assert present.is_open
    assert (present.renews, present.replaces) == (corrected, old.invoice_id)
