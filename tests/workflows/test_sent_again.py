"""An officer sends a letter once more: while it is true, within its window, once."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from rules.civil_time import civil_date
from rules.dossier import Dossier, Invoice, Link, Operation, Phase
from rules.numbers import PermitNumber
from tests.dossiers import HOLDER, PERMIT, a_holder, noon
from tests.workflows.conftest import Clock
from tests.workflows.telling import linked, paid, unlinked
from tests.workflows.world import World, state_of
from workflows.messages import Cancel, LetterOrder, Refusal, Resend
from workflows.renewal import RenewalWorkflow
from workflows.resending import Present, refusal_of_sending_again

Story = WorkflowHandle[RenewalWorkflow, str]


def asked(letter: LetterOrder, key: str = "key-0001") -> Resend:
    return Resend(
        command_id=f"resend-{key}", by="staff:claire", text_id="why", letter=letter
    )


async def sent_again(story: Story, letter: LetterOrder, key: str = "key-0001") -> None:
    command = asked(letter, key)
    await story.execute_update(RenewalWorkflow.resend, command, id=command.command_id)


async def refused(story: Story, letter: LetterOrder, key: str = "key-0001") -> str:
    with pytest.raises(WorkflowUpdateFailedError) as failed:
        await sent_again(story, letter, key)
    assert isinstance(failed.value.cause, ApplicationError)
    return str(failed.value.cause.type)


async def a_reminder_sent(world: World, clock: Clock) -> tuple[Story, LetterOrder]:
    """A holder 35 days before the end; the reminder of 30 days has left."""
    today = civil_date(await clock.read())
    story = await world.begin(a_holder(echeance=today + timedelta(days=35)))
    await clock.until_day(today + timedelta(days=6))
    [letter] = [o for o in world.sent if o.notice == "reminder_30"]
    return story, letter


async def sent(world: World, clock: Clock, *notices: str) -> list[LetterOrder]:
    """Wait, second by second, until these copies have left."""
    for _ in range(100):
        if [copy.notice for copy in copies(world)] == list(notices):
            break
        await clock.tick()
    assert [copy.notice for copy in copies(world)] == list(notices)
    return copies(world)


async def the_letter(world: World, clock: Clock, notice: str) -> LetterOrder:
    """Wait, second by second, until the first letter of this kind has left."""
    for _ in range(100):
        if notice in world.notices():
            break
        await clock.tick()
    return next(order for order in world.sent if order.notice == notice)


def copies(world: World) -> list[LetterOrder]:
    return [order for order in world.sent if order.copy_of is not None]


async def test_a_reminder_is_sent_again_under_its_own_key_with_the_days_of_today(
    world: World, clock: Clock
) -> None:
    story, first = await a_reminder_sent(world, clock)
    await sent_again(story, first)

    [copy] = await sent(world, clock, "reminder_30")
    assert copy.key == f"{HOLDER}/resend-key-0001/reminder_30"
    assert (copy.copy_of, copy.copy_of_on) == (first.key, civil_date(first.occurred_at))
    assert (copy.cause, copy.useless_at) == (first.cause, first.useless_at)
    assert civil_date(copy.occurred_at) > civil_date(first.occurred_at)
    assert copy.happened_on is None
    assert "letter_sent_again" in world.entries(HOLDER)
    kept = [o.key for r in world.records[HOLDER] for o in r.letters]
    assert copy.key in kept  # its row exists before anything is sent


async def test_the_same_wish_twice_is_one_letter(world: World, clock: Clock) -> None:
    story, first = await a_reminder_sent(world, clock)
    for _ in range(2):
        await sent_again(story, first)
    [copy] = await sent(world, clock, "reminder_30")
    await sent_again(story, copy, "key-0002")
    both = await sent(world, clock, "reminder_30", "reminder_30")
    # A copy of a copy is one of the first.
    assert {copy.copy_of for copy in both} == {first.key}


async def test_a_reminder_is_not_sent_again_once_the_next_one_is_due(
    world: World, clock: Clock
) -> None:
    story, first = await a_reminder_sent(world, clock)
    assert first.useless_at is not None
    await clock.until(first.useless_at)
    assert await refused(story, first) == Refusal.LETTER_OUT_OF_ITS_WINDOW
    assert not copies(world)


async def test_a_reminder_is_not_sent_again_once_the_renewal_is_paid(
    world: World, clock: Clock
) -> None:
    story, first = await a_reminder_sent(world, clock)
    [invoice] = (await state_of(story)).dossier.invoices
    await world.tell(HOLDER, paid(invoice.invoice_id, clock.now, cents=18500))
    receipt = await the_letter(world, clock, "receipt")
    assert await refused(story, first) == Refusal.LETTER_NO_LONGER_TRUE
    await sent_again(story, receipt, "key-0003")
    await sent(world, clock, "receipt")


async def test_a_copy_on_its_way_is_withdrawn_when_it_becomes_false(
    world: World, clock: Clock
) -> None:
    story, first = await a_reminder_sent(world, clock)
    world.replies["reminder_30"] = ["the relay says later"] * 50
    await sent_again(story, first)
    await clock.tick()
    [invoice] = (await state_of(story)).dossier.invoices
    await world.tell(HOLDER, paid(invoice.invoice_id, clock.now, cents=18500))
    await the_letter(world, clock, "renewed")
    assert not copies(world)
    withdrawn = [key for r in world.records[HOLDER] for key in r.withdrawn]
    assert withdrawn == [f"{HOLDER}/resend-key-0001/reminder_30"]


async def test_a_letter_about_a_suspension_is_true_only_during_it(
    world: World, clock: Clock
) -> None:
    today = civil_date(await clock.read())
    story = await world.begin(a_holder(echeance=today + timedelta(days=300)))
    await world.tell(HOLDER, unlinked(clock.now, today))
    letter = await the_letter(world, clock, "suspended")
    await sent_again(story, letter)
    [copy] = await sent(world, clock, "suspended")
    assert copy.happened_on == letter.happened_on
    await world.tell(HOLDER, linked(clock.now, today))
    await the_letter(world, clock, "reinstated")
    assert await refused(story, letter, "key-0002") == Refusal.LETTER_NO_LONGER_TRUE


async def test_a_letter_of_a_closed_dossier_may_be_sent_again(
    world: World, clock: Clock
) -> None:
    story, first = await a_reminder_sent(world, clock)
    cancel = Cancel(command_id="cancel-1", by="person:nadia", text_id=None)
    await story.execute_update(RenewalWorkflow.cancel, cancel)
    await story.result()
    [letter] = [o for o in world.sent if o.notice == "cancelled"]
    again = await world.begin(world.dossiers[HOLDER])
    await sent_again(again, letter)
    await again.result()
    [copy] = copies(world)
    assert copy.happened_on == civil_date(letter.occurred_at)
    assert first.cause is not None


@pytest.mark.parametrize("notice", ["address_to_confirm", "address_changed"])
async def test_a_letter_to_another_address_goes_nowhere_else(
    world: World, clock: Clock, notice: str
) -> None:
    story, first = await a_reminder_sent(world, clock)
    other = first.model_copy(
        update={"notice": notice, "cause": None, "useless_at": None}
    )
    assert await refused(story, other) == Refusal.LETTER_OF_ANOTHER_ADDRESS
    elsewhere = first.model_copy(update={"dossier": "CAR202600000099"})
    assert await refused(story, elsewhere, "key-0002") == Refusal.UNKNOWN_DOSSIER


AT = noon(date(2026, 11, 9))
ECHEANCE = date(2026, 12, 10)


def present(dossier: Dossier, phase: Phase) -> Present:
    return Present(dossier=dossier, phase=phase, duties=frozenset(), now=AT)


def a_letter(notice: str, **says: Any) -> LetterOrder:
    return LetterOrder(
        key=f"{HOLDER}/x/{notice}",
        dossier=HOLDER,
        notice=notice,
        occurred_at=AT,
        **says,
    )


OPEN = Invoice("i-1", Operation.RENEWAL, asked_on=date(2026, 11, 1))
VOID = replace(OPEN, void_on=date(2026, 11, 5))
UNANSWERED = Link("link-9", PermitNumber(PERMIT), asked_on=date(2026, 11, 1))
ANSWERED = replace(UNANSWERED, since=date(2026, 11, 2))


@pytest.mark.parametrize(
    ("letter", "dossier", "phase", "leaves"),
    [
        (
            a_letter("invoice", invoice_id="i-1"),
            {"invoices": (OPEN,)},
            "to_finalize",
            1,
        ),
        (
            a_letter("invoice", invoice_id="i-1"),
            {"invoices": (VOID,)},
            "to_finalize",
            0,
        ),
        (
            a_letter("invoice", invoice_id="i-2"),
            {"invoices": (OPEN,)},
            "to_finalize",
            0,
        ),
        (a_letter("link_requested", link_id="link-9"), {"links": (UNANSWERED,)}, "", 1),
        (a_letter("link_requested", link_id="link-9"), {"links": (ANSWERED,)}, "", 0),
        (a_letter("renewed", echeance=ECHEANCE), {}, "in_force", 1),
        (a_letter("renewed", echeance=date(2024, 12, 10)), {}, "in_force", 0),
        (a_letter("expired"), {}, "expired", 1),
        (a_letter("expired"), {}, "in_force", 0),
        (a_letter("intended_refusal"), {}, "exam_awaited", 0),
        (a_letter("refused"), {}, "exam_awaited", 1),
        (a_letter("refused", act_before=date(2026, 11, 9)), {}, "exam_awaited", 1),
        (a_letter("refused", act_before=date(2026, 11, 8)), {}, "exam_awaited", 0),
    ],
)
def test_any_other_letter_leaves_again_only_while_it_says_what_is_true(
    letter: LetterOrder, dossier: dict[str, Any], phase: str, leaves: int
) -> None:
    stands = present(
        replace(a_holder(), **dossier), Phase(phase) if phase else Phase.IN_FORCE
    )
    refusal = refusal_of_sending_again(letter, stands)
    assert (refusal is None) is bool(leaves), refusal
