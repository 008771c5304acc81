"""What the relay may do to a letter, and what is done then."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text, update
from temporalio.exceptions import ApplicationError

from activities.dossiers import Dossiers
from activities.sayings import finding
from activities.sweeping_mail import RELAY_LOG_LAGS, MailSweep
from records.models import Letter
from tests.activities.attempt import a_post
from tests.activities.office import Office, run
from tests.activities.posting import (
    KEY,
    a_withdrawal,
    by,
    failure_of,
    order,
    read,
    sending,
)
from tests.activities.relay_log import RelayLog
from tests.dossiers import TODAY, noon
from tests.letters.relay import (
    ACCEPT_THEN_DROP,
    ACCEPT_THEN_HANG,
    DROP,
    HANG,
    Script,
    ScriptedRelay,
    a_script,
)
from tests.upkeep.server import a_closed_port
from workflows.messages import Posted
from workflows.upkeep import Check, Disagreement, Mend

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


async def test_a_letter_that_the_log_knows_and_we_forgot_does_not_leave_again(
    office: Office,
) -> None:
    async with ScriptedRelay() as relay, RelayLog(relay) as log:
        letters = by(office, relay, log)
        assert await run(letters.send_letter, order()) is Posted.ACCEPTED
        # An older copy of the database comes back: it never heard of the letter.
        async with office.sessions.begin() as session:
            await session.execute(text("SET LOCAL session_replication_role = replica"))
            await session.execute(text("DELETE FROM letter_events"))
            await session.execute(text("DELETE FROM letters"))
        assert await run(letters.send_letter, order()) is Posted.ACCEPTED

    row = await office.one(Letter, KEY)
    assert (len(relay.taken), row.state, row.answer) == (
        1,
        "accepted",
        "found in the log",
    )
    assert row.message_id == read(relay.taken[0])["Message-ID"]


async def end_in_doubt(office: Office, log_url: str | None) -> list[Disagreement]:
    """Take the sweep's look at handing over, long after the letter was tried."""
    said: list[Disagreement] = []

    def found(
        check: Check, about: str, code: str, mended: Mend, /, **v: object
    ) -> None:
        said.append(finding(check, about, code, mended, **v))

    async def nobody(_: str) -> bool:
        return False

    in_a_while = datetime.now(UTC) + RELAY_LOG_LAGS
    await MailSweep(
        office.sessions, in_a_while, log_url, found, nobody
    ).see_letters_end()
    return said


@pytest.mark.parametrize(
    ("dot", "has_log", "state", "code"),
    [
        (ACCEPT_THEN_DROP, True, "accepted", "withdrawn_too_late"),
        (DROP, True, "cancelled", "withdrawn_in_time"),
        (ACCEPT_THEN_DROP, False, "cancelled", "withdrawn_in_doubt"),
    ],
)
async def test_a_letter_withdrawn_in_doubt_ends_as_the_relays_log_says(
    office: Office,
    effects: Dossiers,
    dot: str,
    has_log: bool,
    state: str,
    code: str,
) -> None:
    async with ScriptedRelay([Script(dot=dot)]) as relay, RelayLog(relay) as log:
        assert await failure_of(by(office, relay, log), order()) == "InDoubt"
        await run(effects.keep_record, a_withdrawal())
        assert (await office.one(Letter, KEY)).state == "unknown"
        ends = await end_in_doubt(office, log.url if has_log else None)
        assert [(end.code, end.mend) for end in ends] == [(code, Mend.REPAIRED)]
        assert await end_in_doubt(office, log.url) == []
    assert (await office.one(Letter, KEY)).state == state


async def test_a_letter_withdrawn_in_doubt_waits_for_a_log_that_is_silent(
    office: Office, effects: Dossiers
) -> None:
    async with ScriptedRelay([Script(dot=ACCEPT_THEN_DROP)]) as relay:
        assert await failure_of(by(office, relay), order()) == "InDoubt"
    await run(effects.keep_record, a_withdrawal())
    silent = f"http://127.0.0.1:{await a_closed_port()}/log"
    assert await end_in_doubt(office, silent) == []
    assert (await office.one(Letter, KEY)).state == "unknown"


async def test_an_attempt_that_comes_after_the_withdrawal_sends_nothing(
    office: Office, effects: Dossiers
) -> None:
    async with ScriptedRelay([Script(dot=DROP), Script()]) as relay:
        letters = by(office, relay)
        assert await failure_of(letters, order()) == "InDoubt"
        await run(effects.keep_record, a_withdrawal())
        assert await run(letters.send_letter, order()) is Posted.SKIPPED
        assert relay.letters == 1
    assert (await office.one(Letter, KEY)).state == "cancelled"


async def test_a_letter_in_doubt_whose_cause_comes_back_is_not_withdrawn_any_more(
    office: Office, effects: Dossiers
) -> None:
    scripts = [Script(dot=DROP), Script()]
    again = order(occurred_at=noon(TODAY) + timedelta(days=1))
    async with ScriptedRelay(scripts) as relay, RelayLog(relay) as log:
        letters = by(office, relay, log)
        assert await failure_of(letters, order()) == "InDoubt"
        await run(effects.keep_record, a_withdrawal())
        assert await run(letters.send_letter, again) is Posted.ACCEPTED
        assert await end_in_doubt(office, log.url) == []
        assert len(relay.taken) == 1
