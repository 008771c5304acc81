"""What the relay may do to a letter, and what is done then."""

from datetime import timedelta

import pytest
from sqlalchemy import update
from temporalio.exceptions import ApplicationError

from records.models import (
    Letter,
)
from tests.activities.attempt import a_post
from tests.activities.office import Office, run
from tests.activities.posting import KEY, by, failure_of, order, read, sending
from tests.activities.relay_log import RelayLog
from tests.letters.relay import (
    ACCEPT_THEN_DROP,
    ACCEPT_THEN_HANG,
    DROP,
    HANG,
    Script,
    ScriptedRelay,
    a_script,
)
from workflows.messages import Posted

pytestmark = pytest.mark.usefixtures("holder")

LONG = timedelta(minutes=30)


async def test_a_relay_that_says_later_is_asked_again(office: Office) -> None:
    scripts = [Script(rcpt="450 4.2.0 later, marc@courriel.example"), Script()]
    async with ScriptedRelay(scripts) as relay:
        letters = by(office, relay)
        with pytest.raises(ApplicationError) as problem:
            await run(letters.send_letter, order())
        assert problem.value.type == "Deferred"
        # What the relay said may name the person: not for Temporal.
        assert "marc" not in str(problem.value)
        row = await office.one(Letter, KEY)
        assert (row.state, row.answer) == (
            "deferred",
            "450 4.2.0 later, marc@courriel.example",
        )
        assert await run(letters.send_letter, order()) is Posted.ACCEPTED
    row = await office.one(Letter, KEY)
    assert (row.state, row.fence, len(relay.taken)) == ("accepted", 2, 1)


async def test_a_relay_that_is_away_leaves_the_letter_deferred(office: Office) -> None:
    async with ScriptedRelay() as gone:
        port = gone.port
    letters = sending(office, a_post(port))
    assert await failure_of(letters, order()) == "Deferred"
    assert (await office.one(Letter, KEY)).state == "deferred"


async def test_an_address_that_the_relay_refuses_is_not_tried_again(
    office: Office,
) -> None:
    async with ScriptedRelay([Script(rcpt="550 5.1.1 no such user")]) as relay:
        letters = by(office, relay)
        for _ in range(2):
            assert await run(letters.send_letter, order()) is Posted.REFUSED
        assert relay.connections == 1
    assert (await office.one(Letter, KEY)).state == "refused"


@pytest.mark.parametrize("dot", [ACCEPT_THEN_DROP, ACCEPT_THEN_HANG])
async def test_a_letter_whose_answer_was_lost_is_found_in_the_relays_log(
    office: Office, dot: str
) -> None:
    async with ScriptedRelay([Script(dot=dot)]) as relay, RelayLog(relay) as log:
        letters = by(office, relay, log)
        assert await failure_of(letters, order()) == "InDoubt"
        assert (await office.one(Letter, KEY)).state == "unknown"
        assert await run(letters.send_letter, order()) is Posted.ACCEPTED
        assert (len(relay.taken), relay.connections) == (1, 1)
    assert (await office.one(Letter, KEY)).answer == "found in the log"


@pytest.mark.parametrize("dot", [DROP, HANG])
async def test_a_letter_that_the_relays_log_does_not_know_is_sent_again(
    office: Office, dot: str
) -> None:
    scripts = [Script(dot=dot), Script()]
    async with ScriptedRelay(scripts) as relay, RelayLog(relay) as log:
        letters = by(office, relay, log)
        ordered = order("receipt", invoice_id="F-1")
        assert await failure_of(letters, ordered) == "InDoubt"
        assert await run(letters.send_letter, ordered) is Posted.ACCEPTED
        assert len(relay.taken) == 1


async def test_a_reminder_in_doubt_without_a_log_is_sent_again_as_the_same_message(
    office: Office,
) -> None:
    scripts = [Script(dot=ACCEPT_THEN_DROP), Script()]
    async with ScriptedRelay(scripts) as relay:
        letters = by(office, relay)
        assert await failure_of(letters, order()) == "InDoubt"
        assert await run(letters.send_letter, order()) is Posted.ACCEPTED
    first, second = (read(taken)["Message-ID"] for taken in relay.taken)
    assert first == second


@pytest.mark.parametrize("notice", ["receipt", "refund_due"])
async def test_a_text_about_money_in_doubt_without_a_log_is_left_to_a_person(
    office: Office, notice: str
) -> None:
    ordered = order(notice, invoice_id="F-1")
    async with ScriptedRelay([Script(dot=ACCEPT_THEN_DROP)]) as relay:
        letters = by(office, relay)
        assert await failure_of(letters, ordered) == "InDoubt"
        for _ in range(2):
            assert await run(letters.send_letter, ordered) is Posted.UNKNOWN
        assert len(relay.taken) == 1
    assert (await office.one(Letter, ordered.key)).state == "unknown"


async def test_a_log_that_does_not_answer_is_asked_again_before_any_resend(
    office: Office,
) -> None:
    async with ScriptedRelay([Script(dot=ACCEPT_THEN_DROP)]) as relay:
        async with RelayLog(relay) as gone:
            url = gone.url
        post = a_post(relay.port, url, log_patience=LONG)
        letters = sending(office, post)
        for _ in range(2):
            assert await failure_of(letters, order()) == "InDoubt"
        assert relay.connections == 1


async def test_a_relay_is_given_time_to_log_before_a_letter_is_sent_again(
    office: Office,
) -> None:
    scripts = [Script(dot=DROP), Script()]
    async with ScriptedRelay(scripts) as relay, RelayLog(relay) as log:
        post = a_post(relay.port, log.url, grace=LONG)
        letters = sending(office, post)
        for _ in range(2):
            assert await failure_of(letters, order()) == "InDoubt"
        assert relay.connections == 1
        await _age(office, timedelta(hours=1))
        assert await run(letters.send_letter, order()) is Posted.ACCEPTED


async def _age(office: Office, by: timedelta) -> None:
    async with office.sessions.begin() as session:
        await session.execute(update(Letter).values(changed_at=Letter.changed_at - by))


@pytest.mark.parametrize(
    ("hangs", "type_of_failure", "state"),
    [("rcpt", "Deferred", "deferred"), ("dot", "InDoubt", "unknown")],
)
async def test_an_attempt_ends_before_temporal_begins_the_next_one(
    office: Office, hangs: str, type_of_failure: str, state: str
) -> None:
    async with ScriptedRelay([a_script(hangs, HANG)]) as relay:
        post = a_post(relay.port, attempt_limit=timedelta(milliseconds=200))
        assert await failure_of(sending(office, post), order()) == type_of_failure
    row = await office.one(Letter, KEY)
    assert (row.state, row.answer) == (state, "the relay was too slow")
