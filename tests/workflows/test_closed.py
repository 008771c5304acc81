"""A dossier that is closed, whose last letter has not left yet."""

import asyncio
from datetime import timedelta

import pytest
from temporalio.client import WorkflowUpdateFailedError, WorkflowUpdateStage
from temporalio.exceptions import ApplicationError

from rules.civil_time import civil_date
from rules.dossier import Phase
from tests.dossiers import HOLDER, NEWCOMER, a_finalizing, a_holder
from tests.workflows.conftest import Clock
from tests.workflows.telling import linked, mail, paid
from tests.workflows.world import World, state_of
from workflows.messages import Cancel, Correct, Correctable, MailWish, Refusal
from workflows.renewal import RenewalWorkflow


async def test_a_closed_dossier_is_not_corrected_while_its_last_letter_waits(
    world: World, clock: Clock
) -> None:
    echeance = civil_date(await clock.read()) + timedelta(days=200)
    world.replies["cancelled"] = ["later"] * 1000
    story = await world.begin(a_holder(echeance))
    await story.execute_update(
        RenewalWorkflow.cancel, Cancel(command_id="c-1", by="person")
    )

    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await story.execute_update(
            RenewalWorkflow.correct,
            Correct(
                command_id="c-2",
                by="officer-1",
                what=Correctable.ECHEANCE,
                value=echeance + timedelta(days=1),
            ),
        )

    assert isinstance(refused.value.cause, ApplicationError)
    assert refused.value.cause.type == Refusal.WRONG_PHASE
    state = await state_of(story)
    assert state.phase is Phase.CLOSED
    assert state.dossier.echeance == echeance


async def test_what_was_paid_before_the_wish_to_cancel_is_said_before_it(
    world: World, clock: Clock
) -> None:
    """Both are heard in one turn: the first record is kept only once they are in."""
    echeance = civil_date(await clock.read()) + timedelta(days=20)
    story = await world.begin(a_holder(echeance))
    await clock.tick()
    invoice = (await state_of(story)).dossier.invoices[0].invoice_id

    world.may_keep = asyncio.Event()
    world.keeps.clear()
    await world.tell(HOLDER, mail(clock.now, wish=MailWish.OTHER))
    await world.keeps.wait()
    await world.tell(HOLDER, paid(invoice, clock.now, cents=18500))
    while not (await state_of(story)).facts_waiting:
        pass  # each question waits for an answer of the story's
    cancelling = await story.start_update(
        RenewalWorkflow.cancel,
        Cancel(command_id="c-1", by="person"),
        wait_for_stage=WorkflowUpdateStage.ACCEPTED,
    )
    world.may_keep.set()
    await cancelling.result()
    await story.result()

    last = world.records[HOLDER][-1]
    assert [letter.notice for letter in last.letters] == [
        "receipt",
        "renewed",
        "cancelled",
    ]
    said = [entry.what for entry in last.entries]
    assert said.index("renewed") < said.index("cancelled")


async def test_a_link_that_begins_after_a_dossier_was_closed_makes_no_certificate(
    world: World, clock: Clock
) -> None:
    """Exam and fee were there; the person cancelled on the eve of the link."""
    today = civil_date(await clock.read())
    story = await world.begin(a_finalizing(today, here_since=today))
    await world.tell(NEWCOMER, paid(f"{NEWCOMER}-1", clock.now))
    await world.tell(NEWCOMER, linked(clock.now, today + timedelta(days=1)))
    await clock.tick()
    await story.execute_update(
        RenewalWorkflow.cancel, Cancel(command_id="c-1", by="person")
    )
    await clock.until_day(today + timedelta(days=2))

    await world.tell(NEWCOMER, mail(clock.now, wish=MailWish.OTHER))
    await clock.tick()

    assert "fact_for_closed_dossier" in world.tasks(NEWCOMER)
    assert world.records[NEWCOMER][-1].dossier.terms == ()
    assert "certificate_issued" not in world.notices()
