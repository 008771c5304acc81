"""What follows from reports, doubtful senders, spam, lists, and wishes that change."""

from datetime import date

import pytest
from temporalio.client import Client

from intake.delivery import Courier
from intake.mail import MailRoom, Outcome, Taken
from letters.returning import return_path
from records.models import FactRow, Letter, Mail, TaskRow, WrittenText
from rules.dossier import Item
from tests.activities.office import Office
from tests.dossiers import HOLDER, NEWCOMER, a_holder, a_newcomer
from tests.intake.messages import a_part, in_parts
from tests.intake.writing import (
    BOTH,
    OTHER_UNKNOWN,
    OUR_LETTER,
    RECEIVED_AT,
    UNKNOWN,
    a_bounce,
    a_letter,
    asking_for,
    marc_came_back,
    says,
    take,
    the_fact,
    the_task,
    we_wrote,
)
from tests.upkeep.server import settings_for
from workflows.messages import FACTS, LetterBounced, MailWish

RETURN_ADDRESS = "retour@echeance.example"
ITS_RETURN_PATH = return_path(RETURN_ADDRESS, OUR_LETTER)
STRANGER = "inconnu@ailleurs.example"


@pytest.fixture
def room(office: Office, temporal_away: Client) -> MailRoom:
    """The mail room of a house whose mail server checks senders."""
    settings = settings_for(
        office.url,
        ECHEANCE_MAIL_AUTHSERV_ID="mx.echeance.example",
        ECHEANCE_RETURN_ADDRESS=RETURN_ADDRESS,
    )
    return MailRoom(office.sessions, Courier(office.sessions, temporal_away), settings)


def failed(letter: bytes) -> bytes:
    """The same letter, whose sender our own server doubts."""
    return b"Authentication-Results: mx.echeance.example; dmarc=fail\r\n" + letter


def as_spam(letter: bytes) -> bytes:
    return b"X-Spam-Flag: YES\r\n" + letter


def a_report(action: str, status: str, *, to: str = ITS_RETURN_PATH) -> bytes:
    """A report that quotes nothing: only its address says of which letter it is."""
    return in_parts(
        a_part("This is the mail system."),
        a_part(f"Action: {action}\nStatus: {status}", "message/delivery-status"),
        container="report; report-type=delivery-status",
        sender="mailer-daemon@relais.example",
        to=to,
        return_path="",
    )


async def the_state(office: Office, key: str) -> str:
    return (await office.one(Letter, key)).state


# ------------------------------------------------------------------------ reports


@pytest.mark.parametrize("before", ["accepted", "unknown"])
async def test_a_letter_that_a_server_delivered_is_delivered(
    office: Office, room: MailRoom, before: str
) -> None:
    await office.place(a_newcomer())
    key = await we_wrote(office, state=before)

    taken = await take(room, a_report("delivered", "2.1.5"))

    assert await the_state(office, key) == "delivered"
    assert taken == Taken(taken.mail_id, Outcome.IGNORED, NEWCOMER)
    assert await office.rows(FactRow) == []


@pytest.mark.parametrize("before", ["bounced", "queued", "sending", "cancelled"])
async def test_a_letter_that_came_back_or_never_left_is_not_delivered(
    office: Office, room: MailRoom, before: str
) -> None:
    await office.place(a_newcomer())
    key = await we_wrote(office, state=before)

    await take(room, a_report("delivered", "2.1.5"))

    assert await the_state(office, key) == before


@pytest.mark.parametrize("before", ["accepted", "unknown", "delivered"])
async def test_a_letter_that_comes_back_late_has_bounced(
    office: Office, room: MailRoom, before: str
) -> None:
    await office.place(a_newcomer())
    key = await we_wrote(office, state=before)

    await take(room, a_report("failed", "5.1.1"))

    assert await the_state(office, key) == "bounced"
    [row] = await office.rows(FactRow)
    fact = FACTS.validate_python(row.body)
    assert isinstance(fact, LetterBounced)
    assert (row.dossier, fact.letter_key) == (NEWCOMER, key)


@pytest.mark.parametrize(
    ("action", "status"),
    [("delayed", "4.4.7"), ("relayed", "2.1.9"), ("expanded", "2.1.5")],
)
async def test_a_letter_on_its_way_stays_accepted_in_silence(
    office: Office, room: MailRoom, action: str, status: str
) -> None:
    await office.place(a_newcomer())
    key = await we_wrote(office)

    taken = await take(room, a_report(action, status))

    assert taken.outcome is Outcome.IGNORED
    assert await the_state(office, key) == "accepted"


async def test_a_failure_after_days_of_trying_is_a_bounce(
    office: Office, room: MailRoom
) -> None:
    await office.place(a_newcomer())
    key = await we_wrote(office)

    await take(room, a_report("failed", "4.4.7"))

    assert await the_state(office, key) == "bounced"


@pytest.mark.parametrize(
    "token", ["items-missinh", "items-missing0", "items-missin", "aaaaaaaa"]
)
async def test_a_report_whose_token_is_not_a_letters_changes_no_letter(
    office: Office, room: MailRoom, token: str
) -> None:
    await office.place(a_newcomer())
    key = await we_wrote(office)

    to = return_path(RETURN_ADDRESS, f"<{token}@echeance.example>")
    await take(room, a_report("failed", "5.1.1", to=to))
    await take(room, a_report("delivered", "2.1.5", to=to))

    assert await the_state(office, key) == "accepted"
    assert (await the_task(office)).reason == "bounce_unmatched"


async def test_a_report_of_another_domain_changes_no_letter(
    office: Office, room: MailRoom
) -> None:
    await office.place(a_newcomer())
    key = await we_wrote(office)

    await take(room, a_bounce("<items-missing@pirate.example>"))

    assert await the_state(office, key) == "accepted"


async def test_what_a_person_answers_to_a_return_path_completes_the_request(
    office: Office, room: MailRoom
) -> None:
    await office.place(asking_for(Item.EXPIRED_CERTIFICATE))
    await we_wrote(office)

    await room.keep(
        a_letter(f"C'est le {OTHER_UNKNOWN}", sender=STRANGER),
        received_at=RECEIVED_AT,
        recipients=(ITS_RETURN_PATH,),
    )

    number, fact = await the_fact(office)
    assert number == NEWCOMER
    assert says(fact) == (MailWish.TRANSFER, OTHER_UNKNOWN, ())


async def test_a_robot_that_says_a_mailbox_is_read_no_more_is_told_to_a_person(
    office: Office, room: MailRoom
) -> None:
    await office.place(a_newcomer())
    await we_wrote(office)
    text = "Marc Roy ne travaille plus pour notre agence."

    taken = await take(
        room, a_letter(text, In_Reply_To=OUR_LETTER, Auto_Submitted="auto-replied")
    )

    assert (await the_task(office)).reason == "mail_read_no_more"
    assert taken.dossier == NEWCOMER


async def test_a_robot_that_speaks_of_no_letter_of_ours_is_ignored(
    office: Office, room: MailRoom
) -> None:
    await office.place(a_newcomer())
    text = "Marc Roy ne travaille plus pour notre agence."

    taken = await take(room, a_letter(text, Auto_Submitted="auto-replied"))

    assert taken.outcome is Outcome.IGNORED


# ----------------------------------------------------------------- doubtful senders


@pytest.mark.parametrize(
    "text",
    [
        "Je veux annuler mon certificat.",
        "Voici ma nouvelle adresse courriel : x@ailleurs.example",
        "N'annulez pas mon certificat",
    ],
)
async def test_what_changes_a_right_under_a_doubtful_name_goes_to_a_person(
    office: Office, room: MailRoom, text: str
) -> None:
    await office.place(a_newcomer())

    taken = await take(room, failed(a_letter(text)))

    assert (await the_task(office)).reason == "mail_sender_doubtful"
    assert taken.dossier == NEWCOMER
    assert await office.rows(WrittenText) == []


async def test_a_request_to_transfer_under_a_doubtful_known_name_is_opened(
    office: Office, room: MailRoom
) -> None:
    await marc_came_back(office)

    await take(room, failed(a_letter(BOTH)))

    _, fact = await the_fact(office)
    assert says(fact) == (MailWish.TRANSFER, HOLDER, ())
    [mail] = await office.rows(Mail)
    assert mail.understood["authenticated"] == "fail"


async def test_a_doubtful_stranger_goes_to_a_person_whatever_they_ask(
    office: Office, room: MailRoom
) -> None:
    await marc_came_back(office)

    await take(room, failed(a_letter(BOTH, sender=STRANGER)))

    assert (await the_task(office)).reason == "mail_sender_doubtful"


async def test_a_stranger_who_is_not_doubtful_opens_a_request(
    office: Office, room: MailRoom
) -> None:
    await marc_came_back(office)

    await take(room, a_letter(BOTH, sender=STRANGER))

    _, fact = await the_fact(office)
    assert says(fact) == (MailWish.TRANSFER, HOLDER, ())


async def test_a_doubt_told_by_another_server_than_ours_is_not_heard(
    office: Office, room: MailRoom
) -> None:
    await office.place(a_newcomer())
    letter = a_letter("Je veux annuler mon certificat.")

    await take(room, failed(letter).replace(b"mx.echeance", b"mx.ailleurs", 1))

    _, fact = await the_fact(office)
    assert fact.wish is MailWish.CANCEL


# -------------------------------------------------------------- for somebody else


async def test_scenario_13_only_the_representative_says_the_wish(
    office: Office, room: MailRoom
) -> None:
    await marc_came_back(office)
    text = f"{BOTH}\nJe vous écris pour le compte de notre employé."

    await take(room, a_letter(text, sender=STRANGER))

    number, fact = await the_fact(office)
    assert number == NEWCOMER
    assert says(fact) == (MailWish.TRANSFER, HOLDER, (Item.WISH,))


async def test_a_person_who_asks_for_the_dossier_of_another_does_not_say_the_wish(
    office: Office, room: MailRoom
) -> None:
    await marc_came_back(office)
    await office.place(a_newcomer(number=UNKNOWN), person="Luc Gagné")

    await take(room, a_letter(BOTH, sender="luc@courriel.example"))

    _, fact = await the_fact(office)
    assert says(fact) == (MailWish.TRANSFER, HOLDER, (Item.WISH,))


async def test_a_holder_whose_new_dossier_bears_another_address_says_the_wish(
    office: Office, room: MailRoom
) -> None:
    await office.place(a_holder(date(2026, 10, 1)), person="Luc Roy")
    await office.place(a_newcomer())

    await take(room, a_letter(BOTH, sender="luc@courriel.example"))

    _, fact = await the_fact(office)
    assert says(fact) == (MailWish.TRANSFER, HOLDER, ())


# ------------------------------------------------------------------ spam and lists


async def test_spam_of_which_nothing_is_known_is_set_aside_and_kept(
    office: Office, room: MailRoom
) -> None:
    await marc_came_back(office)

    taken = await take(room, as_spam(a_letter("Gagnez !", sender="a@pourriel.example")))

    assert taken == Taken(taken.mail_id, Outcome.SET_ASIDE)
    assert await office.rows(TaskRow) == []
    [mail] = await office.rows(Mail)
    assert (mail.outcome, mail.understood["spam"]) == ("set_aside", True)


async def test_a_known_sender_is_heard_whatever_a_filter_thinks(
    office: Office, room: MailRoom
) -> None:
    await marc_came_back(office)

    await take(room, as_spam(a_letter("Quelles sont vos heures ?", subject="x")))

    assert (await the_task(office)).reason == "mail_unmatched"


async def test_a_known_number_is_heard_whatever_a_filter_thinks(
    office: Office, room: MailRoom
) -> None:
    await marc_came_back(office)

    await take(room, as_spam(a_letter(BOTH, sender=STRANGER)))

    _, fact = await the_fact(office)
    assert fact.wish is MailWish.TRANSFER


async def test_an_answer_to_our_letter_is_heard_whatever_a_filter_thinks(
    office: Office, room: MailRoom
) -> None:
    await office.place(a_newcomer())
    await we_wrote(office)

    await take(
        room, as_spam(a_letter("Merci", sender=STRANGER, In_Reply_To=OUR_LETTER))
    )

    number, fact = await the_fact(office)
    assert (number, fact.wish) == (NEWCOMER, MailWish.OTHER)


async def test_a_list_of_which_nothing_is_known_is_set_aside(
    office: Office, room: MailRoom
) -> None:
    await marc_came_back(office)

    taken = await take(
        room, a_letter("Bonjour à tous", sender=STRANGER, List_Id="<x.example>")
    )

    assert taken.outcome is Outcome.SET_ASIDE
    assert await office.rows(TaskRow) == []


@pytest.mark.parametrize("letter", [BOTH, "Bonjour"], ids=["a number", "a sender"])
async def test_a_known_number_or_sender_on_a_list_is_told_to_a_person(
    office: Office, room: MailRoom, letter: str
) -> None:
    await marc_came_back(office)

    await take(room, a_letter(letter, List_Id="<x.example>"))

    assert (await the_task(office)).reason == "mail_from_a_list"


async def test_a_message_that_servers_pass_round_is_kept_in_silence(
    office: Office, room: MailRoom
) -> None:
    await marc_came_back(office)
    letter = a_letter(BOTH)
    passed_round = b"Received: from a by b\r\n" * 31 + letter

    taken = await take(room, passed_round)

    assert taken.outcome is Outcome.IGNORED
    assert await office.rows(FactRow) == []


# ------------------------------------------------------------- wishes that change


@pytest.mark.parametrize(
    ("text", "subject", "kept"),
    [
        (
            "Annulez mon certificat. Motif : je prends ma retraite.",
            "x",
            "Annulez mon certificat. Motif : je prends ma retraite.",
        ),
        ("", "Annulation de mon certificat", "Annulation de mon certificat"),
    ],
)
async def test_the_reason_of_a_cancellation_is_kept_for_an_officer_to_read(
    office: Office, room: MailRoom, text: str, subject: str, kept: str
) -> None:
    await office.place(a_newcomer())

    taken = await take(room, a_letter(text, subject=subject))

    _, fact = await the_fact(office)
    assert fact.wish is MailWish.CANCEL
    written = await office.one(WrittenText, taken.mail_id)
    assert (written.text.strip(), written.dossier) == (kept, NEWCOMER)


async def test_a_new_address_is_announced_to_the_story_and_never_copied(
    office: Office, room: MailRoom
) -> None:
    await office.place(a_newcomer())
    before = (await office.holder_of(NEWCOMER)).email

    await take(room, a_letter("Mon nouveau courriel est marc@ailleurs.example"))

    _, fact = await the_fact(office)
    assert fact.wish is MailWish.ADDRESS
    assert (await office.holder_of(NEWCOMER)).email == before
    assert await office.rows(WrittenText) == []
    [mail] = await office.rows(Mail)
    assert "ailleurs" not in str(mail.understood)


async def test_an_address_beside_a_transfer_is_told_to_a_person_too(
    office: Office, room: MailRoom
) -> None:
    await marc_came_back(office)

    taken = await take(room, a_letter(f"{BOTH}\nNotez ma nouvelle adresse."))

    [row] = await office.rows(FactRow)
    [task] = await office.rows(TaskRow)
    assert (task.reason, task.about) == ("mail_also_an_address", taken.mail_id)
    assert taken == Taken(
        taken.mail_id, Outcome.FACT, NEWCOMER, row.fact_id, task.task_id, task.reason
    )
    again = await take(room, a_letter(f"{BOTH}\nNotez ma nouvelle adresse."))
    assert again == taken
