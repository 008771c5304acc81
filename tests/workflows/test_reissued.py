"""An officer has a certificate printed again: while its term runs, with a reason."""

from datetime import date, timedelta

import pytest
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from rules.civil_time import civil_date, start_of
from tests.dossiers import HOLDER, a_holder
from tests.workflows.conftest import Clock
from tests.workflows.telling import paid, unlinked
from tests.workflows.world import World, state_of
from workflows.messages import (
    Correct,
    Correctable,
    LetterOrder,
    Refusal,
    Reissue,
    Resend,
)
from workflows.renewal import RenewalWorkflow

Story = WorkflowHandle[RenewalWorkflow, str]


async def reissued(
    story: Story, key: str = "key-0001", term_start: date | None = None
) -> None:
    command = Reissue(
        command_id=f"reissue-{key}",
        by="staff:claire",
        text_id="why",
        term_start=term_start,
    )
    await story.execute_update(RenewalWorkflow.reissue, command, id=command.command_id)


async def refused(
    story: Story, key: str = "key-0001", term_start: date | None = None
) -> str:
    with pytest.raises(WorkflowUpdateFailedError) as failed:
        await reissued(story, key, term_start)
    assert isinstance(failed.value.cause, ApplicationError)
    return str(failed.value.cause.type)


async def a_holder_with(world: World, clock: Clock, days_left: int) -> Story:
    today = civil_date(await clock.read())
    return await world.begin(a_holder(echeance=today + timedelta(days=days_left)))


async def copies(world: World, clock: Clock, count: int) -> list[LetterOrder]:
    """Wait, second by second, until so many letters that bring a copy have left."""
    for _ in range(100):
        if world.notices().count("certificate_reissued") >= count:
            break
        await clock.tick()
    found = [o for o in world.sent if o.notice == "certificate_reissued"]
    assert len(found) == count
    return found


async def left(world: World, clock: Clock, notice: str) -> None:
    for _ in range(100):
        if notice in world.notices():
            return
        await clock.tick()
    raise AssertionError(notice)


async def test_a_certificate_in_force_is_printed_again_with_a_reason(
    world: World, clock: Clock
) -> None:
    story = await a_holder_with(world, clock, 300)
    term = (await state_of(story)).dossier.terms[-1]
    before = (await state_of(story)).dossier
    await reissued(story)
    [order] = await copies(world, clock, 1)
    assert order.key == f"{HOLDER}/reissue-key-0001/certificate_reissued"
    assert (order.term_start, order.echeance) == (term.start, term.echeance)
    assert (order.text_id, order.edition) == ("why", None)
    # What has ended before it could leave is not printed any more.
    assert order.useless_at == start_of(term.echeance)
    [entry] = [
        e
        for r in world.records[HOLDER]
        for e in r.entries
        if e.what == "certificate_reissued"
    ]
    assert (entry.by, entry.text_id) == ("staff:claire", "why")
    assert entry.detail == {"start": str(term.start), "echeance": str(term.echeance)}
    # The certificate itself is the same.
    assert (await state_of(story)).dossier == before


async def test_the_same_wish_twice_is_one_order(world: World, clock: Clock) -> None:
    story = await a_holder_with(world, clock, 300)
    for _ in range(2):
        await reissued(story)
    await copies(world, clock, 1)
    await reissued(story, "key-0002")
    both = await copies(world, clock, 2)
    assert len({order.key for order in both}) == 2


async def test_a_suspended_certificate_is_printed_again_and_stays_suspended(
    world: World, clock: Clock
) -> None:
    today = civil_date(await clock.read())
    story = await a_holder_with(world, clock, 300)
    await world.tell(HOLDER, unlinked(clock.now, today))
    await left(world, clock, "suspended")
    await reissued(story)
    await copies(world, clock, 1)
    assert (await state_of(story)).phase == "suspended"


async def test_a_certificate_that_has_ended_is_not_printed_again(
    world: World, clock: Clock
) -> None:
    story = await a_holder_with(world, clock, 5)
    await clock.until_day(civil_date(await clock.read()) + timedelta(days=6))
    await left(world, clock, "expired")
    assert await refused(story) == Refusal.NO_CERTIFICATE_IN_TERM
    assert "certificate_reissued" not in world.entries(HOLDER)


async def test_the_last_valid_day_is_in_and_the_next_one_is_not(
    world: World, clock: Clock
) -> None:
    story = await a_holder_with(world, clock, 2)
    await clock.until_day(civil_date(await clock.read()) + timedelta(days=1))
    await reissued(story)
    await copies(world, clock, 1)
    await clock.until_day(civil_date(await clock.read()) + timedelta(days=1))
    assert await refused(story, "key-0002") == Refusal.NO_CERTIFICATE_IN_TERM


async def test_before_the_next_term_begins_either_certificate_is_printed_again(
    world: World, clock: Clock
) -> None:
    story = await a_holder_with(world, clock, 35)
    await clock.until_day(civil_date(await clock.read()) + timedelta(days=1))
    [invoice] = (await state_of(story)).dossier.invoices
    await world.tell(HOLDER, paid(invoice.invoice_id, clock.now, cents=18500))
    await left(world, clock, "renewed")
    present, to_come = (await state_of(story)).dossier.terms
    await reissued(story, "key-0001")
    await reissued(story, "key-0002", present.start)
    starts = [order.term_start for order in await copies(world, clock, 2)]
    assert starts == [to_come.start, present.start]
    stranger = present.start + timedelta(days=1)
    assert await refused(story, "key-0003", stranger) == "no_certificate_in_term"


async def test_a_new_copy_that_could_not_leave_before_the_end_is_withdrawn(
    world: World, clock: Clock
) -> None:
    world.replies["certificate_reissued"] = ["the relay says later"] * 500
    story = await a_holder_with(world, clock, 3)
    await reissued(story)
    await clock.until_day(civil_date(await clock.read()) + timedelta(days=4))
    await left(world, clock, "expired")
    withdrawn = [key for r in world.records[HOLDER] for key in r.withdrawn]
    assert f"{HOLDER}/reissue-key-0001/certificate_reissued" in withdrawn


async def test_the_letter_of_a_new_copy_is_sent_again_while_the_day_it_says_holds(
    world: World, clock: Clock
) -> None:
    story = await a_holder_with(world, clock, 300)
    await reissued(story)
    [order] = await copies(world, clock, 1)

    def again(key: str) -> Resend:
        return Resend(
            command_id=f"resend-{key}", by="staff:claire", text_id="w", letter=order
        )

    await story.execute_update(RenewalWorkflow.resend, again("key-0001"))
    copy = (await copies(world, clock, 2))[-1]
    assert (copy.copy_of, copy.term_start) == (order.key, order.term_start)
    assert order.echeance is not None
    correct = Correct(
        command_id="correct-1",
        by="staff:claire",
        text_id="w",
        what=Correctable.ECHEANCE,
        value=order.echeance + timedelta(days=10),
    )
    await story.execute_update(RenewalWorkflow.correct, correct)
    with pytest.raises(WorkflowUpdateFailedError) as failed:
        await story.execute_update(RenewalWorkflow.resend, again("key-0002"))
    assert isinstance(failed.value.cause, ApplicationError)
    assert failed.value.cause.type == Refusal.LETTER_NO_LONGER_TRUE
    # A new copy says the corrected day.
    await reissued(story, "key-0002")
    assert (await copies(world, clock, 3))[-1].echeance == correct.value
