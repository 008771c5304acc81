"""A silent agency is reminded on its person's wish: once in a while, and never late."""

from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from rules.civil_time import civil_date
from rules.dossier import Link
from rules.links import answer_by
from rules.numbers import DossierNumber
from tests.dossiers import PERMIT, a_holder
from tests.workflows.conftest import Clock
from tests.workflows.telling import linked
from tests.workflows.world import World
from workflows.messages import LetterOrder, Refusal, RemindAgency
from workflows.renewal import RenewalWorkflow

LINK = "link-new"
Story = WorkflowHandle[RenewalWorkflow, str]


async def a_holder_who_waits(world: World, clock: Clock, asked_days_ago: int) -> Story:
    today = civil_date(await clock.read())
    asked = Link(LINK, PERMIT, asked_on=today - timedelta(days=asked_days_ago))
    return await world.begin(a_holder(today + timedelta(days=300), links=(asked,)))


async def remind(story: Story, key: str, **changes: Any) -> None:
    wish = {"command_id": key, "by": "person", "link_id": LINK, **changes}
    await story.execute_update(
        RenewalWorkflow.remind_agency, RemindAgency.model_validate(wish)
    )


async def refusal(story: Story, key: str, **changes: Any) -> str | None:
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await remind(story, key, **changes)
    assert isinstance(refused.value.cause, ApplicationError)
    return refused.value.cause.type


def reminders(world: World) -> list[LetterOrder]:
    return [order for order in world.sent if order.notice == "link_reminder"]


async def test_a_reminder_bears_the_deadline_and_counts_once_a_key(
    world: World, clock: Clock
) -> None:
    story = await a_holder_who_waits(world, clock, asked_days_ago=7)
    for _ in range(2):
        await remind(story, "r-1")
    await clock.tick()
    (letter,) = reminders(world)
    today = civil_date(clock.now)
    assert letter.link_id == LINK
    assert letter.act_before == answer_by(today - timedelta(days=7))
    assert world.entries(letter.dossier).count("agency_reminded") == 1
    # Another press, from another tab or the next minute, is not another letter.
    assert await refusal(story, "r-2") == Refusal.REMINDED_LATELY


@pytest.mark.parametrize(("days", "sent"), [(6, 1), (7, 2), (8, 2)])
async def test_the_next_reminder_waits_for_seven_days(
    world: World, clock: Clock, days: int, sent: int
) -> None:
    story = await a_holder_who_waits(world, clock, asked_days_ago=10)
    await remind(story, "r-1")
    await clock.tick()
    await clock.until(clock.now + timedelta(days=days))
    if sent == 1:
        assert await refusal(story, "r-2") == Refusal.REMINDED_LATELY
    else:
        await remind(story, "r-2")
    await clock.tick()
    assert len(reminders(world)) == sent


async def test_a_request_is_not_followed_by_a_reminder_in_its_first_days(
    world: World, clock: Clock
) -> None:
    story = await a_holder_who_waits(world, clock, asked_days_ago=6)
    assert await refusal(story, "r-1") == Refusal.REMINDED_LATELY
    assert await refusal(story, "r-2", link_id="no-such") == Refusal.UNKNOWN_LINK
    assert not reminders(world)


async def test_a_reminder_that_has_not_left_is_withdrawn_once_the_agency_answers(
    world: World, clock: Clock
) -> None:
    world.replies["link_reminder"] = ["later"] * 1000
    story = await a_holder_who_waits(world, clock, asked_days_ago=7)
    await remind(story, "r-1")
    number = DossierNumber(story.id)
    await world.tell(number, linked(clock.now, civil_date(clock.now)))
    await clock.tick()
    assert "letter_withdrawn" in world.entries(number)
    assert not reminders(world)
    assert await refusal(story, "r-2") == Refusal.LINK_ANSWERED
