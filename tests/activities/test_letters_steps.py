"""Each step of a letter is kept, with the relay's words: the database writes them."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import DatabaseError

from activities.dossiers import Dossiers
from records.models import Clock, FactRow, Letter, LetterEvent, Person
from tests.activities.attempt import a_post, attempt
from tests.activities.office import Office, a_record, run
from tests.activities.posting import (
    KEY,
    a_withdrawal,
    by,
    failure_of,
    order,
    sending,
)
from tests.activities.relay_log import RelayLog
from tests.dossiers import HOLDER, TODAY, a_holder, noon
from tests.letters.relay import (
    ACCEPT_THEN_DROP,
    DROP,
    HANG,
    Script,
    ScriptedRelay,
)
from workflows.messages import Posted

pytestmark = pytest.mark.usefixtures("holder")

TAKEN = "250 2.0.0 taken as 1"


async def steps_of(office: Office, key: str = KEY) -> list[tuple[str, str | None]]:
    """The states of a letter in their order, with what was answered."""
    async with office.sessions() as session:
        rows = await session.scalars(
            select(LetterEvent)
            .where(LetterEvent.letter == key)
            .order_by(LetterEvent.event_id)
        )
        return [(row.state, row.answer) for row in rows]


async def states_of(office: Office) -> list[str]:
    return [state for state, _ in await steps_of(office)]


async def test_a_letter_taken_at_once_was_queued_sent_and_accepted(
    office: Office, relay: ScriptedRelay
) -> None:
    await run(by(office, relay).send_letter, order())
    assert await steps_of(office) == [
        ("queued", None),
        ("sending", None),
        ("accepted", TAKEN),
    ]


async def test_each_deferral_is_a_step_with_its_answer(office: Office) -> None:
    scripts = [
        Script(rcpt="450 4.2.0 greylisted"),
        Script(dot="451 4.3.0 disk full"),
        Script(),
    ]
    async with ScriptedRelay(scripts) as relay:
        letters = by(office, relay)
        for _ in range(2):
            assert await failure_of(letters, order()) == "Deferred"
        await run(letters.send_letter, order())
    assert await steps_of(office) == [
        ("queued", None),
        ("sending", None),
        ("deferred", "450 4.2.0 greylisted"),
        ("sending", None),
        ("deferred", "451 4.3.0 disk full"),
        ("sending", None),
        ("accepted", TAKEN),
    ]


async def test_a_refusal_is_the_last_step_with_its_code(office: Office) -> None:
    async with ScriptedRelay([Script(rcpt="550 5.1.1 nobody")]) as relay:
        await run(by(office, relay).send_letter, order())
    assert await steps_of(office) == [
        ("queued", None),
        ("sending", None),
        ("refused", "550 5.1.1 nobody"),
    ]


async def test_a_lost_answer_found_in_the_log_is_a_step(office: Office) -> None:
    async with (
        ScriptedRelay([Script(dot=ACCEPT_THEN_DROP)]) as relay,
        RelayLog(relay) as log,
    ):
        letters = by(office, relay, log)
        assert await failure_of(letters, order()) == "InDoubt"
        await run(letters.send_letter, order())
    assert await states_of(office) == ["queued", "sending", "unknown", "accepted"]
    assert (await steps_of(office))[-1] == ("accepted", "found in the log")


async def test_a_letter_sent_again_after_a_doubt_shows_both_attempts(
    office: Office,
) -> None:
    scripts = [Script(dot=DROP), Script()]
    async with ScriptedRelay(scripts) as relay, RelayLog(relay) as log:
        letters = by(office, relay, log)
        assert await failure_of(letters, order()) == "InDoubt"
        await run(letters.send_letter, order())
    assert await states_of(office) == [
        "queued",
        "sending",
        "unknown",
        "sending",
        "accepted",
    ]


async def test_an_attempt_that_was_killed_is_a_step_too(
    office: Office, relay: ScriptedRelay, log: RelayLog
) -> None:
    post = a_post(relay.port, log.url)
    killed = await attempt(order(), office.url, crash_at="after_claim", post=post)
    assert killed == -9
    await run(by(office, relay, log).send_letter, order())
    assert await steps_of(office) == [
        ("queued", None),
        ("sending", None),
        ("unknown", "broken off before an answer was noted"),
        ("sending", None),
        ("accepted", TAKEN),
    ]


async def test_an_attempt_killed_after_the_relay_took_the_letter_was_accepted(
    office: Office, relay: ScriptedRelay, log: RelayLog
) -> None:
    post = a_post(relay.port, log.url)
    await attempt(order(), office.url, crash_at="after_relay_answer", post=post)
    await run(by(office, relay, log).send_letter, order())
    assert await steps_of(office) == [
        ("queued", None),
        ("sending", None),
        ("accepted", "found in the log"),
    ]


async def test_a_letter_that_is_useless_or_for_nobody_says_why_it_was_skipped(
    office: Office, relay: ScriptedRelay
) -> None:
    letters = by(office, relay)
    past = datetime(2026, 1, 1, tzinfo=UTC)
    late = order("reminder_60", useless_at=past)
    await run(letters.send_letter, late)
    assert await steps_of(office, late.key) == [
        ("queued", None),
        ("skipped", "useless by now"),
    ]
    async with office.sessions.begin() as session:
        await session.execute(update(Person).values(email=""))
    await run(letters.send_letter, order())
    assert await steps_of(office) == [("queued", None), ("skipped", "no address")]


async def test_a_withdrawn_letter_is_cancelled_between_two_attempts(
    office: Office, effects: Dossiers
) -> None:
    async with ScriptedRelay([Script(rcpt="450 later")]) as relay:
        letters = by(office, relay)
        assert await failure_of(letters, order()) == "Deferred"
        await run(effects.keep_record, a_record(a_holder(), withdrawn=(KEY,)))
        assert await run(letters.send_letter, order()) is Posted.SKIPPED
    assert await states_of(office) == ["queued", "sending", "deferred", "cancelled"]


async def test_a_letter_put_off_while_it_is_withdrawn_ends_there(
    office: Office, effects: Dossiers
) -> None:
    async with ScriptedRelay([Script(rcpt=HANG)]) as relay:
        letters = by(office, relay)
        going = asyncio.create_task(failure_of(letters, order()))
        while "RCPT" not in {line[:4] for line in relay.commands}:  # noqa: ASYNC110  it has no event
            await asyncio.sleep(0.01)
        await run(effects.keep_record, a_withdrawal())
        assert await states_of(office) == ["queued", "sending"]
        await relay.listener.hang_up()
        assert await going == "Deferred"
        assert await run(letters.send_letter, order()) is Posted.SKIPPED
    assert await states_of(office) == ["queued", "sending", "cancelled"]


async def test_a_letter_ordered_again_is_put_off_like_any_other(
    office: Office, effects: Dossiers
) -> None:
    again = order(occurred_at=noon(TODAY) + timedelta(days=1))
    async with ScriptedRelay([Script(rcpt="450 later"), Script()]) as relay:
        letters = by(office, relay)
        await run(effects.keep_record, a_withdrawal())
        assert await failure_of(letters, again) == "Deferred"
        assert await states_of(office) == ["queued", "sending", "deferred"]
        assert await run(letters.send_letter, again) is Posted.ACCEPTED


@pytest.mark.parametrize("said", ["delivered", "bounced"])
async def test_what_a_report_says_later_is_a_step_and_the_letter_stays_sent(
    office: Office, relay: ScriptedRelay, said: str
) -> None:
    letters = by(office, relay)
    await run(letters.send_letter, order())
    async with office.sessions.begin() as session:
        await session.execute(update(Letter).values(state=said))
    assert await run(letters.send_letter, order()) is Posted.ACCEPTED
    assert await states_of(office) == ["queued", "sending", "accepted", said]
    assert len(relay.taken) == 1


async def test_a_report_that_overtakes_the_answer_wins(
    office: Office, relay: ScriptedRelay
) -> None:
    """The relay's report was read while our attempt was taken for lost."""
    post = a_post(relay.port)
    await attempt(order(), office.url, crash_at="after_relay_answer", post=post)
    async with office.sessions.begin() as session:
        await session.execute(update(Letter).values(state="delivered"))
    assert await run(by(office, relay).send_letter, order()) is Posted.ACCEPTED
    assert len(relay.taken) == 1
    assert (await office.one(Letter, KEY)).state == "delivered"


async def test_waiting_for_facts_or_for_a_log_adds_no_step(office: Office) -> None:
    fact = FactRow(
        fact_id="fact-1",
        dossier=HOLDER,
        kind="invoice_paid",
        source="payment_provider",
        body={},
        occurred_at=noon(TODAY),
        received_at=noon(TODAY),
    )
    await office.add(fact)
    async with ScriptedRelay([Script(dot=ACCEPT_THEN_DROP)]) as relay:
        letters = sending(office, a_post(relay.port, grace=timedelta(minutes=30)))
        for _ in range(2):
            assert await failure_of(letters, order(cause=KEY)) == "FactsWait"
        assert await steps_of(office) == [("queued", None)]
        async with office.sessions.begin() as session:
            (await session.get_one(FactRow, "fact-1")).state = "applied"
        for _ in range(3):
            assert await failure_of(letters, order(cause=KEY)) == "InDoubt"
    assert await states_of(office) == ["queued", "sending", "unknown"]


async def test_a_step_is_dated_by_the_dossiers_own_clock(
    office: Office, relay: ScriptedRelay
) -> None:
    ahead = timedelta(days=400)
    await office.add(Clock(dossier=HOLDER, ahead=ahead))
    await run(by(office, relay).send_letter, order())
    async with office.sessions() as session:
        first = (await session.scalars(select(LetterEvent.at))).first()
    assert first is not None
    assert abs(first - datetime.now(UTC) - ahead) < timedelta(minutes=1)


async def test_no_step_can_be_taken_back(office: Office, relay: ScriptedRelay) -> None:
    await run(by(office, relay).send_letter, order())
    with pytest.raises(DatabaseError):
        async with office.sessions.begin() as session:
            await session.execute(update(LetterEvent).values(state="refused"))
