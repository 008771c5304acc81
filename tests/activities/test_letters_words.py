"""What only the rows know: who is written to, and in whose words."""

from datetime import UTC, date, datetime, timedelta

import pytest

from activities.letters import Post
from activities.writing import Letterhead
from records.models import (
    Agency,
    InvoiceRow,
    Letter,
    LinkRow,
    WrittenText,
)
from rules.reasons import EXPIRY_PAGE, Condition, Finding
from settings import settings_from
from tests.activities.office import Office, an_order, run
from tests.activities.posting import by, order, read
from tests.dossiers import HOLDER, NEWCOMER, PERMIT, TODAY, a_newcomer, noon
from tests.letters.relay import (
    ScriptedRelay,
)
from workflows.messages import Posted
from workflows.resending import copy_of

pytestmark = pytest.mark.usefixtures("holder")


async def test_a_request_for_a_link_goes_to_the_agency_in_its_language(
    office: Office, relay: ScriptedRelay
) -> None:
    await office.add(
        Agency(permit=PERMIT, name="Boreal", email="b@boreal.example", language="en"),
        LinkRow(link_id="link-1", dossier=HOLDER, permit=PERMIT),
    )
    ordered = order("link_requested", link_id="link-1")
    await run(by(office, relay).send_letter, ordered)
    (taken,) = relay.taken
    row = await office.one(Letter, ordered.key)
    assert taken.recipients == ("b@boreal.example",)
    assert row.language == "en"
    assert row.body is not None
    assert "Marc Roy" in row.body
    assert PERMIT in row.body
    # It leads to the agency's own pages: the person's would only turn it away.
    assert "/en/agence\n" in row.body


async def test_a_request_for_a_link_with_an_unknown_agency_is_a_persons_to_settle(
    office: Office, relay: ScriptedRelay
) -> None:
    ordered = order("link_requested", link_id="link-of-nobody")
    letters = by(office, relay)
    assert await run(letters.send_letter, ordered) is Posted.NO_ADDRESS
    assert relay.connections == 0


async def test_a_letter_about_a_link_names_the_agency_to_the_person(
    office: Office, relay: ScriptedRelay
) -> None:
    await office.add(
        Agency(permit=PERMIT, name="Boréale", email="b@boreal.example"),
        LinkRow(link_id="link-1", dossier=HOLDER, permit=PERMIT),
    )
    ordered = order("link_confirmed", link_id="link-1")
    await run(by(office, relay).send_letter, ordered)
    row = await office.one(Letter, ordered.key)
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
    ordered = order("receipt", invoice_id="F-7")
    await run(by(office, relay).send_letter, ordered)
    row = await office.one(Letter, ordered.key)
    assert row.body is not None
    assert "19 novembre 2026" in row.body
    assert "renouvellement" in row.body
    assert read(relay.taken[0])["Date"].datetime == noon(TODAY)


async def test_an_officers_words_and_the_findings_reach_the_person(
    office: Office, relay: ScriptedRelay
) -> None:
    await office.place(a_newcomer(), "Ana Cruz", "en")
    await office.add(WrittenText(text_id="t-1", text="No link was found.", by="o:1"))
    ordered = an_order(
        a_newcomer(),
        "intended_refusal",
        certificate=HOLDER,
        act_before=date(2026, 12, 9),
        text_id="t-1",
        findings=(Finding(Condition.LINKED_AT_ECHEANCE, False, EXPIRY_PAGE),),
    )
    await run(by(office, relay).send_letter, ordered)
    row = await office.one(Letter, ordered.key)
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
    ordered = order(
        "expired",
        occurred_at=noon(echeance),
        echeance=echeance,
        certificate=HOLDER,
    )
    await run(by(office, relay).send_letter, ordered)
    row = await office.one(Letter, ordered.key)
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
            "ECHEANCE_RETURN_ADDRESS": "back@office.example",
            "ECHEANCE_SMTP_CA_FILE": "/etc/relay.pem",
            "ECHEANCE_SMTP_CONNECTIONS": "2",
        }
    )
    post, head = Post.of(settings), Letterhead.of(settings)
    assert (post.relay.host, post.relay.port, post.relay.tls) == (
        "relay.example",
        587,
        "starttls",
    )
    assert (post.relay.password, post.log_url) == ("secret", "http://relay.example/log")
    assert (post.relay.ca_file, post.relay.connections) == ("/etc/relay.pem", 2)
    assert (head.secret, head.domain) == (b"a key", "office.example")
    assert head.return_address == "back@office.example"


async def test_a_letter_sent_once_more_goes_to_the_address_of_today_and_says_so(
    office: Office, relay: ScriptedRelay
) -> None:
    letters, first = by(office, relay), order(cause="a-duty")
    await run(letters.send_letter, first)
    async with office.sessions.begin() as session:
        holder = await office.holder_of(HOLDER)
        (await session.merge(holder)).email = "marc@ailleurs.example"
    again = copy_of(first, "resend-1", first.occurred_at + timedelta(days=2))
    for _ in range(2):
        await run(letters.send_letter, again)
    before, after = relay.taken
    assert before.recipients == ("marc@courriel.example",)
    assert after.recipients == ("marc@ailleurs.example",)
    assert read(before)["Message-ID"] != read(after)["Message-ID"]
    row = await office.one(Letter, again.key)
    assert row.body is not None
    said = " ".join(row.body.split())
    assert "Nous vous envoyons de nouveau notre lettre du mardi 24 novembre" in said
    # Two days later, two days less are left.
    assert "Il vous reste 13 jours" in said
