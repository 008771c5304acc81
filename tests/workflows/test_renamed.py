"""The person's name was corrected: each dossier notes it, closed or not; one writes."""

from datetime import timedelta

import pytest

from rules.civil_time import civil_date
from rules.dossier import Phase
from tests.dossiers import HOLDER, a_holder
from tests.workflows.conftest import Clock
from tests.workflows.world import World, state_of
from workflows.messages import Cancel, NameCorrected, Source
from workflows.renewal import RenewalWorkflow


async def renamed(world: World, clock: Clock, *, writes: bool = True) -> None:
    fact = NameCorrected(
        fact_id=f"correct_name-key-0001:{HOLDER}",
        source=Source.STAFF,
        occurred_at=clock.now,
        received_at=clock.now,
        by="staff:claire",
        text_id="correct_name-key-0001",
        writes=writes,
    )
    await world.tell(HOLDER, fact)
    await clock.tick()


@pytest.mark.parametrize("writes", [True, False])
async def test_a_corrected_name_is_noted_once_and_changes_nothing_else(
    world: World, clock: Clock, *, writes: bool
) -> None:
    today = civil_date(await clock.read())
    story = await world.begin(a_holder(echeance=today + timedelta(days=300)))
    await clock.tick()
    before = (await state_of(story)).dossier
    for _ in range(2):
        await renamed(world, clock, writes=writes)
    assert (await state_of(story)).dossier == before
    [line] = [
        entry
        for record in world.records[HOLDER]
        for entry in record.entries
        if entry.what == "name_corrected"
    ]
    assert (line.by, line.text_id) == ("staff:claire", "correct_name-key-0001")
    orders = [o for o in world.sent if o.notice == "correction_made"]
    assert [(o.corrected, o.text_id) for o in orders] == (
        [("name", "correct_name-key-0001")] if writes else []
    )


async def test_a_closed_dossier_notes_a_corrected_name_and_asks_nobody(
    world: World, clock: Clock
) -> None:
    today = civil_date(await clock.read())
    story = await world.begin(a_holder(echeance=today + timedelta(days=300)))
    await story.execute_update(
        RenewalWorkflow.cancel, Cancel(command_id="c-1", by="person")
    )
    await story.result()
    await renamed(world, clock)
    assert world.records[HOLDER][-1].phase is Phase.CLOSED
    assert "name_corrected" in world.entries(HOLDER)
    assert world.tasks(HOLDER) == []
    assert world.notices()[-1] == "correction_made"
