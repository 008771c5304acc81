"""Letters that would be false, late, or for nobody."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update
from temporalio.exceptions import ApplicationError

from records.models import (
    FactRow,
    Letter,
    Person,
)
from tests.activities.office import Office, run
from tests.activities.posting import KEY, by, failure_of, order
from tests.dossiers import HOLDER, TODAY, noon
from tests.letters.relay import (
    Script,
    ScriptedRelay,
)
from workflows.messages import Posted

pytestmark = pytest.mark.usefixtures("holder")


def _a_fact(state: str) -> FactRow:
    return FactRow(
        fact_id="fact-1",
        dossier=HOLDER,
        kind="invoice_paid",
        source="payment_provider",
        body={},
        occurred_at=noon(TODAY),
        received_at=noon(TODAY),
        state=state,
    )


@pytest.mark.parametrize("state", ["new", "signalled"])
async def test_a_reminder_waits_while_the_story_has_not_heard_all(
    office: Office, relay: ScriptedRelay, state: str
) -> None:
    await office.add(_a_fact(state))
    letters = by(office, relay)
    with pytest.raises(ApplicationError) as problem:
        await run(letters.send_letter, order(cause=KEY))
    assert problem.value.type == "FactsWait"
    assert problem.value.next_retry_delay == timedelta(seconds=10)
    assert relay.connections == 0
    async with office.sessions.begin() as session:
        (await session.get_one(FactRow, "fact-1")).state = "applied"
    assert await run(letters.send_letter, order(cause=KEY)) is Posted.ACCEPTED


async def test_a_fact_told_while_all_was_away_is_heard_before_a_reminder(
    office: Office, relay: ScriptedRelay
) -> None:
    fact = _a_fact("signalled")
    fact.stored_at = datetime(2026, 1, 1, tzinfo=UTC)
    await office.add(fact)
    assert await failure_of(by(office, relay), order(cause=KEY)) == "FactsWait"
    assert relay.connections == 0


async def test_a_fact_nobody_hears_does_not_hold_reminders_for_ever(
    office: Office, relay: ScriptedRelay
) -> None:
    await office.add(_a_fact("new"))
    letters, met = by(office, relay), datetime(2026, 10, 1, 9, tzinfo=UTC)
    said = {"heartbeat_details": [met.timestamp()]}
    almost, enough = met + timedelta(minutes=59), met + timedelta(hours=1)
    with pytest.raises(ApplicationError, match="facts wait"):
        await run(letters.send_letter, order(cause=KEY), started_time=almost, **said)
    answer = await run(
        letters.send_letter, order(cause=KEY), started_time=enough, **said
    )
    assert answer is Posted.ACCEPTED


async def test_a_letter_that_nothing_makes_false_does_not_wait(
    office: Office, relay: ScriptedRelay
) -> None:
    await office.add(_a_fact("new"))
    letters = by(office, relay)
    assert await run(letters.send_letter, order("expired")) is Posted.ACCEPTED


async def test_a_reminder_past_its_window_is_skipped(
    office: Office, relay: ScriptedRelay
) -> None:
    past = datetime(2026, 1, 1, tzinfo=UTC)
    letters = by(office, relay)
    answer = await run(letters.send_letter, order(useless_at=past))
    assert answer is Posted.SKIPPED
    assert relay.connections == 0
    row = await office.one(Letter, KEY)
    assert (row.state, row.answer) == ("skipped", "useless by now")


@pytest.mark.parametrize(
    ("address", "answer", "state"),
    [
        ("", Posted.NO_ADDRESS, "skipped"),
        ("not an address", Posted.REFUSED, "refused"),
        ("marc@courriel.example\r\nBcc: x@y.example", Posted.REFUSED, "refused"),
    ],
)
async def test_nobody_is_written_to_at_what_is_no_address(
    office: Office, relay: ScriptedRelay, address: str, answer: Posted, state: str
) -> None:
    async with office.sessions.begin() as session:
        await session.execute(update(Person).values(email=address))
    letters = by(office, relay)
    for _ in range(2):
        assert await run(letters.send_letter, order()) is answer
    assert relay.connections == 0
    assert (await office.one(Letter, KEY)).state == state


async def test_the_address_of_the_hour_of_sending_counts(
    office: Office,
) -> None:
    scripts = [Script(rcpt="450 later"), Script()]
    async with ScriptedRelay(scripts) as relay:
        letters = by(office, relay)
        await failure_of(letters, order())
        async with office.sessions.begin() as session:
            await session.execute(update(Person).values(email="new@courriel.example"))
        await run(letters.send_letter, order())
    assert relay.taken[0].recipients == ("new@courriel.example",)


async def test_a_withdrawn_reminder_leaves_after_all_once_its_cause_is_back(
    office: Office, relay: ScriptedRelay
) -> None:
    withdrawn = order(cause=KEY)
    await office.add(
        Letter(
            key=KEY,
            dossier=HOLDER,
            notice=withdrawn.notice,
            ordered=withdrawn.model_dump(mode="json"),
            occurred_at=withdrawn.occurred_at,
            state="cancelled",
        )
    )
    letters = by(office, relay)

    # A last attempt of the order that was withdrawn changes nothing.
    assert await run(letters.send_letter, withdrawn) is Posted.SKIPPED
    assert relay.taken == []

    later = withdrawn.occurred_at + timedelta(days=3)
    again = withdrawn.model_copy(update={"occurred_at": later})
    assert await run(letters.send_letter, again) is Posted.ACCEPTED
    assert len(relay.taken) == 1
