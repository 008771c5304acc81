"""A holder's two years: reminders, renewal, suspension, expiry."""

from datetime import date, timedelta

import pytest
from temporalio.client import WorkflowHandle

from rules.civil_time import civil_date, delay, last_day_to_act, start_of
from rules.dossier import Dossier, Invoice, Phase
from tests.dossiers import HOLDER, PERMIT, a_holder, a_link, a_policy
from tests.workflows.conftest import Clock
from tests.workflows.telling import linked, paid, permit, reversed_payment, unlinked
from tests.workflows.world import World, phase_of, state_of
from workflows.messages import LetterBounced, LetterOrder, Posted, Source
from workflows.renewal import RenewalWorkflow

LADDER = [f"reminder_{days}" for days in (90, 60, 30, 14, 7, 1, 0)]


async def a_term_with_days_left(clock: Clock, days: int) -> Dossier:
    today = civil_date(await clock.read())
    return a_holder(echeance=today + timedelta(days=days))


async def a_renewal_to_pay(
    world: World, clock: Clock
) -> tuple[WorkflowHandle[RenewalWorkflow, str], date, Invoice]:
    """A holder 50 days before the échéance, whose next fee has just been asked."""
    holder = await a_term_with_days_left(clock, 50)
    story = await world.begin(holder)
    await clock.tick()
    [invoice] = (await state_of(story)).dossier.invoices
    return story, echeance_of(holder), invoice


def echeance_of(dossier: Dossier) -> date:
    assert dossier.echeance is not None
    return dossier.echeance


def reminders(world: World) -> list[LetterOrder]:
    return [order for order in world.sent if order.notice in LADDER]


async def test_every_reminder_leaves_on_its_day_and_the_last_letter_says_expired(
    world: World, clock: Clock
) -> None:
    holder = await a_term_with_days_left(clock, 400)
    echeance = echeance_of(holder)
    story = await world.begin(holder)

    await clock.until(start_of(echeance) + timedelta(hours=1))

    last_valid_day = echeance - timedelta(days=1)
    assert {o.notice: civil_date(o.occurred_at) for o in reminders(world)} == {
        f"reminder_{days}": last_valid_day - timedelta(days=days)
        for days in (90, 60, 30, 14, 7, 1, 0)
    }
    assert world.notices().count("account_dormant") == 1
    assert world.notices()[-1] == "expired"
    assert len(world.sent) == 9
    assert await phase_of(story) is Phase.EXPIRED


async def test_reminders_leave_between_nine_and_eleven_in_quebec(
    world: World, clock: Clock
) -> None:
    holder = await a_term_with_days_left(clock, 120)
    await world.begin(holder)

    await clock.until(start_of(echeance_of(holder)))

    since_midnight = [
        order.occurred_at - start_of(civil_date(order.occurred_at))
        for order in reminders(world)
    ]
    assert len(since_midnight) == 7
    # A day of clock change makes 09:00 local come 8 or 10 hours after midnight.
    assert all(timedelta(hours=8) <= at < timedelta(hours=12) for at in since_midnight)


async def test_a_paid_renewal_stops_every_later_reminder_and_arms_the_next_term(
    world: World, clock: Clock
) -> None:
    holder = await a_term_with_days_left(clock, 100)
    echeance = echeance_of(holder)
    story = await world.begin(holder)
    await clock.until_day(echeance - timedelta(days=40))
    [invoice] = (await state_of(story)).dossier.invoices

    await world.tell(HOLDER, paid(invoice.invoice_id, clock.now, cents=18500))
    await clock.until(start_of(echeance) + timedelta(days=1))

    assert [o.notice for o in reminders(world)] == ["reminder_90", "reminder_60"]
    assert {"receipt", "renewed"} <= set(world.notices())
    state = await state_of(story)
    assert state.phase is Phase.IN_FORCE
    assert [t.start for t in state.dossier.terms[1:]] == [echeance]
    assert state.next_due_at is not None
    assert state.next_due_at > clock.now + timedelta(days=600)


@pytest.mark.parametrize(
    ("days_left", "sent"),
    [(40, ["reminder_60"]), (10, ["reminder_14"]), (3, ["reminder_7"])],
)
async def test_a_dossier_taken_over_late_hears_only_the_present_step(
    world: World, clock: Clock, days_left: int, sent: list[str]
) -> None:
    holder = await a_term_with_days_left(clock, days_left + 1)
    await world.begin(holder)

    await clock.tick()

    assert [o.notice for o in reminders(world)] == sent
    assert "superseded" in world.entries(HOLDER)


async def test_a_payment_captured_in_time_and_told_late_corrects_the_expiry(
    world: World, clock: Clock
) -> None:
    story, echeance, invoice = await a_renewal_to_pay(world, clock)
    await clock.until(start_of(echeance) + timedelta(days=3))
    assert await phase_of(story) is Phase.EXPIRED

    last_second = start_of(echeance) - timedelta(seconds=1)
    late = paid(invoice.invoice_id, last_second, cents=18500, told_at=clock.now)
    await world.tell(HOLDER, late)
    await clock.tick()

    assert await phase_of(story) is Phase.IN_FORCE
    [renewed] = [o for o in world.sent if o.notice == "renewed"]
    assert renewed.expiry_corrected


async def test_a_payment_at_the_first_second_after_the_delay_is_not_a_renewal(
    world: World, clock: Clock
) -> None:
    story, echeance, invoice = await a_renewal_to_pay(world, clock)
    last = last_day_to_act(echeance - timedelta(days=1), delays_extended=True)
    too_late = start_of(last + timedelta(days=1))
    await clock.until(too_late + timedelta(hours=1))

    await world.tell(HOLDER, paid(invoice.invoice_id, too_late, cents=18500))
    await clock.tick()

    assert await phase_of(story) is Phase.EXPIRED
    assert world.refunds(HOLDER) == [("pay-1", 18500, "payment_too_late")]
    assert "refund_due" in world.notices()


async def test_a_renewal_on_the_open_day_after_a_closed_last_day_is_timely(
    world: World, clock: Clock
) -> None:
    today = civil_date(await clock.read())
    sunday = today + timedelta(days=56 + (6 - today.weekday()) % 7)
    holder = a_holder(echeance=sunday + timedelta(days=1))
    story = await world.begin(holder)
    await clock.tick()
    [invoice] = (await state_of(story)).dossier.invoices
    open_day = last_day_to_act(sunday, delays_extended=True)
    assert open_day > sunday
    await clock.until_day(open_day)
    assert await phase_of(story) is Phase.EXPIRED

    await world.tell(HOLDER, paid(invoice.invoice_id, clock.now, cents=18500))
    await clock.tick()

    assert await phase_of(story) is Phase.IN_FORCE


async def test_the_same_payment_told_three_times_renews_once(
    world: World, clock: Clock
) -> None:
    story, _, invoice = await a_renewal_to_pay(world, clock)

    for _ in range(3):
        await world.tell(HOLDER, paid(invoice.invoice_id, clock.now, cents=18500))
        await clock.tick()

    assert len((await state_of(story)).dossier.terms) == 2
    assert world.notices().count("renewed") == 1


async def test_a_second_payment_of_one_invoice_goes_back_by_itself(
    world: World, clock: Clock
) -> None:
    story, _, invoice = await a_renewal_to_pay(world, clock)

    for payment in ("pay-1", "pay-2"):
        await world.tell(
            HOLDER,
            paid(invoice.invoice_id, clock.now, cents=18500, payment_id=payment),
        )
        await clock.tick()

    assert len((await state_of(story)).dossier.terms) == 2
    assert world.refunds(HOLDER) == [("pay-2", 18500, "double_payment")]
    assert world.tasks(HOLDER) == []
    assert "refund_due" in world.notices()


@pytest.mark.parametrize("cents", [1, 18499, 18501, 10_000_000])
async def test_a_wrong_amount_renews_nothing_and_goes_to_a_person(
    world: World, clock: Clock, cents: int
) -> None:
    story, _, invoice = await a_renewal_to_pay(world, clock)

    await world.tell(HOLDER, paid(invoice.invoice_id, clock.now, cents=cents))
    await clock.tick()

    assert len((await state_of(story)).dossier.terms) == 1
    assert world.tasks(HOLDER) == ["wrong_amount"]


async def test_a_reversal_told_before_the_new_term_brings_the_reminders_back(
    world: World, clock: Clock
) -> None:
    story, echeance, invoice = await a_renewal_to_pay(world, clock)
    await world.tell(HOLDER, paid(invoice.invoice_id, clock.now, cents=18500))
    await clock.tick()

    await world.tell(HOLDER, reversed_payment(clock.now))
    await clock.until(start_of(echeance) + timedelta(hours=1))

    assert "payment_reversed" in world.notices()
    assert [o.notice for o in reminders(world)][-1] == "reminder_0"
    assert await phase_of(story) is Phase.EXPIRED


async def test_a_reversal_told_after_the_new_term_began_is_left_to_a_person(
    world: World, clock: Clock
) -> None:
    story, echeance, invoice = await a_renewal_to_pay(world, clock)
    await world.tell(HOLDER, paid(invoice.invoice_id, clock.now, cents=18500))
    await clock.until_day(echeance + timedelta(days=2))

    await world.tell(HOLDER, reversed_payment(clock.now))
    await clock.tick()

    assert world.tasks(HOLDER) == ["payment_reversed_after_issue"]
    assert await phase_of(story) is Phase.IN_FORCE


async def test_the_last_link_lost_suspends_from_that_day_and_a_new_one_reinstates(
    world: World, clock: Clock
) -> None:
    holder = await a_term_with_days_left(clock, 300)
    story = await world.begin(holder)
    await clock.tick()
    end = civil_date(clock.now) + timedelta(days=10)

    await world.tell(HOLDER, unlinked(clock.now, end))
    await clock.until(start_of(end) - timedelta(minutes=1))
    assert await phase_of(story) is Phase.IN_FORCE
    await clock.until(start_of(end) + timedelta(minutes=1))
    assert await phase_of(story) is Phase.SUSPENDED
    await world.tell(HOLDER, linked(clock.now, end))
    await clock.tick()

    assert await phase_of(story) is Phase.IN_FORCE
    assert [n for n in world.notices() if n in {"suspended", "reinstated"}] == [
        "suspended",
        "reinstated",
    ]


async def test_one_of_two_agencies_losing_its_permit_changes_nothing(
    world: World, clock: Clock
) -> None:
    holder = await a_term_with_days_left(clock, 300)
    today = civil_date(clock.now)
    start = holder.terms[0].start
    other = a_link(since=start, permit=PERMIT.replace("1", "9"), link_id="link-2")  # type: ignore[arg-type] # another permit
    story = await world.begin(
        a_holder(echeance_of(holder), links=(a_link(since=start), other))
    )

    await world.tell(HOLDER, permit(clock.now, today, valid=False))
    await clock.tick()
    assert await phase_of(story) is Phase.IN_FORCE
    await world.tell(HOLDER, unlinked(clock.now, today, link_id="link-2"))
    await clock.tick()
    assert await phase_of(story) is Phase.SUSPENDED
    await world.tell(HOLDER, permit(clock.now, today + timedelta(days=5), valid=True))
    await clock.until_day(today + timedelta(days=6))

    assert await phase_of(story) is Phase.IN_FORCE


async def test_a_renewal_paid_while_suspended_renews_and_stays_suspended(
    world: World, clock: Clock
) -> None:
    holder = await a_term_with_days_left(clock, 50)
    story = await world.begin(holder)
    await clock.tick()
    await world.tell(HOLDER, unlinked(clock.now, civil_date(clock.now)))
    await clock.tick()
    [invoice] = (await state_of(story)).dossier.invoices

    await world.tell(HOLDER, paid(invoice.invoice_id, clock.now, cents=18500))
    await clock.tick()

    state = await state_of(story)
    assert state.phase is Phase.SUSPENDED
    assert len(state.dossier.terms) == 2


async def test_more_than_two_years_without_a_link_ends_the_certificate(
    world: World, clock: Clock
) -> None:
    holder = await a_term_with_days_left(clock, 60)
    today = civil_date(clock.now)
    story = await world.begin(holder)
    await world.tell(HOLDER, unlinked(clock.now, today))
    await clock.tick()
    [invoice] = (await state_of(story)).dossier.invoices
    await world.tell(HOLDER, paid(invoice.invoice_id, clock.now, cents=18500))
    limit = last_day_to_act(today.replace(year=today.year + 2), delays_extended=True)

    await clock.until_day(limit)
    assert await phase_of(story) is Phase.SUSPENDED
    await clock.until_day(limit + timedelta(days=1))

    assert await phase_of(story) is Phase.EXPIRED
    assert "unlinked_too_long" in world.notices()


# ---------------------------------------------------------------------- letters


async def test_a_relay_that_defers_is_asked_again_until_it_accepts(
    world: World, clock: Clock
) -> None:
    holder = await a_term_with_days_left(clock, 92)
    world.replies["reminder_90"] = ["450 later", "451 busy"]
    await world.begin(holder)

    await clock.until_day(echeance_of(holder) - timedelta(days=90))

    assert [o.notice for o in reminders(world)] == ["reminder_90"]


async def test_a_reminder_deferred_while_the_person_pays_is_never_sent(
    world: World, clock: Clock
) -> None:
    holder = await a_term_with_days_left(clock, 62)
    echeance = echeance_of(holder)
    story = await world.begin(holder)
    await clock.tick()
    [invoice] = (await state_of(story)).dossier.invoices
    world.replies["reminder_60"] = ["450 later"] * 1000
    await clock.until_day(echeance - timedelta(days=60))

    await world.tell(HOLDER, paid(invoice.invoice_id, clock.now, cents=18500))
    await clock.tick()
    world.replies["reminder_60"] = []
    await clock.until_day(echeance - timedelta(days=55))

    assert [o.notice for o in reminders(world)] == ["reminder_90"]
    assert "letter_withdrawn" in world.entries(HOLDER)


async def test_a_reminder_that_cannot_leave_in_its_window_gives_way_to_the_next(
    world: World, clock: Clock
) -> None:
    holder = await a_term_with_days_left(clock, 62)
    world.replies["reminder_60"] = ["450 later"] * 10_000
    await world.begin(holder)

    await clock.until_day(echeance_of(holder) - timedelta(days=31))

    assert [o.notice for o in reminders(world)] == ["reminder_90", "reminder_30"]


async def test_an_expiry_does_not_wait_for_a_dead_relay(
    world: World, clock: Clock
) -> None:
    holder = await a_term_with_days_left(clock, 2)
    for notice in (*LADDER, "expired", "account_dormant"):
        world.replies[notice] = ["relay down"] * 10_000
    story = await world.begin(holder)

    await clock.until(start_of(echeance_of(holder)) + timedelta(minutes=1))

    assert await phase_of(story) is Phase.EXPIRED
    assert world.sent == []


@pytest.mark.parametrize(
    ("reply", "task"),
    [(Posted.REFUSED, "letter_refused"), (Posted.UNKNOWN, "letter_unknown")],
)
async def test_a_letter_that_did_not_arrive_goes_to_a_person(
    world: World, clock: Clock, reply: Posted, task: str
) -> None:
    holder = await a_term_with_days_left(clock, 50)
    world.replies["reminder_60"] = [reply]
    story = await world.begin(holder)

    await clock.tick()

    assert world.tasks(HOLDER) == [task]
    assert (await state_of(story)).dossier.tasks[0].reason == task


async def test_a_bounce_goes_to_a_person(world: World, clock: Clock) -> None:
    holder = await a_term_with_days_left(clock, 50)
    story = await world.begin(holder)
    await clock.tick()

    bounce = LetterBounced(
        fact_id="bounce-1",
        source=Source.RELAY,
        occurred_at=clock.now,
        received_at=clock.now,
        letter_key=world.sent[0].key,
    )
    await world.tell(HOLDER, bounce)
    await clock.tick()

    assert world.tasks(HOLDER) == ["letter_bounced"]
    assert await phase_of(story) is Phase.IN_FORCE


@pytest.mark.parametrize(
    ("notice", "days"), [("expired", 1), ("reminder_1", 1), ("receipt", 5)]
)
async def test_a_letter_about_a_right_that_comes_back_is_posted_within_a_day(
    world: World, clock: Clock, notice: str, days: int
) -> None:
    holder = await a_term_with_days_left(clock, 200)
    story = await world.begin(holder)
    bounce = LetterBounced(
        fact_id="bounce-1",
        source=Source.RELAY,
        occurred_at=clock.now,
        received_at=clock.now,
        letter_key=f"{HOLDER}/2026-12-10/{notice}",
    )
    await world.tell(HOLDER, bounce)
    await clock.tick()

    [task] = (await state_of(story)).dossier.tasks
    today = civil_date(clock.now)
    assert task.due_on == delay(today, days, delays_extended=True)


async def test_a_task_left_alone_is_escalated_on_its_due_date(
    world: World, clock: Clock
) -> None:
    holder = await a_term_with_days_left(clock, 50)
    world.replies["reminder_60"] = [Posted.REFUSED]
    story = await world.begin(holder)
    await clock.tick()
    [task] = (await state_of(story)).dossier.tasks

    await clock.until_day(task.due_on + timedelta(days=1))

    [task] = (await state_of(story)).dossier.tasks
    assert task.escalated


async def test_a_new_ladder_is_followed_after_the_policy_changed(
    world: World, clock: Clock
) -> None:
    holder = await a_term_with_days_left(clock, 150)
    echeance = echeance_of(holder)
    story = await world.begin(holder)
    await clock.tick()

    world.policy = a_policy(reminders=[{"days_before": 45, "notice": "reminder_30"}])
    await story.signal("policy_changed")
    await clock.until(start_of(echeance))

    assert [o.notice for o in reminders(world)] == ["reminder_30"]
