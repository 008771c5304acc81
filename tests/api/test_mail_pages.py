"""The mail as officers see it: sentences, numbers, lists, messages; for them alone."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from html import unescape
from urllib.parse import parse_qs, quote, unquote, urlsplit

import pytest

from api.language import Language
from api.pages.words import Voice
from intake.arrival import Door
from letters.wording import LANGUAGES
from records.models import Letter, Mail
from records.timeline import Line, append
from tests.api.doors import Doors
from tests.api.providers import Browser
from tests.api.reading import read
from tests.dossiers import HOLDER, a_holder, noon
from tests.kept import a_letter, a_mail, a_task, letters_of_each_state, real_now

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


async def everything(portal: Doors) -> None:
    """A letter of each fate, one to post, one that stands still, one of before."""
    await portal.office.place(a_holder())
    now = real_now()
    bounced = a_letter("expired", "bounced", about="z", occurred_at=now, subject="Fin")
    replaced = {"notice": "reminder_60", "due_at": str(noon(portal.today))}
    await portal.office.add(
        *letters_of_each_state(occurred_at=now),
        a_letter(
            "invoice", "queued", occurred_at=now, changed_at=now - timedelta(hours=3)
        ),
        a_letter("receipt", about="old", occurred_at=now - timedelta(days=3)),
        bounced,
    )
    await portal.office.add(a_task(bounced.key, due_on=portal.today))
    async with portal.parts.sessions.begin() as session:
        await append(session, HOLDER, [Line("superseded", now, "rule", replaced)])


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_number_of_the_ledger_leads_to_as_many_lines(
    portal: Doors, officer: Browser, language: Language
) -> None:
    await everything(portal)
    counted = read(await officer.go(f"/{language}{HOME}"), language)
    links = {
        str(a["href"])
        for a in counted.attributes["a"]
        if "/lettres?" in str(a["href"]) and "&etat=" in str(a["href"])
    }
    fates = {parse_qs(urlsplit(link).query)["etat"][0] for link in links}
    assert fates >= {"handed_over", "bounced", "refused", "on_its_way", "superseded"}
    for link in links:
        page = read(await officer.go(link), language)
        lines = len(page.texts["tr"]) - 1
        (number,) = {
            text.strip()
            for text, a in zip(counted.texts["a"], counted.attributes["a"], strict=True)
            if a["href"] == link
        }
        assert str(lines) == number, link


@pytest.mark.parametrize("language", LANGUAGES)
async def test_what_is_wrong_is_said_first_and_leads_to_its_letters(
    portal: Doors, officer: Browser, language: Language
) -> None:
    await everything(portal)
    said = read(await officer.go(f"/{language}{HOME}"), language).texts["ul"]
    words = Voice(language)
    assert unescape(words("mail.standstill_one")) in "".join(said)
    assert unescape(words("mail.came_back_one")) in "".join(said)
    still = await officer.go(f"/{language}{HOME}/inexpliquees")
    assert f"{HOLDER}/2026-12-10/invoice" in unquote(still.text)
    post = await officer.go(f"/{language}{HOME}/a-poster")
    read(post, language)
    assert f"/bureau/dossier/{HOLDER}/lettre?key={HOLDER}/z/expired" in unquote(
        post.text
    )
    assert f"/bureau/tache/{HOLDER}:letter_bounced" in unquote(post.text)


async def test_the_list_of_one_kind_goes_from_one_page_to_the_next(
    portal: Doors, officer: Browser
) -> None:
    await portal.office.place(a_holder())
    now = real_now()
    await portal.office.add(
        *(a_letter(about=f"{n:02}", occurred_at=now) for n in range(55)),
        a_letter("receipt", occurred_at=now),
    )
    path: str | None = f"/fr{HOME}/lettres?sorte=reminder_30&etat=handed_over"
    seen = 0
    while path is not None:
        page = read(await officer.go(path), "fr")
        seen += len(page.texts["tr"]) - 1
        links = [str(a["href"]) for a in page.attributes["a"]]
        more = [link for link in links if link[0] == "?" and "suite=" in link]
        path = f"/fr{HOME}/lettres{more[0]}" if more else None
    assert seen == 55


async def test_a_letter_is_read_with_its_steps_and_the_words_of_the_server(
    portal: Doors, officer: Browser
) -> None:
    await portal.office.place(a_holder())
    letter = a_letter("expired", "queued", occurred_at=real_now(), body="Bonjour")
    await portal.office.add(letter)
    later = ("deferred", "451 4.7.1 <later>")
    for state, answer in (("sending", None), later, ("sending", None), later):
        await change(portal, letter.key, state, answer)
    path = f"/fr/bureau/dossier/{HOLDER}/lettre?key={quote(letter.key)}"
    page = read(await officer.go(path), "fr")
    told = page.texts["main"][0].replace("\u00a0", " ")
    assert "Mise en file." in told
    assert "Reportée 2 fois" in told
    assert "Mots du serveur : « 451 4.7.1 <later> »" in told
    await change(portal, letter.key, "accepted", "250 2.0.0 Ok")
    history = read(await officer.go(f"/fr/bureau/dossier/{HOLDER}"), "fr")
    lines = history.texts["main"][0].replace("\u00a0", " ")
    assert "Lettre « Certificat expiré » remise au serveur de courriel" in lines


async def change(portal: Doors, key: str, state: str, answer: str | None) -> None:
    async with portal.parts.sessions.begin() as session:
        letter = await session.get_one(Letter, key)
        letter.state, letter.answer = state, answer


async def test_an_officer_notes_that_a_message_set_aside_was_looked_at(
    portal: Doors, officer: Browser
) -> None:
    mail_id = "ab" * 32
    await portal.office.add(a_mail(mail_id, "set_aside"))
    path = f"/fr{HOME}/recus/{mail_id}"
    before = read(await officer.go(path), "fr")
    (token,) = {
        field["value"]
        for field in before.attributes["input"]
        if field["name"] == "form_token"
    }
    foreign = await officer.http.post(path, data={"form_token": "another"})
    assert foreign.status_code == 403
    looked = await officer.http.post(path, data={"form_token": str(token)})
    assert (looked.status_code, looked.headers["location"]) == (303, path)
    after = await officer.go(path)
    assert "Regardé le" in after.text
    assert "J'ai regardé" not in unescape(after.text)
    assert (await portal.office.one(Mail, mail_id)).understood["looked_at"]


async def test_a_message_of_before_is_shown_though_little_was_noted_about_it(
    portal: Doors, officer: Browser
) -> None:
    little = {"subject": "", "wish": "dance", "became": {"reason": "mail_odd"}}
    await portal.office.add(a_mail("ab", "task", door="pigeon", understood=little))
    await portal.office.add(a_mail("cd", "burnt", understood={}))
    shown = read(await officer.go(f"/fr{HOME}/recus/ab"), "fr")
    assert "mail_odd" in shown.texts["main"][0]
    read(await officer.go(f"/en{HOME}/recus/cd"), "en")
    read(await officer.go(f"/en{HOME}/recus"), "en")


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
    for part in ("abc123", "abc123/brut"):
        answer = await officer.go(f"/fr{HOME}/recus/{part}")
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
