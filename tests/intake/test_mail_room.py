"""Other letters: a wish for a dossier, a bounce, a robot, wreckage; none is lost."""

from typing import Any

import pytest
from sqlalchemy import select

from intake.mail import MailRoom, Outcome, Taken
from records.models import DossierRow, FactRow, Letter, Mail, TaskRow, WrittenText
from tests.activities.office import Office
from tests.dossiers import NEWCOMER, a_newcomer
from tests.intake.writing import (
    BOTH,
    INTAKE,
    OUR_LETTER,
    RECEIVED_AT,
    UNKNOWN,
    a_bounce,
    a_letter,
    marc_came_back,
    take,
    the_fact,
    the_task,
    we_wrote,
)
from workflows.messages import FACTS, LetterBounced, MailWish

# ------------------------------------------------------------------- other wishes


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("Je veux annuler mon certificat.", MailWish.CANCEL),
        ("Je ne suis pas d'accord, voici mes observations.", MailWish.OBSERVATIONS),
        ("What are your opening hours?", MailWish.OTHER),
        ("", MailWish.OTHER),
    ],
)
@pytest.mark.parametrize("found_by", ["number", "thread", "sender"])
async def test_another_wish_reaches_the_dossier_by_number_thread_or_sender(
    office: Office, room: MailRoom, text: str, wish: MailWish, found_by: str
) -> None:
    await office.place(a_newcomer())
    await we_wrote(office, notice="transfer_received")
    how: dict[str, Any] = {
        "number": {"subject": f"Dossier {NEWCOMER}", "sender": "a@ailleurs.example"},
        "thread": {"In_Reply_To": OUR_LETTER, "sender": "a@ailleurs.example"},
        "sender": {},
    }[found_by]

    await take(room, a_letter(text, **how))

    number, fact = await the_fact(office)
    assert (number, fact.wish) == (NEWCOMER, wish)


async def test_observations_are_kept_as_a_text_under_the_letters_id(
    office: Office, room: MailRoom
) -> None:
    await office.place(a_newcomer())

    taken = await take(room, a_letter("Je ne suis pas d'accord : j'étais lié."))

    text = await office.one(WrittenText, taken.mail_id)
    assert text.text == "Je ne suis pas d'accord : j'étais lié."
    assert text.dossier == NEWCOMER


async def test_a_wish_that_matches_no_dossier_goes_to_a_person(
    office: Office, room: MailRoom
) -> None:
    await marc_came_back(office)

    await take(
        room, a_letter("Je veux annuler mon certificat.", sender="a@ailleurs.example")
    )

    assert (await the_task(office)).reason == "mail_unmatched"


async def test_a_number_we_do_not_know_outweighs_the_senders_address(
    office: Office, room: MailRoom
) -> None:
    await office.place(a_newcomer())

    await take(room, a_letter(f"Je veux annuler mon certificat {UNKNOWN}."))

    assert (await the_task(office)).reason == "mail_unmatched"


# --------------------------------------------------------- robots, bounces, wreckage


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"},
        {"sender": INTAKE},
    ],
    ids=["automatic answer", "our own letter"],
)
async def test_what_no_person_wrote_is_stored_and_ignored(
    office: Office, room: MailRoom, headers: dict[str, str]
) -> None:
    await marc_came_back(office)

    taken = await take(room, a_letter(BOTH, **headers))

    assert taken == Taken(taken.mail_id, Outcome.IGNORED)
    assert await office.rows(FactRow) == []
    assert await office.rows(TaskRow) == []
    assert len(await office.rows(Mail)) == 1


async def test_a_bounce_is_a_fact_for_the_dossier_of_its_letter_once(
    office: Office, room: MailRoom
) -> None:
    await office.place(a_newcomer())
    key = await we_wrote(office)

    await take(room, a_bounce(OUR_LETTER))
    await take(room, a_bounce(OUR_LETTER) + b"\r\n")

    [row] = await office.rows(FactRow)
    fact = FACTS.validate_python(row.body)
    assert isinstance(fact, LetterBounced)
    assert (row.dossier, fact.letter_key) == (NEWCOMER, key)
    assert (await office.one(Letter, key)).state == "bounced"


async def test_a_delayed_letter_has_not_bounced(office: Office, room: MailRoom) -> None:
    await office.place(a_newcomer())
    key = await we_wrote(office)

    taken = await take(room, a_bounce(OUR_LETTER, status="4.4.7"))

    assert taken.outcome is Outcome.IGNORED
    assert (await office.one(Letter, key)).state == "accepted"


async def test_a_bounce_that_fits_no_letter_goes_to_a_person(
    office: Office, room: MailRoom
) -> None:
    await take(room, a_bounce("<unknown@echeance.example>"))

    assert (await the_task(office)).reason == "bounce_unmatched"


async def test_a_broken_letter_goes_to_a_person_with_the_dossier_suggested(
    office: Office, room: MailRoom
) -> None:
    await marc_came_back(office)
    broken = a_letter(f"Mon nouveau dossier {NEWCOMER}").replace(
        b"From: ", b"From: b@ailleurs.example\nFrom: ", 1
    )

    taken = await take(room, broken)

    task = await the_task(office)
    assert (task.reason, task.dossier) == ("mail_broken", None)
    assert taken.dossier == NEWCOMER


async def test_a_contradictory_letter_goes_to_a_person(
    office: Office, room: MailRoom
) -> None:
    await marc_came_back(office)

    await take(
        room,
        a_letter(
            f"Transférer mon résultat d'examen. Nouveau dossier {NEWCOMER}. "
            f"Certificat expiré {NEWCOMER}."
        ),
    )

    assert (await the_task(office)).reason == "mail_contradictory"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\0\0\0",
        b"From: \xff\xfe\0 <a\0b@c.example>\r\nMessage-ID: <\0\xff@x>\r\n\r\n\0",
        b"From: a@b.example\r\nSubject: =?utf-8?b?7aCA?=\r\n\r\n\xed\xa0\x80 \0",
        b"Je ne suis pas d'accord \0 mes observations",
    ],
)
async def test_no_bytes_whatever_keep_a_letter_from_being_stored(
    office: Office, room: MailRoom, raw: bytes
) -> None:
    taken = await take(room, raw)

    [mail] = await office.rows(Mail)
    assert (mail.raw, mail.mail_id) == (raw, taken.mail_id)


async def test_a_letter_is_kept_and_its_fact_waits_while_temporal_is_away(
    office: Office, room: MailRoom
) -> None:
    await marc_came_back(office)

    taken = await room.take_in(a_letter(BOTH), received_at=RECEIVED_AT)

    assert taken.outcome is Outcome.FACT
    [row] = await office.rows(FactRow)
    assert row.state == "new"


async def test_a_person_is_found_whatever_the_case_of_the_address(
    office: Office, room: MailRoom
) -> None:
    await office.place(a_newcomer())
    async with office.sessions.begin() as session:
        row = (await session.scalars(select(DossierRow))).one()
        person = await office.holder_of(row.number)
        (await session.merge(person)).email = "Marc@Courriel.Example"

    await take(room, a_letter("Je désire transférer le résultat de mon examen."))

    number, _ = await the_fact(office)
    assert number == NEWCOMER
