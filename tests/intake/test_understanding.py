"""Incoming messages are read as far as they go, and never further."""

import pytest

from intake.arrival import House
from intake.understanding import Fate, Nature, Understood, understand
from tests.intake.corpus import CASES
from tests.intake.messages import (
    HOUSE,
    INTAKE,
    ITS_RETURN_PATH,
    MARIE,
    NEW,
    OUR_LETTER,
    a_message,
    a_report,
    an_answer,
)


def read(raw: bytes) -> Understood:
    return understand(raw, HOUSE)


# --- who, and in which thread -----------------------------------------------------


@pytest.mark.parametrize(
    ("sender", "address"),
    [
        (f"Marie Lavoie <{MARIE}>", MARIE),
        ("MARIE@Courriel.Example", "marie@courriel.example"),
        (f'"Lavoie, Marie <chef@agence.example>" <{MARIE}>', MARIE),
        (f"chef@agence.example <{MARIE}>", MARIE),
        (f"{MARIE} (écrire à chef@agence.example)", MARIE),
        (f"=?utf-8?q?chef=40agence=2Eexample?= <{MARIE}>", MARIE),
        ("Marie Lavoie", None),
        (f"{MARIE}, luc@courriel.example", None),
    ],
)
def test_the_sender_is_the_one_address_of_the_from_header(
    sender: str, address: str | None
) -> None:
    assert read(a_message("Bonjour", sender=sender)).sender == address


def test_a_thread_names_each_letter_once_the_answered_one_first() -> None:
    references = f"References: <first@x.example>\r\n\t{OUR_LETTER}\r\n"
    mail = read(
        a_message("Oui", headers=f"In-Reply-To: {OUR_LETTER} (Office)\n{references}")
    )
    assert mail.in_reply_to == (OUR_LETTER, "<first@x.example>")
    assert mail.message_id == "<a1@courriel.example>"


def test_the_text_is_what_the_person_wrote_now() -> None:
    mail = read(
        an_answer(
            "Merci, c'est noté.\n\nEnvoyé de mon iPhone\n\n"
            "Le 15 janv. 2027 à 9 h, Office <o@x.example> a écrit :\n> Bonjour Marie\n"
        )
    )
    assert mail.text == "Merci, c'est noté."


def test_a_forward_without_a_new_word_speaks_by_its_forwarded_text() -> None:
    mail = read(
        a_message(
            "---------- Forwarded message ---------\nDe : Luc\nObjet : Mon examen\n\n"
            "Bonjour, merci de m'aider.\n-- \nLuc",
            subject="TR: Mon examen",
        )
    )
    assert mail.text.startswith("Mon examen\n\nBonjour, merci de m'aider.")


@pytest.mark.parametrize(
    ("texts", "language"),
    [
        (("Bonjour, merci", "Hello"), "fr"),
        (("Thank you", "Bonjour"), "en"),
        (("", "My certificate"), "en"),
        ((NEW, "?"), "fr"),
    ],
)
def test_the_text_decides_the_language_and_then_the_subject(
    texts: tuple[str, str], language: str
) -> None:
    text, subject = texts
    assert read(a_message(text, subject=subject)).language == language


@pytest.mark.parametrize(
    ("sent", "subject"),
    [
        ("=?utf-8?q?Transf=C3=A9?=\n =?utf-8?b?cmVy?=", "Transférer"),
        ("Re: =?iso-8859-1?Q?R=E9sultat?= ok", "Re: Résultat ok"),
        ("Résultat tout cru", "Résultat tout cru"),
        ("=?x-mars?q?abc?= =?utf-8?q?", "abc =?utf-8?q?"),
    ],
)
def test_a_subject_is_decoded_as_far_as_it_can_be(sent: str, subject: str) -> None:
    assert read(a_message("x", subject=sent)).subject == subject


def test_a_text_cut_inside_a_letter_keeps_its_accents() -> None:
    mail = read(a_message("x" + "é" * 450_000))
    assert mail.problem == "text_too_long"
    assert mail.text.startswith("xéé")


# --- letters that come back -------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "action", "fate"),
    [
        ("5.1.1", "failed", Fate.FAILED),
        ("4.2.2", "delayed", Fate.UNDER_WAY),
        ("4.4.7", "failed", Fate.FAILED),
        ("", "failed", Fate.FAILED),
        ("", "delayed", Fate.UNDER_WAY),
        ("5.2.1", "", Fate.FAILED),
        ("2.1.5", "delivered", Fate.DELIVERED),
        ("", "", Fate.FAILED),  # its diagnostic code says 550
    ],
)
def test_a_report_names_our_letter_and_what_became_of_it(
    status: str, action: str, fate: Fate
) -> None:
    mail = read(a_report(status=status, action=action))
    assert (mail.nature, mail.letter, mail.fate) == (Nature.REPORT, OUR_LETTER, fate)


def test_a_persons_message_never_carries_the_marks_of_a_report() -> None:
    mail = read(a_message(f"550 5.1.1 ? Message-ID: {OUR_LETTER}\nMerci"))
    assert (mail.letter, mail.fate) == (None, None)


@pytest.mark.parametrize("header", ["Delivered-To", "X-Original-To", "To"])
def test_without_an_envelope_the_headers_say_to_which_return_path_it_came(
    header: str,
) -> None:
    report = a_report(status="5.1.1", action="failed", copy="Subject: x\n")
    came = report.replace(b"To: " + INTAKE.encode(), b"X-To: x").replace(
        b"From: ", f"{header}: <{ITS_RETURN_PATH.upper()}>\r\nFrom: ".encode(), 1
    )
    assert read(came).letter == OUR_LETTER


def test_the_envelope_outweighs_what_the_headers_say() -> None:
    report = a_report(status="5.1.1", action="failed", copy="Subject: x\n")
    to_another = report.replace(INTAKE.encode(), b"retour+other@echeance.example")
    mail = understand(to_another, HOUSE, recipients=(ITS_RETURN_PATH,))
    assert mail.letter == OUR_LETTER
    assert understand(to_another, HOUSE, recipients=(INTAKE,)).letter is None


def test_what_comes_to_a_return_path_is_in_the_thread_of_its_letter() -> None:
    mail = read(a_message("Oui, merci", to=ITS_RETURN_PATH))
    assert mail.nature is Nature.PERSON
    assert mail.in_reply_to == (OUR_LETTER,)


def test_a_return_path_of_another_house_names_no_letter_of_ours() -> None:
    mail = read(a_message("Oui", to="retour+items-missing.7f3a@ailleurs.example"))
    assert mail.in_reply_to == ()


# --- what a house does not know ---------------------------------------------------


def test_without_the_name_of_our_server_no_sender_is_proven_or_doubtful() -> None:
    house = House(INTAKE, HOUSE.return_address, HOUSE.mail_domain, None)
    said = {understand(case.raw, house).authenticated for case in CASES}
    assert said == {"none"}


def test_without_a_return_address_nothing_came_back_to_one() -> None:
    mail = understand(a_message("Oui", to=ITS_RETURN_PATH), House(INTAKE))
    assert mail.in_reply_to == ()
