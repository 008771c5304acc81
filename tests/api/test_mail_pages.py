"""The mail as officers see it: sentences, numbers, lists, messages; for them alone."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.message import EmailMessage
from html import unescape

import pytest

from api.language import Language
from intake.arrival import Door
from letters.wording import LANGUAGES
from tests.api.doors import Doors
from tests.api.providers import Browser
from tests.api.reading import read

HOME = "/bureau/courriel"
PARTS = ("", "/lettres", "/inexpliquees", "/a-poster", "/recus")


@pytest.fixture
async def officer(portal: Doors) -> AsyncIterator[Browser]:
    browser = Browser(portal)
    await browser.sign_in("office", "claire")
    yield browser
    await browser.close()


def a_message(subject: str, text: str) -> bytes:
    message = EmailMessage()
    message["From"] = "Zoé <zoe.inconnue@courriel.example>"
    message["To"] = "infocertificat@echeance.example"
    message["Subject"] = subject
    message["Message-ID"] = "<question-1@courriel.example>"
    message.set_content(text)
    return message.as_bytes()


async def received(portal: Doors, raw: bytes) -> str:
    taken = await portal.parts.mail_room.take_in(
        raw, received_at=datetime.now(UTC), door=Door.WEBHOOK
    )
    return taken.mail_id


@pytest.mark.parametrize("language", LANGUAGES)
async def test_an_officer_reads_how_the_mail_does(
    portal: Doors, officer: Browser, language: Language
) -> None:
    number = await portal.a_dossier()
    await portal.an_exam(number)
    await portal.heard(number)
    for part in PARTS:
        answer = await officer.go(f"/{language}{HOME}{part}")
        assert answer.status_code == 200, part
        read(answer, language)
    letters = await officer.go(f"/{language}{HOME}/lettres?sorte=finalize")
    assert number in letters.text
    counted = await officer.go(f"/{language}{HOME}")
    assert "lettres?du=" in counted.text


async def test_a_message_is_read_as_text_with_what_was_understood(
    portal: Doors, officer: Browser
) -> None:
    asked = "Bonjour, <script>alert(1)</script> combien coûte l'examen?"
    mail_id = await received(portal, a_message("Une question", asked))
    listed = await officer.go(f"/fr{HOME}/recus?issue=task")
    assert "Une question" in listed.text
    assert "zoe.inconnue" not in listed.text  # masked on a list
    shown = await officer.go(f"/fr{HOME}/recus/{mail_id}")
    read(shown, "fr")
    assert "<script>alert" not in shown.text
    assert "Aucun dossier ne lui correspond" in unescape(shown.text)
    saved = await officer.go(f"/fr{HOME}/recus/{mail_id}/brut")
    assert saved.headers["content-disposition"].startswith("attachment")
    assert saved.content == a_message("Une question", asked)


async def test_a_message_that_does_not_exist_is_a_page_that_says_so(
    officer: Browser,
) -> None:
    answer = await officer.go(f"/fr{HOME}/recus/abc123")
    assert answer.status_code == 404
    read(answer, "fr")


@pytest.mark.parametrize(("door", "who"), [("personne", "nadia"), ("agence", "boreal")])
async def test_nobody_but_an_officer_sees_the_mail(
    portal: Doors, door: str, who: str
) -> None:
    browser = Browser(portal)
    await browser.sign_in(door, who)
    for part in (*PARTS, "/recus/abc", "/recus/abc/brut"):
        answer = await browser.go(f"/fr{HOME}{part}")
        assert answer.status_code == 303, part
        assert answer.headers["location"].startswith("/fr/connexion?retour=")
    await browser.close()
