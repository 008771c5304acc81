"""A request to transfer is a fact that says what it lacks, or a task for a person."""

from datetime import date, timedelta

import pytest

from intake.mail import MailRoom, Outcome, Taken
from records.clock import set_ahead
from records.models import FactRow, Mail
from rules.dossier import Item
from tests.activities.office import Office
from tests.dossiers import HOLDER, NEWCOMER, RIVAL, a_newcomer
from tests.intake.writing import (
    BOTH,
    MARC,
    OTHER_UNKNOWN,
    OUR_LETTER,
    RECEIVED_AT,
    UNKNOWN,
    a_letter,
    an_answer,
    asking_for,
    marc_came_back,
    says,
    take,
    the_fact,
    the_task,
    we_wrote,
)
from workflows.messages import MailWish

# ------------------------------------------------------------ a request to transfer


async def test_a_complete_request_is_a_fact_for_the_new_dossier(
    office: Office, room: MailRoom
) -> None:
    await marc_came_back(office)

    taken = await take(room, a_letter(BOTH))

    number, fact = await the_fact(office)
    assert number == NEWCOMER
    assert says(fact) == (MailWish.TRANSFER, HOLDER, ())
    assert fact.fact_id == f"mail:{taken.mail_id[:32]}"
    assert taken == Taken(taken.mail_id, Outcome.FACT, NEWCOMER, fact.fact_id)
    [mail] = await office.rows(Mail)
    assert (mail.mail_id, mail.sender) == (taken.mail_id, MARC)
    assert (mail.outcome, mail.dossier) == ("fact", NEWCOMER)
    assert mail.raw == a_letter(BOTH)


async def test_a_fact_is_dated_by_the_dossiers_own_clock(
    office: Office, room: MailRoom
) -> None:
    await marc_came_back(office)
    async with office.sessions.begin() as session:
        await set_ahead(session, NEWCOMER, timedelta(days=90))

    await take(room, a_letter(BOTH))

    _, fact = await the_fact(office)
    assert fact.received_at == RECEIVED_AT + timedelta(days=90)


async def test_a_second_copy_changes_nothing_and_is_answered_alike(
    office: Office, room: MailRoom
) -> None:
    await marc_came_back(office)

    first = await take(room, a_letter(BOTH))
    second = await room.take_in(
        a_letter(BOTH), received_at=RECEIVED_AT + timedelta(days=3)
    )

    assert first == second
    assert len(await office.rows(FactRow)) == len(await office.rows(Mail)) == 1
    assert (await office.one(Mail, first.mail_id)).copies == 2


async def test_a_second_copy_is_answered_alike_whatever_was_learnt_meanwhile(
    office: Office, room: MailRoom
) -> None:
    first = await take(room, a_letter(BOTH))
    await marc_came_back(office)
    second = await take(room, a_letter(BOTH))

    assert first.outcome is Outcome.TASK
    assert first == second
    assert await office.rows(FactRow) == []


async def test_two_letters_with_one_message_id_are_both_heard(
    office: Office, room: MailRoom
) -> None:
    await marc_came_back(office)

    await take(room, a_letter(BOTH))
    await take(room, a_letter(BOTH + "\nP.-S. Merci encore."))

    assert len(await office.rows(FactRow)) == 2


@pytest.mark.parametrize(
    ("text", "certificate", "missing"),
    [
        (
            f"Je veux transférer mon résultat d'examen au nouveau dossier {NEWCOMER}",
            None,
            (Item.EXPIRED_CERTIFICATE,),
        ),
        (
            f"Please transfer my exam result. My expired certificate is {HOLDER}.",
            HOLDER,
            (Item.NEW_DOSSIER,),
        ),
        (
            "bonjour je desire transferer mon resultat d'examen svp",
            None,
            (Item.NEW_DOSSIER, Item.EXPIRED_CERTIFICATE),
        ),
        (
            f"Transférer mon examen. Nouveau : {NEWCOMER}. Expiré : CAR2O2400000001",
            None,
            (Item.EXPIRED_CERTIFICATE,),
        ),
        (
            f"Transférer mon examen. Nouveau : {NEWCOMER}. Expiré : CAR20240000001",
            None,
            (Item.EXPIRED_CERTIFICATE,),
        ),
        (
            f"Nouveau dossier : {NEWCOMER}\nCertificat expiré : {HOLDER}",
            HOLDER,
            (Item.WISH,),
        ),
    ],
    ids=[
        "no certificate",
        "no new number",
        "no number at all",
        "letter O for zero",
        "fourteen characters",
        "no wish",
    ],
)
async def test_what_a_request_lacks_is_named_and_never_guessed(
    office: Office,
    room: MailRoom,
    text: str,
    certificate: str | None,
    missing: tuple[Item, ...],
) -> None:
    await marc_came_back(office)

    await take(room, a_letter(text))

    number, fact = await the_fact(office)
    assert number == NEWCOMER
    assert says(fact) == (MailWish.TRANSFER, certificate, missing)


@pytest.mark.parametrize(
    "text",
    [
        f"Transférer mon résultat d'examen svp. {NEWCOMER} et {HOLDER}",
        f"Transférer mon résultat d'examen svp. {HOLDER} et {NEWCOMER}",
    ],
)
async def test_two_numbers_without_words_have_the_roles_that_the_records_know(
    office: Office, room: MailRoom, text: str
) -> None:
    await marc_came_back(office)

    await take(room, a_letter(text))

    number, fact = await the_fact(office)
    assert (number, fact.certificate, fact.missing) == (NEWCOMER, HOLDER, ())


async def test_two_numbers_without_words_and_one_unknown_go_to_a_person(
    office: Office, room: MailRoom
) -> None:
    await marc_came_back(office)

    taken = await take(
        room, a_letter(f"Transférer mon résultat d'examen. {NEWCOMER}, {UNKNOWN}")
    )

    assert (await the_task(office)).reason == "mail_unmatched"
    assert taken.dossier == NEWCOMER


async def test_an_unknown_new_number_goes_to_a_person_due_in_five_days(
    office: Office, room: MailRoom
) -> None:
    await marc_came_back(office)

    text = f"Transférer mon résultat d'examen vers mon nouveau dossier {UNKNOWN}"
    taken = await take(room, a_letter(text))

    task = await the_task(office)
    assert (task.reason, task.dossier, task.about) == (
        "mail_unmatched",
        None,
        taken.mail_id,
    )
    # 29 November is a Sunday.
    assert task.due_on == date(2026, 11, 30)
    assert taken == Taken(
        taken.mail_id,
        Outcome.TASK,
        None,
        task_id=task.task_id,
        reason="mail_unmatched",
    )


async def test_a_request_from_a_shared_address_names_nobody(
    office: Office, room: MailRoom
) -> None:
    await office.place(a_newcomer(), person="Marc Roy")
    await office.place(a_newcomer(number=RIVAL), person="Marc Tremblay")

    await take(room, a_letter("Je désire transférer le résultat de mon examen."))

    assert (await the_task(office)).reason == "mail_unmatched"


async def test_a_request_from_a_person_with_two_waiting_dossiers_names_neither(
    office: Office, room: MailRoom
) -> None:
    await office.place(a_newcomer())
    await office.place(a_newcomer(number=RIVAL))

    await take(room, a_letter("Je désire transférer le résultat de mon examen."))

    assert (await the_task(office)).reason == "mail_unmatched"


async def test_a_request_from_a_stranger_goes_to_a_person(
    office: Office, room: MailRoom
) -> None:
    await marc_came_back(office)

    await take(
        room,
        a_letter(
            f"Transférer mon résultat d'examen, certificat expiré {HOLDER}",
            sender="inconnu@ailleurs.example",
        ),
    )

    task = await the_task(office)
    assert (task.reason, task.dossier) == ("mail_unmatched", None)
    [mail] = await office.rows(Mail)
    assert mail.dossier == HOLDER


async def test_a_certificate_that_is_the_dossier_itself_is_contradictory(
    office: Office, room: MailRoom
) -> None:
    await marc_came_back(office)

    await take(
        room,
        a_letter(f"Transférer mon résultat d'examen, certificat expiré {NEWCOMER}"),
    )

    assert (await the_task(office)).reason == "mail_contradictory"


# ------------------------------------------------------------- answers to our letters


async def test_a_number_alone_in_answer_to_items_missing_is_the_missing_one(
    office: Office, room: MailRoom
) -> None:
    await office.place(asking_for(Item.EXPIRED_CERTIFICATE))
    await we_wrote(office)

    await take(room, an_answer(f"{OTHER_UNKNOWN}\n\nEnvoyé de mon iPhone"))

    number, fact = await the_fact(office)
    assert number == NEWCOMER
    assert says(fact) == (MailWish.TRANSFER, OTHER_UNKNOWN, ())


async def test_a_doubtful_number_in_an_answer_is_asked_for_again(
    office: Office, room: MailRoom
) -> None:
    await office.place(asking_for(Item.EXPIRED_CERTIFICATE))
    await we_wrote(office)

    await take(room, an_answer("CAR2O2400000001"))

    _, fact = await the_fact(office)
    assert says(fact) == (MailWish.TRANSFER, None, (Item.EXPIRED_CERTIFICATE,))


async def test_an_answer_that_gives_the_dossiers_own_number_completes_it(
    office: Office, room: MailRoom
) -> None:
    await office.place(asking_for(Item.NEW_DOSSIER, certificate=HOLDER))
    await we_wrote(office)

    await take(room, an_answer(f"C'est le {NEWCOMER}"))

    _, fact = await the_fact(office)
    assert fact.wish is MailWish.TRANSFER
    assert Item.NEW_DOSSIER not in fact.missing


async def test_a_wish_still_missing_stays_missing_until_it_is_said(
    office: Office, room: MailRoom
) -> None:
    await office.place(asking_for(Item.EXPIRED_CERTIFICATE, Item.WISH))
    await we_wrote(office)

    await take(room, an_answer(f"{OTHER_UNKNOWN}"))

    _, fact = await the_fact(office)
    assert says(fact) == (MailWish.TRANSFER, OTHER_UNKNOWN, (Item.WISH,))


async def test_a_question_in_answer_to_items_missing_is_read_by_a_person(
    office: Office, room: MailRoom
) -> None:
    await office.place(asking_for(Item.EXPIRED_CERTIFICATE))
    await we_wrote(office)

    await take(room, an_answer("Bonjour, où trouve-t-on ce numéro ?"))

    number, fact = await the_fact(office)
    assert (number, fact.wish) == (NEWCOMER, MailWish.OTHER)


async def test_an_answer_with_two_other_numbers_is_left_to_a_person(
    office: Office, room: MailRoom
) -> None:
    await office.place(asking_for(Item.EXPIRED_CERTIFICATE))
    await we_wrote(office)

    taken = await take(room, an_answer(f"{OTHER_UNKNOWN} ou peut-être {UNKNOWN}"))

    assert taken.outcome is Outcome.TASK
    assert (await the_task(office)).about == taken.mail_id


async def test_a_request_in_answer_to_a_letter_lacks_no_new_number(
    office: Office, room: MailRoom
) -> None:
    await office.place(a_newcomer())
    await we_wrote(office, notice="request_closed")

    await take(
        room,
        a_letter(
            "Je désire quand même transférer le résultat de mon examen.",
            sender="autre@adresse.example",
            In_Reply_To=OUR_LETTER,
        ),
    )

    number, fact = await the_fact(office)
    assert number == NEWCOMER
    assert says(fact) == (MailWish.TRANSFER, None, (Item.EXPIRED_CERTIFICATE,))
