"""A letter leaves at least once, and once wherever that can be known."""

import asyncio
import email
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from email.policy import default

import pytest
from sqlalchemy import update
from temporalio.exceptions import ApplicationError

from activities.letters import Letters, Post
from activities.writing import Letterhead
from letters.compose import message_id
from records.models import (
    Agency,
    FactRow,
    InvoiceRow,
    Letter,
    LinkRow,
    Person,
    WrittenText,
)
from rules.reasons import EXPIRY_PAGE, Condition, Finding
from settings import settings_from
from tests.activities.attempt import HEAD, a_post, attempt
from tests.activities.office import Office, an_order, run
from tests.activities.relay_log import RelayLog
from tests.dossiers import HOLDER, NEWCOMER, PERMIT, TODAY, a_holder, a_newcomer, noon
from tests.letters.relay import (
    ACCEPT_THEN_DROP,
    ACCEPT_THEN_HANG,
    DROP,
    HANG,
    Script,
    ScriptedRelay,
    Taken,
)
from workflows.messages import LetterOrder, Posted

KEY = f"{HOLDER}/2026-12-10/reminder_30"
LONG = timedelta(minutes=30)


@pytest.fixture
async def office(office: Office) -> Office:
    """The office, with the dossier of somebody who holds a certificate."""
    await office.place(a_holder())
    return office


@pytest.fixture
async def relay() -> AsyncIterator[ScriptedRelay]:
    async with ScriptedRelay() as relay:
        yield relay


@pytest.fixture
async def log(relay: ScriptedRelay) -> AsyncIterator[RelayLog]:
    async with RelayLog(relay) as log:
        yield log


def _letters(office: Office, relay: ScriptedRelay, log: RelayLog | None) -> Letters:
    post = a_post(relay.port, log.url if log else None)
    return Letters(office.sessions, post, HEAD)


def _order(notice: str = "reminder_30", **says: object) -> LetterOrder:
    return an_order(a_holder(), notice, **says)


def _read(taken: Taken) -> EmailMessage:
    message = email.message_from_bytes(taken.data, policy=default)
    assert isinstance(message, EmailMessage)
    return message


async def _type_of_failure(letters: Letters, order: LetterOrder) -> str | None:
    with pytest.raises(ApplicationError) as problem:
        await run(letters.send_letter, order)
    assert not problem.value.non_retryable
    return problem.value.type


# ------------------------------------------------------------- the ordinary case


async def test_a_letter_is_handed_over_and_its_row_says_all_of_it(
    office: Office, relay: ScriptedRelay
) -> None:
    letters = _letters(office, relay, None)
    assert await run(letters.send_letter, _order()) is Posted.ACCEPTED

    (taken,) = relay.taken
    row = await office.one(Letter, KEY)
    message = _read(taken)
    assert taken.recipients == ("marc@courriel.example",)
    assert message["Message-ID"] == row.message_id
    assert row.message_id == message_id(KEY, secret=HEAD.secret, domain=HEAD.domain)
    assert (row.state, row.fence, row.language) == ("accepted", 1, "fr")
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
    letters = _letters(office, relay, None)
    for _ in range(2):
        assert await run(letters.send_letter, _order()) is Posted.ACCEPTED
    assert len(relay.taken) == 1


async def test_a_letter_already_ordered_with_its_record_is_the_same_letter(
    office: Office, relay: ScriptedRelay
) -> None:
    await office.add(
        Letter(
            key=KEY,
            dossier=HOLDER,
            notice="reminder_30",
            ordered=_order().model_dump(mode="json"),
            occurred_at=noon(TODAY),
        )
    )
    await run(_letters(office, relay, None).send_letter, _order())
    (row,) = await office.rows(Letter)
    assert row.state == "accepted"


@pytest.mark.parametrize(
    ("state", "answer"),
    [
        ("accepted", Posted.ACCEPTED),
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
    assert await run(_letters(office, relay, None).send_letter, _order()) is answer
    assert relay.connections == 0


async def test_of_two_attempts_at_once_only_one_letter_leaves(
    office: Office, relay: ScriptedRelay
) -> None:
    post = a_post(relay.port, grace=LONG)
    letters = Letters(office.sessions, post, HEAD)
    answers = await asyncio.gather(
        *(run(letters.send_letter, _order()) for _ in range(4)),
        return_exceptions=True,
    )
    assert Posted.ACCEPTED in answers
    assert {a.type for a in answers if isinstance(a, ApplicationError)} <= {
        "Overtaken",
        "InDoubt",
    }
    assert len(relay.taken) == 1


# ---------------------------------------------------------- what the relay may do


async def test_a_relay_that_says_later_is_asked_again(office: Office) -> None:
    scripts = [Script(rcpt="450 4.2.0 later, marc@courriel.example"), Script()]
    async with ScriptedRelay(scripts) as relay:
        letters = _letters(office, relay, None)
        with pytest.raises(ApplicationError) as problem:
            await run(letters.send_letter, _order())
        assert problem.value.type == "Deferred"
        # What the relay said may name the person: not for Temporal.
        assert "marc" not in str(problem.value)
        row = await office.one(Letter, KEY)
        assert (row.state, row.answer) == (
            "deferred",
            "450 4.2.0 later, marc@courriel.example",
        )
        assert await run(letters.send_letter, _order()) is Posted.ACCEPTED
    row = await office.one(Letter, KEY)
    assert (row.state, row.fence, len(relay.taken)) == ("accepted", 2, 1)


async def test_a_relay_that_is_away_leaves_the_letter_deferred(office: Office) -> None:
    async with ScriptedRelay() as gone:
        port = gone.port
    letters = Letters(office.sessions, a_post(port), HEAD)
    assert await _type_of_failure(letters, _order()) == "Deferred"
    assert (await office.one(Letter, KEY)).state == "deferred"


async def test_an_address_that_the_relay_refuses_is_not_tried_again(
    office: Office,
) -> None:
    async with ScriptedRelay([Script(rcpt="550 5.1.1 no such user")]) as relay:
        letters = _letters(office, relay, None)
        for _ in range(2):
            assert await run(letters.send_letter, _order()) is Posted.REFUSED
        assert relay.connections == 1
    assert (await office.one(Letter, KEY)).state == "refused"


@pytest.mark.parametrize("dot", [ACCEPT_THEN_DROP, ACCEPT_THEN_HANG])
async def test_a_letter_whose_answer_was_lost_is_found_in_the_relays_log(
    office: Office, dot: str
) -> None:
    async with ScriptedRelay([Script(dot=dot)]) as relay, RelayLog(relay) as log:
        letters = _letters(office, relay, log)
        assert await _type_of_failure(letters, _order()) == "InDoubt"
        assert (await office.one(Letter, KEY)).state == "unknown"
        assert await run(letters.send_letter, _order()) is Posted.ACCEPTED
        assert (len(relay.taken), relay.connections) == (1, 1)
    assert (await office.one(Letter, KEY)).answer == "found in the log"


@pytest.mark.parametrize("dot", [DROP, HANG])
async def test_a_letter_that_the_relays_log_does_not_know_is_sent_again(
    office: Office, dot: str
) -> None:
    scripts = [Script(dot=dot), Script()]
    async with ScriptedRelay(scripts) as relay, RelayLog(relay) as log:
        letters = _letters(office, relay, log)
        order = _order("receipt", invoice_id="F-1")
        assert await _type_of_failure(letters, order) == "InDoubt"
        assert await run(letters.send_letter, order) is Posted.ACCEPTED
        assert len(relay.taken) == 1


async def test_a_reminder_in_doubt_without_a_log_is_sent_again_as_the_same_message(
    office: Office,
) -> None:
    scripts = [Script(dot=ACCEPT_THEN_DROP), Script()]
    async with ScriptedRelay(scripts) as relay:
        letters = _letters(office, relay, None)
        assert await _type_of_failure(letters, _order()) == "InDoubt"
        assert await run(letters.send_letter, _order()) is Posted.ACCEPTED
    first, second = (_read(taken)["Message-ID"] for taken in relay.taken)
    assert first == second


@pytest.mark.parametrize("notice", ["receipt", "refund_due"])
async def test_a_text_about_money_in_doubt_without_a_log_is_left_to_a_person(
    office: Office, notice: str
) -> None:
    order = _order(notice, invoice_id="F-1")
    async with ScriptedRelay([Script(dot=ACCEPT_THEN_DROP)]) as relay:
        letters = _letters(office, relay, None)
        assert await _type_of_failure(letters, order) == "InDoubt"
        for _ in range(2):
            assert await run(letters.send_letter, order) is Posted.UNKNOWN
        assert len(relay.taken) == 1
    assert (await office.one(Letter, order.key)).state == "unknown"


async def test_a_log_that_does_not_answer_is_asked_again_before_any_resend(
    office: Office,
) -> None:
    async with ScriptedRelay([Script(dot=ACCEPT_THEN_DROP)]) as relay:
        async with RelayLog(relay) as gone:
            url = gone.url
        post = a_post(relay.port, url, log_patience=LONG)
        letters = Letters(office.sessions, post, HEAD)
        for _ in range(2):
            assert await _type_of_failure(letters, _order()) == "InDoubt"
        assert relay.connections == 1


async def test_a_relay_is_given_time_to_log_before_a_letter_is_sent_again(
    office: Office,
) -> None:
    scripts = [Script(dot=DROP), Script()]
    async with ScriptedRelay(scripts) as relay, RelayLog(relay) as log:
        post = a_post(relay.port, log.url, grace=LONG)
        letters = Letters(office.sessions, post, HEAD)
        for _ in range(2):
            assert await _type_of_failure(letters, _order()) == "InDoubt"
        assert relay.connections == 1
        await _age(office, timedelta(hours=1))
        assert await run(letters.send_letter, _order()) is Posted.ACCEPTED


async def _age(office: Office, by: timedelta) -> None:
    async with office.sessions.begin() as session:
        await session.execute(update(Letter).values(changed_at=Letter.changed_at - by))


async def test_an_attempt_ends_before_temporal_begins_the_next_one(
    office: Office,
) -> None:
    async with ScriptedRelay([Script(mail=HANG)]) as relay:
        post = a_post(relay.port, attempt_limit=timedelta(milliseconds=200))
        letters = Letters(office.sessions, post, HEAD)
        assert await _type_of_failure(letters, _order()) == "InDoubt"
    row = await office.one(Letter, KEY)
    assert (row.state, row.answer) == ("unknown", "the relay was too slow")


# ------------------------------------------------------------------------ kills


@pytest.mark.parametrize(
    "crash_at", ["before_claim", "after_claim", "after_relay_answer", "after_accepted"]
)
@pytest.mark.parametrize("notice", ["reminder_30", "receipt"])
async def test_a_letter_whose_sender_was_killed_leaves_exactly_once(
    office: Office, relay: ScriptedRelay, log: RelayLog, crash_at: str, notice: str
) -> None:
    order = _order(notice, invoice_id="F-1")
    post = a_post(relay.port, log.url)
    killed = await attempt(order, office.url, crash_at=crash_at, post=post)
    assert killed == -9
    letters = _letters(office, relay, log)
    assert await run(letters.send_letter, order) is Posted.ACCEPTED
    assert len(relay.taken) == 1
    assert (await office.one(Letter, order.key)).state == "accepted"


async def test_a_frozen_attempt_that_wakes_cannot_write_over_the_next(
    office: Office,
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
        run(Letters(office.sessions, a_post(port), HEAD).send_letter, _order())
    )
    await asked.wait()
    async with ScriptedRelay() as relay:
        letters = _letters(office, relay, None)
        assert await run(letters.send_letter, _order()) is Posted.ACCEPTED
    answer.set()
    with pytest.raises(ApplicationError) as problem:
        await frozen
    assert problem.value.type == "Overtaken"
    row = await office.one(Letter, KEY)
    assert (row.state, row.fence) == ("accepted", 2)
    server.close()


# ---------------------------------------------------------- false, late, nobody


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
    letters = _letters(office, relay, None)
    with pytest.raises(ApplicationError) as problem:
        await run(letters.send_letter, _order(cause=KEY))
    assert problem.value.type == "FactsWait"
    assert problem.value.next_retry_delay == timedelta(seconds=10)
    assert relay.connections == 0
    async with office.sessions.begin() as session:
        (await session.get_one(FactRow, "fact-1")).state = "applied"
    assert await run(letters.send_letter, _order(cause=KEY)) is Posted.ACCEPTED


async def test_a_fact_nobody_hears_does_not_hold_reminders_for_ever(
    office: Office, relay: ScriptedRelay
) -> None:
    fact = _a_fact("new")
    fact.stored_at = datetime(2026, 1, 1, tzinfo=UTC)
    await office.add(fact)
    letters = _letters(office, relay, None)
    assert await run(letters.send_letter, _order(cause=KEY)) is Posted.ACCEPTED


async def test_a_letter_that_nothing_makes_false_does_not_wait(
    office: Office, relay: ScriptedRelay
) -> None:
    await office.add(_a_fact("new"))
    letters = _letters(office, relay, None)
    assert await run(letters.send_letter, _order("expired")) is Posted.ACCEPTED


async def test_a_reminder_past_its_window_is_skipped(
    office: Office, relay: ScriptedRelay
) -> None:
    past = datetime(2026, 1, 1, tzinfo=UTC)
    letters = _letters(office, relay, None)
    answer = await run(letters.send_letter, _order(useless_at=past))
    assert answer is Posted.SKIPPED
    assert relay.connections == 0
    row = await office.one(Letter, KEY)
    assert (row.state, row.answer) == ("skipped", "useless by now")


@pytest.mark.parametrize(
    ("address", "answer", "state"),
    [
        ("", Posted.SKIPPED, "skipped"),
        ("not an address", Posted.REFUSED, "refused"),
        ("marc@courriel.example\r\nBcc: x@y.example", Posted.REFUSED, "refused"),
    ],
)
async def test_nobody_is_written_to_at_what_is_no_address(
    office: Office, relay: ScriptedRelay, address: str, answer: Posted, state: str
) -> None:
    async with office.sessions.begin() as session:
        await session.execute(update(Person).values(email=address))
    letters = _letters(office, relay, None)
    assert await run(letters.send_letter, _order()) is answer
    assert relay.connections == 0
    assert (await office.one(Letter, KEY)).state == state


async def test_the_address_of_the_hour_of_sending_counts(
    office: Office,
) -> None:
    scripts = [Script(rcpt="450 later"), Script()]
    async with ScriptedRelay(scripts) as relay:
        letters = _letters(office, relay, None)
        await _type_of_failure(letters, _order())
        async with office.sessions.begin() as session:
            await session.execute(update(Person).values(email="new@courriel.example"))
        await run(letters.send_letter, _order())
    assert relay.taken[0].recipients == ("new@courriel.example",)


# ------------------------------------------------------- what only the rows know


async def test_a_request_for_a_link_goes_to_the_agency_in_its_language(
    office: Office, relay: ScriptedRelay
) -> None:
    await office.add(
        Agency(permit=PERMIT, name="Boreal", email="b@boreal.example", language="en"),
        LinkRow(link_id="link-1", dossier=HOLDER, permit=PERMIT),
    )
    order = _order("link_requested", link_id="link-1")
    await run(_letters(office, relay, None).send_letter, order)
    (taken,) = relay.taken
    row = await office.one(Letter, order.key)
    assert taken.recipients == ("b@boreal.example",)
    assert row.language == "en"
    assert row.body is not None
    assert "Marc Roy" in row.body
    assert PERMIT in row.body


async def test_a_request_for_a_link_with_an_unknown_agency_is_skipped(
    office: Office, relay: ScriptedRelay
) -> None:
    order = _order("link_requested", link_id="link-of-nobody")
    letters = _letters(office, relay, None)
    assert await run(letters.send_letter, order) is Posted.SKIPPED
    assert relay.connections == 0


async def test_a_letter_about_a_link_names_the_agency_to_the_person(
    office: Office, relay: ScriptedRelay
) -> None:
    await office.add(
        Agency(permit=PERMIT, name="Boréale", email="b@boreal.example"),
        LinkRow(link_id="link-1", dossier=HOLDER, permit=PERMIT),
    )
    order = _order("link_confirmed", link_id="link-1")
    await run(_letters(office, relay, None).send_letter, order)
    row = await office.one(Letter, order.key)
    assert (row.recipient, row.body and "Boréale" in row.body) == (
        "marc@courriel.example",
        True,
    )


async def test_a_receipt_speaks_of_the_day_of_capture_and_is_dated_by_its_own(
    office: Office, relay: ScriptedRelay
) -> None:
    captured_at = datetime(2026, 11, 20, 4, 59, tzinfo=UTC)  # the 19th in Québec
    await office.add(
        InvoiceRow(
            invoice_id="F-7",
            dossier=HOLDER,
            operation="renewal",
            asked_on=TODAY,
            state="paid",
            captured_at=captured_at,
            amount_cents=18500,
        )
    )
    order = _order("receipt", invoice_id="F-7")
    await run(_letters(office, relay, None).send_letter, order)
    row = await office.one(Letter, order.key)
    assert row.body is not None
    assert "19 novembre 2026" in row.body
    assert "renouvellement" in row.body
    assert _read(relay.taken[0])["Date"].datetime == noon(TODAY)


async def test_an_officers_words_and_the_findings_reach_the_person(
    office: Office, relay: ScriptedRelay
) -> None:
    await office.place(a_newcomer(), "Ana Cruz", "en")
    await office.add(WrittenText(text_id="t-1", text="No link was found.", by="o:1"))
    order = an_order(
        a_newcomer(),
        "intended_refusal",
        certificate=HOLDER,
        act_before=date(2026, 12, 9),
        text_id="t-1",
        findings=(Finding(Condition.LINKED_AT_ECHEANCE, False, EXPIRY_PAGE),),
    )
    await run(_letters(office, relay, None).send_letter, order)
    row = await office.one(Letter, order.key)
    assert (row.language, row.recipient) == ("en", "ana@courriel.example")
    assert row.body is not None
    assert "No link was found." in row.body
    assert "we found no affiliation" in " ".join(row.body.split())
    assert NEWCOMER in row.body


@pytest.mark.parametrize(
    ("echeance", "can_still_renew"),
    [
        (date(2026, 12, 26), True),  # the last day was Christmas: to Monday the 28th
        (date(2026, 12, 10), False),
    ],
)
async def test_an_expiry_in_an_extended_delay_says_how_to_undo_it(
    office: Office, relay: ScriptedRelay, echeance: date, *, can_still_renew: bool
) -> None:
    order = _order(
        "expired",
        occurred_at=noon(echeance),
        echeance=echeance,
        certificate=HOLDER,
    )
    await run(_letters(office, relay, None).send_letter, order)
    row = await office.one(Letter, order.key)
    assert row.subject is not None
    assert ("encore renouveler" in row.subject) is can_still_renew


def test_the_post_and_the_letterhead_are_those_of_the_settings() -> None:
    settings = settings_from(
        {
            "ECHEANCE_DATABASE_URL": "postgresql+psycopg://u:p@127.0.0.1/x",
            "ECHEANCE_MAIL_KEY": "a key",
            "ECHEANCE_PAYMENT_WEBHOOK_SECRET": "whsec_x",
            "ECHEANCE_SMTP_HOST": "relay.example",
            "ECHEANCE_SMTP_PORT": "587",
            "ECHEANCE_SMTP_TLS": "starttls",
            "ECHEANCE_SMTP_PASSWORD": "secret",
            "ECHEANCE_RELAY_LOG_URL": "http://relay.example/log",
            "ECHEANCE_MAIL_DOMAIN": "office.example",
        }
    )
    post, head = Post.of(settings), Letterhead.of(settings)
    assert (post.relay.host, post.relay.port, post.relay.tls) == (
        "relay.example",
        587,
        "starttls",
    )
    assert (post.relay.password, post.log_url) == ("secret", "http://relay.example/log")
    assert (head.secret, head.domain) == (b"a key", "office.example")
