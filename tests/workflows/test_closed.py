"""A dossier that is closed, whose last letter has not left yet."""

from datetime import timedelta

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from rules.civil_time import civil_date
from rules.dossier import Phase
from tests.dossiers import a_holder
from tests.workflows.conftest import Clock
from tests.workflows.world import World, state_of
from workflows.messages import Cancel, Correct, Correctable, Refusal
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
