"""The expired holder who comes back, the newcomer, and those who do not make it."""

import asyncio
from datetime import date, timedelta
from itertools import permutations

import pytest
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from engine import story_of
from rules.civil_time import add_years, civil_date, last_day_to_act, start_of
from rules.dossier import Dossier, EndReason, Item, Phase
from rules.reasons import Condition
from tests.dossiers import (
    HOLDER,
    NEWCOMER,
    PERMIT,
    RIVAL,
    a_holder,
    a_link,
    a_newcomer,
)
from tests.workflows.conftest import Clock
from tests.workflows.telling import exam, linked, mail, paid, reversed_payment
from tests.workflows.world import World, phase_of, state_of
from workflows.messages import (
    AnyCommand,
    AnyFact,
    Cancel,
    Correct,
    Correctable,
    Decide,
    Decision,
    MailWish,
    Observe,
    Refusal,
    RequestLink,
    RequestTransfer,
)
from workflows.renewal import RenewalWorkflow

Story = WorkflowHandle[RenewalWorkflow, str]


async def an_expired_holder(
    clock: Clock, *, linked_to_the_end: bool = True, exam_age_in_years: int = 4
) -> Dossier:
    """A certificate that ended ten days ago."""
    today = civil_date(await clock.read())
    echeance = today - timedelta(days=10)
    start = add_years(echeance, -2)
    until = None if linked_to_the_end else echeance - timedelta(days=100)
    return a_holder(
        echeance,
        passed_on=add_years(today, -exam_age_in_years) + timedelta(days=30),
        links=(a_link(since=start, until=until),),
    )


async def first_invoice(story: Story) -> str:
    return (await state_of(story)).dossier.invoices[0].invoice_id


async def refusal_of(update: object) -> str:
    """The stable code with which an update was refused."""
    with pytest.raises(WorkflowUpdateFailedError) as caught:
        await update  # type: ignore[misc] # an awaitable handed over by the test
    assert isinstance(caught.value.cause, ApplicationError)
    assert caught.value.cause.type is not None
    return caught.value.cause.type


async def test_the_holder_comes_back_by_mail_pays_is_linked_and_is_certified(
    world: World, clock: Clock
) -> None:
    old = await world.begin(await an_expired_holder(clock))
    new = await world.begin(a_newcomer(civil_date(clock.now)))
    await clock.tick()

    await world.tell(NEWCOMER, mail(clock.now))
    await clock.tick()
    assert await phase_of(new) is Phase.TO_FINALIZE
    await world.tell(NEWCOMER, paid(await first_invoice(new), clock.now))
    await clock.tick()
    assert await phase_of(new) is Phase.TO_FINALIZE
    await world.tell(NEWCOMER, linked(clock.now, civil_date(clock.now)))
    await clock.tick()

    state = await state_of(new)
    assert state.phase is Phase.IN_FORCE
    today = civil_date(clock.now)
    assert [(t.start, t.echeance) for t in state.dossier.terms] == [
        (today, add_years(today, 2))
    ]
    assert set(world.notices(NEWCOMER)) == {
        "transfer_received",
        "transfer_accepted",
        "receipt",
        "link_confirmed",
        "certificate_issued",
    }
    assert len(world.notices(NEWCOMER)) == 5
    [decision] = [d for r in world.records[NEWCOMER] for d in r.decisions]
    assert decision.decided == "accepted"
    assert decision.by == "rule"
    assert decision.ground is Condition.LINKED_AT_ECHEANCE
    assert world.homes[f"exam-{HOLDER}"] == NEWCOMER
    assert await old.result() == "closed"


@pytest.mark.parametrize("order", list(permutations(["mail", "pay", "link"])))
async def test_mail_payment_and_link_may_be_told_in_any_order(
    world: World, clock: Clock, order: tuple[str, ...]
) -> None:
    await world.begin(await an_expired_holder(clock))
    new = await world.begin(a_newcomer(civil_date(clock.now)))
    await clock.tick()
    today = civil_date(clock.now)
    facts: dict[str, AnyFact] = {
        "mail": mail(clock.now),
        "pay": paid(f"{NEWCOMER}-1", clock.now),
        "link": linked(clock.now, today),
    }

    for step in order:
        await world.tell(NEWCOMER, facts[step])
        await clock.tick()

    state = await state_of(new)
    assert state.phase is Phase.IN_FORCE
    assert state.dossier.terms[0].start == today
    assert not state.dossier.tasks


async def test_all_three_told_in_one_breath_three_times_each_issue_once(
    world: World, clock: Clock
) -> None:
    await world.begin(await an_expired_holder(clock))
    new = await world.begin(a_newcomer(civil_date(clock.now)))
    await clock.tick()
    facts: list[AnyFact] = [
        linked(clock.now, civil_date(clock.now)),
        paid(f"{NEWCOMER}-1", clock.now),
        mail(clock.now),
    ]

    await asyncio.gather(*(world.tell(NEWCOMER, fact) for fact in facts * 3))
    await clock.tick()

    assert await phase_of(new) is Phase.IN_FORCE
    assert world.notices(NEWCOMER).count("certificate_issued") == 1


async def test_an_exam_still_valid_is_ground_enough_without_a_link(
    world: World, clock: Clock
) -> None:
    await world.begin(
        await an_expired_holder(clock, linked_to_the_end=False, exam_age_in_years=1)
    )
    new = await world.begin(a_newcomer(civil_date(clock.now)))
    await clock.tick()

    await new.execute_update(
        RenewalWorkflow.request_transfer,
        RequestTransfer(command_id="ask-1", by="person", certificate=HOLDER),
    )
    await clock.tick()

    state = await state_of(new)
    assert state.phase is Phase.TO_FINALIZE
    assert state.dossier.exam is not None
    assert state.dossier.exam.takeover is not None
    assert state.dossier.exam.takeover.ground is Condition.EXAM_STILL_VALID


async def test_two_dossiers_ask_for_one_result_and_exactly_one_has_it(
    world: World, clock: Clock
) -> None:
    await world.begin(await an_expired_holder(clock))
    today = civil_date(clock.now)
    stories = {
        number: await world.begin(a_newcomer(today, number=number))
        for number in (NEWCOMER, RIVAL)
    }
    await clock.tick()

    await asyncio.gather(
        *(
            world.tell(number, mail(clock.now, mail_id=f"mail-{number}"))
            for number in stories
        )
    )
    await clock.tick()
    await clock.tick()

    phases = {number: await phase_of(story) for number, story in stories.items()}
    assert sorted(phases.values()) == [Phase.IN_REVIEW, Phase.TO_FINALIZE]
    winner = next(n for n, p in phases.items() if p is Phase.TO_FINALIZE)
    loser = RIVAL if winner == NEWCOMER else NEWCOMER
    assert world.homes[f"exam-{HOLDER}"] == winner
    assert world.tasks(loser) == ["transfer_not_allowed"]


async def test_a_request_without_its_items_asks_for_exactly_them_then_goes_on(
    world: World, clock: Clock
) -> None:
    await world.begin(await an_expired_holder(clock))
    new = await world.begin(a_newcomer(civil_date(clock.now)))
    await clock.tick()

    lacking = mail(clock.now, certificate=None, missing=(Item.EXPIRED_CERTIFICATE,))
    await world.tell(NEWCOMER, lacking)
    await clock.tick()
    assert await phase_of(new) is Phase.IN_REVIEW
    [asked] = world.sent
    assert asked.notice == "items_missing"
    assert asked.missing == (Item.EXPIRED_CERTIFICATE,)
    await world.tell(NEWCOMER, mail(clock.now, mail_id="mail-2"))
    await clock.tick()

    assert await phase_of(new) is Phase.TO_FINALIZE


async def test_a_request_never_completed_is_chased_once_and_closed_with_a_letter(
    world: World, clock: Clock
) -> None:
    new = await world.begin(a_newcomer(civil_date(await clock.read())))
    await clock.tick()
    await world.tell(
        NEWCOMER,
        mail(clock.now, certificate=None, missing=(Item.EXPIRED_CERTIFICATE,)),
    )

    await clock.until_day(civil_date(clock.now) + timedelta(days=40))

    assert world.notices() == ["items_missing", "items_missing", "request_closed"]
    assert await phase_of(new) is Phase.EXAM_AWAITED


@pytest.mark.parametrize("whose", ["nobody", "another"])
async def test_a_number_of_another_person_and_of_nobody_look_the_same_outside(
    world: World, clock: Clock, whose: str
) -> None:
    if whose == "another":
        await world.begin(await an_expired_holder(clock), person="louise")
    new = await world.begin(a_newcomer(civil_date(await clock.read())))
    await clock.tick()

    await world.tell(NEWCOMER, mail(clock.now))
    await clock.tick()

    assert world.notices(NEWCOMER) == ["transfer_under_review"]
    [task] = world.tasks(NEWCOMER)
    assert (
        task
        == {
            "nobody": "transfer_unknown_certificate",
            "another": "transfer_identity",
        }[whose]
    )
    assert await phase_of(new) is Phase.IN_REVIEW


async def test_an_officer_who_confirms_the_person_lets_the_rule_go_on(
    world: World, clock: Clock
) -> None:
    await world.begin(await an_expired_holder(clock), person="marc's old account")
    new = await world.begin(a_newcomer(civil_date(clock.now)))
    await world.tell(NEWCOMER, mail(clock.now))
    await clock.tick()
    [task] = (await state_of(new)).dossier.tasks

    await new.execute_update(
        RenewalWorkflow.decide,
        Decide(
            command_id="decide-1",
            by="officer-1",
            task_id=task.task_id,
            decision=Decision.EXAMINE_AGAIN,
        ),
    )
    await clock.tick()

    assert await phase_of(new) is Phase.TO_FINALIZE


async def test_a_certificate_that_still_runs_gives_nothing_away(
    world: World, clock: Clock
) -> None:
    today = civil_date(await clock.read())
    old = await world.begin(a_holder(echeance=today + timedelta(days=200)))
    new = await world.begin(a_newcomer(today))
    await clock.tick()

    await world.tell(NEWCOMER, mail(clock.now))
    await clock.tick()

    assert world.tasks(NEWCOMER) == ["transfer_not_allowed"]
    assert await phase_of(new) is Phase.IN_REVIEW
    assert await phase_of(old) is Phase.IN_FORCE


# ---------------------------------------------------------------------- refusal


async def a_request_the_rule_does_not_allow(world: World, clock: Clock) -> Story:
    await world.begin(await an_expired_holder(clock, linked_to_the_end=False))
    new = await world.begin(a_newcomer(civil_date(clock.now)))
    await world.tell(NEWCOMER, mail(clock.now))
    await clock.tick()
    return new


async def decide(story: Story, decision: Decision, command_id: str) -> None:
    [task, *_] = [
        t
        for t in (await state_of(story)).dossier.tasks
        if t.reason == "transfer_not_allowed"
    ]
    await story.execute_update(
        RenewalWorkflow.decide,
        Decide(
            command_id=command_id,
            by="officer-1",
            task_id=task.task_id,
            decision=decision,
            text_id="text-1",
        ),
    )


async def test_the_machine_never_refuses_by_itself(world: World, clock: Clock) -> None:
    new = await a_request_the_rule_does_not_allow(world, clock)

    await clock.until_day(civil_date(clock.now) + timedelta(days=300))

    assert await phase_of(new) is Phase.IN_REVIEW
    assert "refused" not in world.notices()
    assert not [d for r in world.records[NEWCOMER] for d in r.decisions]


async def test_a_refusal_comes_after_notice_and_the_delay_for_observations(
    world: World, clock: Clock
) -> None:
    new = await a_request_the_rule_does_not_allow(world, clock)

    assert await refusal_of(decide(new, Decision.REFUSE, "d-0")) == (
        Refusal.NOT_FOR_THIS_TASK
    )
    await decide(new, Decision.INTEND_TO_REFUSE, "d-1")
    await clock.tick()
    notice = world.sent[-1]
    assert notice.notice == "intended_refusal"
    assert {f.condition: f.met for f in notice.findings} == {
        Condition.CERTIFICATE_HAS_ENDED: True,
        Condition.LINKED_AT_ECHEANCE: False,
        Condition.EXAM_STILL_VALID: False,
    }
    assert await refusal_of(decide(new, Decision.REFUSE, "d-2")) == (
        Refusal.OBSERVATIONS_STILL_OPEN
    )
    assert notice.act_before is not None
    await clock.until_day(notice.act_before + timedelta(days=1))
    await decide(new, Decision.REFUSE, "d-3")
    await clock.tick()

    assert world.notices()[-1] == "refused"
    assert await phase_of(new) is Phase.EXAM_AWAITED
    assert [d.decided for r in world.records[NEWCOMER] for d in r.decisions] == [
        "intended_refusal",
        "refused",
    ]


async def test_observations_let_the_officer_decide_before_the_delay_ends(
    world: World, clock: Clock
) -> None:
    new = await a_request_the_rule_does_not_allow(world, clock)
    await decide(new, Decision.INTEND_TO_REFUSE, "d-1")

    await new.execute_update(
        RenewalWorkflow.observe,
        Observe(command_id="obs-1", by="person", text_id="text-2"),
    )
    await decide(new, Decision.REFUSE, "d-2")
    await clock.tick()

    assert "observations_to_read" in world.tasks(NEWCOMER)
    assert world.notices()[-1] == "refused"


async def test_a_corrected_link_lets_the_same_request_be_accepted(
    world: World, clock: Clock
) -> None:
    new = await a_request_the_rule_does_not_allow(world, clock)
    assert world.client is not None
    old = story_of(world.client, HOLDER)
    state = await state_of(old)
    assert state.dossier.echeance is not None

    await old.execute_update(
        RenewalWorkflow.correct,
        Correct(
            command_id="c-1",
            by="officer-1",
            what=Correctable.LINK_UNTIL,
            link_id="link-1",
            value=state.dossier.echeance,
            text_id="text-1",
        ),
    )
    await decide(new, Decision.EXAMINE_AGAIN, "d-1")
    await clock.tick()

    assert await phase_of(new) is Phase.TO_FINALIZE
    assert "corrected" in world.entries(HOLDER)


# -------------------------------------------------------------- newcomers, lapses


async def test_a_newcomer_passes_pays_is_linked_and_is_certified(
    world: World, clock: Clock
) -> None:
    today = civil_date(await clock.read())
    new = await world.begin(a_newcomer(today))
    await world.tell(NEWCOMER, exam(clock.now, today - timedelta(days=3)))
    await clock.tick()
    view = await new.execute_update(
        RenewalWorkflow.request_link,
        RequestLink(command_id="l-1", by="person", link_id="link-new", permit=PERMIT),
    )
    assert view.dossier.links[0].since is None
    await world.tell(NEWCOMER, linked(clock.now, today))
    await clock.tick()
    await world.tell(NEWCOMER, paid(await first_invoice(new), clock.now))
    await clock.tick()

    assert await phase_of(new) is Phase.IN_FORCE
    assert set(world.notices()) == {
        "finalize",
        "link_requested",
        "link_confirmed",
        "receipt",
        "certificate_issued",
    }


async def test_an_exam_that_lapses_while_finalizing_is_told_step_by_step(
    world: World, clock: Clock
) -> None:
    today = civil_date(await clock.read())
    new = await world.begin(a_newcomer(today))
    passed_on = add_years(today, -2) + timedelta(days=40)
    limit = last_day_to_act(add_years(passed_on, 2), delays_extended=True)
    await world.tell(NEWCOMER, exam(clock.now, passed_on))
    await clock.tick()

    await clock.until(start_of(limit + timedelta(days=1)) - timedelta(minutes=1))
    assert await phase_of(new) is Phase.TO_FINALIZE
    await clock.tick()
    await clock.until(start_of(limit + timedelta(days=1)) + timedelta(minutes=1))

    assert await phase_of(new) is Phase.EXAM_AWAITED
    # The letter of the first day says what the step of 90 days would have said.
    assert [n for n in world.notices() if n.startswith("exam_")] == [
        "exam_ends_30",
        "exam_ends_14",
        "exam_ends_7",
        "exam_ends_1",
        "exam_ends_0",
        "exam_lapsed",
    ]


async def test_money_captured_after_the_exam_lapsed_is_sent_back(
    world: World, clock: Clock
) -> None:
    today = civil_date(await clock.read())
    new = await world.begin(a_newcomer(today))
    await world.tell(NEWCOMER, exam(clock.now, add_years(today, -2)))
    await clock.tick()
    invoice = await first_invoice(new)
    await clock.until_day(today + timedelta(days=8))

    await world.tell(NEWCOMER, paid(invoice, clock.now))
    await clock.tick()

    assert await phase_of(new) is Phase.EXAM_AWAITED
    assert world.refunds(NEWCOMER) == [("pay-1", 18000, "payment_too_late")]
    assert world.tasks(NEWCOMER) == []
    assert world.notices()[-1] == "refund_due"


async def test_the_fee_of_a_lapsed_exam_does_not_pay_for_a_new_one(
    world: World, clock: Clock
) -> None:
    today = civil_date(await clock.read())
    new = await world.begin(a_newcomer(today))
    await world.tell(NEWCOMER, exam(clock.now, add_years(today, -2)))
    await clock.tick()
    await world.tell(NEWCOMER, paid(await first_invoice(new), clock.now))
    await clock.until_day(today + timedelta(days=8))
    assert world.tasks(NEWCOMER) == ["refund_after_lapse"]

    await world.tell(NEWCOMER, exam(clock.now, civil_date(clock.now), "exam-again"))
    await world.tell(NEWCOMER, linked(clock.now, civil_date(clock.now)))
    await clock.tick()

    state = await state_of(new)
    assert state.phase is Phase.TO_FINALIZE
    assert [i.paid is None for i in state.dossier.invoices] == [False, True]


async def test_payment_and_link_in_time_but_told_after_the_lapse_still_certify(
    world: World, clock: Clock
) -> None:
    today = civil_date(await clock.read())
    new = await world.begin(a_newcomer(today))
    passed_on = add_years(today, -2) + timedelta(days=5)
    limit = last_day_to_act(add_years(passed_on, 2), delays_extended=True)
    await world.tell(NEWCOMER, exam(clock.now, passed_on))
    await clock.tick()
    invoice = await first_invoice(new)
    await clock.until_day(limit + timedelta(days=2))
    assert await phase_of(new) is Phase.EXAM_AWAITED

    in_time = start_of(limit + timedelta(days=1)) - timedelta(minutes=1)
    await world.tell(NEWCOMER, paid(invoice, in_time, told_at=clock.now))
    await world.tell(NEWCOMER, linked(clock.now, limit))
    await clock.tick()

    state = await state_of(new)
    assert state.phase is Phase.IN_FORCE
    assert state.dossier.terms[0].start == limit


async def test_a_second_live_certificate_of_one_person_waits_for_an_officer(
    world: World, clock: Clock
) -> None:
    today = civil_date(await clock.read())
    await world.begin(a_holder(echeance=today + timedelta(days=100)))
    world.live_certificates.add(HOLDER)
    new = await world.begin(a_newcomer(today))
    await world.tell(NEWCOMER, exam(clock.now, today))
    await world.tell(NEWCOMER, linked(clock.now, today))
    await clock.tick()

    await world.tell(NEWCOMER, paid(await first_invoice(new), clock.now))
    await clock.tick()

    assert world.tasks(NEWCOMER) == ["second_certificate"]
    assert not (await state_of(new)).dossier.terms


async def test_a_first_fee_reversed_before_issue_is_asked_again(
    world: World, clock: Clock
) -> None:
    today = civil_date(await clock.read())
    new = await world.begin(a_newcomer(today))
    await world.tell(NEWCOMER, exam(clock.now, today))
    await clock.tick()
    await world.tell(NEWCOMER, paid(await first_invoice(new), clock.now))
    await clock.tick()

    await world.tell(NEWCOMER, reversed_payment(clock.now))
    await world.tell(NEWCOMER, linked(clock.now, today))
    await clock.tick()

    state = await state_of(new)
    assert state.phase is Phase.TO_FINALIZE
    assert [i.paid is None for i in state.dossier.invoices] == [False, True]


# ------------------------------------------------------------- commands, bad input


async def test_a_cancelled_dossier_closes_and_later_facts_go_to_a_person(
    world: World, clock: Clock
) -> None:
    today = civil_date(await clock.read())
    holder = await world.begin(a_holder(echeance=today + timedelta(days=100)))
    await clock.tick()

    await holder.execute_update(
        RenewalWorkflow.cancel, Cancel(command_id="x-1", by="person")
    )
    assert await holder.result() == "closed"
    await world.tell(HOLDER, exam(await clock.read(), today))
    await clock.tick()

    assert "cancelled" in world.notices()
    ending = world.records[HOLDER][-1].dossier.ending
    assert ending is not None
    assert ending.reason is EndReason.CANCELLED
    assert "fact_for_closed_dossier" in world.tasks(HOLDER)


async def test_facts_for_a_number_nobody_bears_go_to_a_person(
    world: World, clock: Clock
) -> None:
    story = await world.tell(RIVAL, mail(await clock.read()))

    assert await story.result() == "unknown number"
    assert [a.fact_ids for a in world.aside] == [("mail-1",)]


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (
            RequestTransfer(command_id="1", by="p", certificate=NEWCOMER),
            Refusal.SAME_NUMBER,
        ),
        (
            Decide(command_id="2", by="o", task_id="no", decision=Decision.REFUSE),
            Refusal.UNKNOWN_TASK,
        ),
        (
            Correct(
                command_id="3",
                by="o",
                what=Correctable.ECHEANCE,
                value=date(2027, 1, 1),
            ),
            Refusal.NOTHING_TO_CORRECT,
        ),
        (
            Correct(
                command_id="4",
                by="o",
                what=Correctable.EXAM_PASSED_ON,
                value=date(2999, 1, 1),
            ),
            Refusal.ABSURD_DATE,
        ),
        (Observe(command_id="5", by="p"), Refusal.WRONG_PHASE),
    ],
)
async def test_a_command_that_cannot_be_taken_has_its_code_and_changes_nothing(
    world: World, clock: Clock, command: AnyCommand, code: Refusal
) -> None:
    new = await world.begin(a_newcomer(civil_date(await clock.read())))
    await clock.tick()
    asked = new.execute_update(command.kind, command)
    assert await refusal_of(asked) == code
    assert (await state_of(new)).version == 0


async def test_a_holder_cannot_ask_for_a_transfer(world: World, clock: Clock) -> None:
    today = civil_date(await clock.read())
    holder = await world.begin(a_holder(echeance=today + timedelta(days=100)))
    await clock.tick()

    ask = RequestTransfer(command_id="1", by="p", certificate=RIVAL)
    update = holder.execute_update(RenewalWorkflow.request_transfer, ask)

    assert await refusal_of(update) == Refusal.WRONG_PHASE


async def test_a_date_in_the_future_is_not_taken_as_a_fact(
    world: World, clock: Clock
) -> None:
    new = await world.begin(a_newcomer(civil_date(await clock.read())))

    await world.tell(
        NEWCOMER, exam(clock.now, civil_date(clock.now) + timedelta(days=1))
    )
    await clock.tick()

    assert world.tasks(NEWCOMER) == ["date_in_the_future"]
    assert await phase_of(new) is Phase.EXAM_AWAITED


async def test_a_cancellation_by_mail_is_confirmed_by_a_person_first(
    world: World, clock: Clock
) -> None:
    today = civil_date(await clock.read())
    holder = await world.begin(a_holder(echeance=today + timedelta(days=100)))

    await world.tell(HOLDER, mail(clock.now, wish=MailWish.CANCEL, certificate=None))
    await clock.tick()

    assert world.tasks(HOLDER) == ["cancellation_by_mail"]
    assert world.notices() == ["cancellation_asked"]
    assert await phase_of(holder) is Phase.IN_FORCE


@pytest.mark.parametrize(
    ("wish", "task", "notice"),
    [
        (MailWish.CANCEL, "cancellation_by_mail", "cancellation_asked"),
        (MailWish.ADDRESS, "address_by_mail", "address_change_asked"),
    ],
)
async def test_the_address_on_file_hears_once_a_day_what_was_asked_in_its_name(
    world: World, clock: Clock, wish: MailWish, task: str, notice: str
) -> None:
    today = civil_date(await clock.read())
    await world.begin(a_holder(echeance=today + timedelta(days=100)))

    for mail_id in ("mail-1", "mail-2"):
        asked = mail(clock.now, wish=wish, certificate=None, mail_id=mail_id)
        await world.tell(HOLDER, asked)
        await clock.tick()
    assert len({order.key for order in world.sent}) == 1
    await clock.until_day(today + timedelta(days=1))
    again = mail(clock.now, wish=wish, certificate=None, mail_id="mail-3")
    await world.tell(HOLDER, again)
    await clock.tick()

    assert world.tasks(HOLDER) == [task] * 3  # each message is there to be read
    assert {order.notice for order in world.sent} == {notice}
    assert len({order.key for order in world.sent}) == 2


async def test_two_robots_that_answer_each_other_stop_at_one_letter_a_day(
    world: World, clock: Clock
) -> None:
    await world.begin(a_newcomer(civil_date(await clock.read())))

    for i in range(5):
        lacking = mail(
            clock.now,
            certificate=None,
            missing=(Item.EXPIRED_CERTIFICATE,),
            mail_id=f"mail-{i}",
        )
        await world.tell(NEWCOMER, lacking)
        await clock.tick()

    first_and_reminder = {order.key for order in world.sent}
    assert {order.notice for order in world.sent} == {"items_missing"}
    assert len(first_and_reminder) == 2


async def test_a_story_lost_with_its_server_goes_on_from_the_database(
    world: World, clock: Clock
) -> None:
    await world.begin(await an_expired_holder(clock))
    new = await world.begin(a_newcomer(civil_date(clock.now)))
    await world.tell(NEWCOMER, mail(clock.now))
    await clock.tick()
    await new.terminate("the server was lost")

    await world.tell(NEWCOMER, mail(clock.now))  # told again after the rebuild
    await world.tell(NEWCOMER, paid(f"{NEWCOMER}-1", clock.now))
    await world.tell(NEWCOMER, linked(clock.now, civil_date(clock.now)))
    await clock.tick()

    assert world.client is not None
    again = story_of(world.client, NEWCOMER)
    assert await phase_of(again) is Phase.IN_FORCE
    assert world.notices(NEWCOMER).count("transfer_accepted") == 1


async def test_explain_and_agenda_say_what_is_awaited_until_when_and_why(
    world: World, clock: Clock
) -> None:
    await world.begin(await an_expired_holder(clock))
    new = await world.begin(a_newcomer(civil_date(clock.now)))
    await world.tell(NEWCOMER, mail(clock.now))
    await clock.tick()

    why = await new.query(RenewalWorkflow.show_conditions)
    what = await new.query(RenewalWorkflow.show_agenda)

    assert {f.condition: f.met for f in why.findings} == {
        Condition.EXAM_RESULT_IS_HERE: True,
        Condition.INVOICE_PAID: None,
        Condition.AGENCY_LINKED: None,
        Condition.BEFORE_THE_LIMIT: True,
    }
    assert [d.notice for d in what if d.notice] == [
        f"exam_ends_{days}" for days in (90, 30, 14, 7, 1, 0)
    ]
    assert all(d.source for d in what)
