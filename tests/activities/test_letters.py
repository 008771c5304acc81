"""A letter leaves at least once, and once wherever that can be known."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest
from temporalio.exceptions import ApplicationError

from letters.compose import message_id
from letters.returning import returned_message_id
from records.models import (
    Letter,
)
from tests.activities.attempt import HEAD, a_post, attempt
from tests.activities.office import Office, run
from tests.activities.posting import KEY, by, order, read, sending
from tests.activities.relay_log import RelayLog
from tests.dossiers import HOLDER, TODAY, noon
from tests.letters.relay import (
    DROP,
    OK,
    Script,
    ScriptedRelay,
)
from workflows.messages import Posted

pytestmark = pytest.mark.usefixtures("holder")


async def test_a_letter_is_handed_over_and_its_row_says_all_of_it(
    office: Office, relay: ScriptedRelay
) -> None:
    letters = by(office, relay)
    assert await run(letters.send_letter, order()) is Posted.ACCEPTED

    (taken,) = relay.taken
    row = await office.one(Letter, KEY)
    message = read(taken)
    assert taken.recipients == ("marc@courriel.example",)
    assert message["Message-ID"] == row.message_id
    assert row.message_id == message_id(KEY, secret=HEAD.secret, domain=HEAD.domain)
    assert (row.state, row.fence, row.language) == ("accepted", 1, "fr")
    token = row.message_id.strip("<>").partition("@")[0]
    assert taken.sender == f"retour+{token}@echeance.example"
    assert message["From"] == HEAD.sender
    assert message["Reply-To"] == HEAD.intake_address
    assert message["Return-Path"] is None
    assert (row.recipient, row.subject) == ("marc@courriel.example", message["Subject"])
    assert row.body is not None
    assert "Marc Roy" in row.body
    assert "185,00" in row.body
    assert "mercredi 9 décembre 2026" in row.body.replace("\n", " ")
    assert row.answer is not None
    assert row.answer.startswith("250 ")


async def test_a_letter_sent_twice_leaves_once(
    office: Office, relay: ScriptedRelay
) -> None:
    letters = by(office, relay)
    for _ in range(2):
        assert await run(letters.send_letter, order()) is Posted.ACCEPTED
    assert len(relay.taken) == 1


async def test_the_address_a_letter_comes_back_to_names_it_again(
    office: Office, relay: ScriptedRelay
) -> None:
    await run(by(office, relay).send_letter, order())
    row = await office.one(Letter, KEY)
    (taken,) = relay.taken
    assert row.message_id == returned_message_id(
        taken.sender.upper(), HEAD.return_address, HEAD.domain
    )


async def test_a_letter_already_ordered_with_its_record_is_the_same_letter(
    office: Office, relay: ScriptedRelay
) -> None:
    await office.add(
        Letter(
            key=KEY,
            dossier=HOLDER,
            notice="reminder_30",
            ordered=order().model_dump(mode="json"),
            occurred_at=noon(TODAY),
        )
    )
    await run(by(office, relay).send_letter, order())
    (row,) = await office.rows(Letter)
    assert row.state == "accepted"


@pytest.mark.parametrize(
    ("state", "answer"),
    [
        ("accepted", Posted.ACCEPTED),
        ("delivered", Posted.ACCEPTED),
        ("bounced", Posted.ACCEPTED),
        ("refused", Posted.REFUSED),
        ("skipped", Posted.SKIPPED),
        ("cancelled", Posted.SKIPPED),
    ],
)
async def test_a_letter_that_has_ended_is_not_sent(
    office: Office, relay: ScriptedRelay, state: str, answer: Posted
) -> None:
    await office.add(
        Letter(
            key=KEY,
            dossier=HOLDER,
            notice="reminder_30",
            ordered={},
            occurred_at=noon(TODAY),
            state=state,
        )
    )
    assert await run(by(office, relay).send_letter, order()) is answer
    assert relay.connections == 0


async def test_of_two_attempts_at_once_only_one_letter_leaves(
    office: Office, relay: ScriptedRelay
) -> None:
    post = a_post(relay.port, grace=timedelta(minutes=30))
    letters = sending(office, post)
    answers = await asyncio.gather(
        *(run(letters.send_letter, order()) for _ in range(4)),
        return_exceptions=True,
    )
    assert Posted.ACCEPTED in answers
    assert {a.type for a in answers if isinstance(a, ApplicationError)} <= {
        "Overtaken",
        "InDoubt",
    }
    assert len(relay.taken) == 1


@pytest.mark.parametrize(
    "crash_at", ["before_claim", "after_claim", "after_relay_answer", "after_accepted"]
)
@pytest.mark.parametrize("notice", ["reminder_30", "receipt"])
async def test_a_letter_whose_sender_was_killed_leaves_exactly_once(
    office: Office, relay: ScriptedRelay, log: RelayLog, crash_at: str, notice: str
) -> None:
    ordered = order(notice, invoice_id="F-1")
    post = a_post(relay.port, log.url)
    killed = await attempt(ordered, office.url, crash_at=crash_at, post=post)
    assert killed == -9
    letters = by(office, relay, log)
    assert await run(letters.send_letter, ordered) is Posted.ACCEPTED
    assert len(relay.taken) == 1
    assert (await office.one(Letter, ordered.key)).state == "accepted"


@pytest.mark.parametrize(("dot", "state"), [(OK, "accepted"), (DROP, "unknown")])
async def test_a_frozen_attempt_that_wakes_cannot_write_over_the_next(
    office: Office, dot: str, state: str
) -> None:
    """The next attempt takes the letter while the first still talks to the relay."""
    asked = asyncio.Event()
    answer = asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await answer.wait()
        writer.write(b"554 no\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(slow, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    frozen = asyncio.create_task(
        run(sending(office, a_post(port)).send_letter, order())
    )
    await asked.wait()
    async with ScriptedRelay([Script(dot=dot)]) as relay:
        with suppress(ApplicationError):
            await run(by(office, relay).send_letter, order())
    answer.set()
    with pytest.raises(ApplicationError) as problem:
        await frozen
    assert problem.value.type == "Overtaken"
    row = await office.one(Letter, KEY)
    assert (row.state, row.fence) == (state, 2)
    server.close()
