"""An agency's day: who asks, what is answered, and nothing of another agency's."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import timedelta
from html import unescape

import httpx2
import pytest

from records.models import Agency, LinkRow
from tests.api.doors import Doors
from tests.api.providers import Browser
from tests.api.reading import read


@pytest.fixture
async def agency(portal: Doors) -> AsyncIterator[Browser]:
    await portal.an_agency()
    async with portal.parts.sessions.begin() as session:
        row = await session.get_one(Agency, "AR-1001")
        row.sign_in_subject = "business:boreal"
    browser = Browser(portal)
    await browser.sign_in("agence", "boreal")
    yield browser
    await browser.close()


async def sent(browser: Browser, path: str, **answers: str) -> httpx2.Response:
    return await browser.send(path, **{"step": "send", **answers})


async def a_request(portal: Doors) -> tuple[str, str]:
    number = await portal.a_dossier()
    await portal.an_exam(number)
    return number, await portal.a_link(number)


async def test_an_agency_sees_who_asks_and_confirms(
    portal: Doors, agency: Browser
) -> None:
    number, link_id = await a_request(portal)
    await portal.heard(number)
    home = await agency.go("/fr/agence")
    read(home, "fr")
    assert number in home.text
    assert "<strong>1</strong> à confirmer" in home.text

    path = f"/fr/agence/lien/{link_id}"
    shown = await agency.go(path)
    read(shown, "fr")
    assert "déclare travailler pour votre agence" in unescape(shown.text)
    answer = await sent(
        agency, path, reponse="confirmer", jour=str(portal.today), raison=""
    )
    assert answer.headers["location"] == "/fr/agence?fait=confirmer"
    state = await portal.heard(number)
    assert state["dossier"]["links"][0]["since"] == str(portal.today)
    home = await agency.go("/fr/agence?fait=confirmer")
    assert "<strong>0</strong> à confirmer" in home.text
    assert "Le lien est confirmé" in home.text


async def test_a_refusal_needs_its_reason_and_keeps_what_was_written(
    portal: Doors, agency: Browser
) -> None:
    number, link_id = await a_request(portal)
    path = f"/fr/agence/lien/{link_id}"
    missing = await sent(agency, path, reponse="refuser", raison=" ")
    assert missing.status_code == 422
    page = read(missing, "fr")
    assert page.texts["title"][0].startswith("Erreur")
    assert "Dites pourquoi" in missing.text

    answer = await sent(agency, path, reponse="refuser", raison="Inconnue chez nous.")
    assert answer.status_code == 303
    state = await portal.heard(number)
    assert state["dossier"]["links"][0]["refused_on"] == str(portal.today)
    letters = await portal.get(f"/api/v1/dossiers/{number}/letters", "officer")
    assert "link_refused" in {letter["notice"] for letter in letters["letters"]}


@pytest.mark.parametrize("day", ["demain", "", "2026-02-30"])
async def test_a_day_that_is_none_is_asked_again(
    portal: Doors, agency: Browser, day: str
) -> None:
    _, link_id = await a_request(portal)
    answer = await sent(
        agency, f"/fr/agence/lien/{link_id}", reponse="confirmer", jour=day
    )
    assert answer.status_code == 422
    assert "Choisissez le jour" in answer.text


async def test_a_first_day_in_the_future_is_refused_at_its_field(
    portal: Doors, agency: Browser
) -> None:
    _, link_id = await a_request(portal)
    tomorrow = str(portal.today + timedelta(days=1))
    answer = await sent(
        agency, f"/fr/agence/lien/{link_id}", reponse="confirmer", jour=tomorrow
    )
    assert answer.status_code == 422
    assert 'id="jour-fault"' in answer.text
    assert f'value="{tomorrow}"' in answer.text


async def test_an_agency_sees_nothing_of_another_agency(
    portal: Doors, agency: Browser
) -> None:
    await portal.an_agency("AR-2002")
    number = await portal.a_dossier()
    await portal.an_exam(number)
    theirs = await portal.a_link(number, "AR-2002")
    await portal.heard(number)
    assert number not in (await agency.go("/fr/agence")).text
    of_another = await agency.go(f"/fr/agence/lien/{theirs}")
    of_nobody = await agency.go("/fr/agence/lien/no-such-link")
    assert of_another.status_code == of_nobody.status_code == 404
    answer = await sent(
        agency,
        f"/fr/agence/lien/{theirs}",
        reponse="confirmer",
        jour=str(portal.today),
    )
    assert answer.status_code == 404


async def test_the_list_goes_into_a_spreadsheet_without_a_formula(
    portal: Doors, agency: Browser
) -> None:
    said = {"name": "=HYPERLINK(1) Zoé", "email": "zoe@courriel.example"}
    opened = await portal.done("/api/v1/dossiers", "representative", said)
    await portal.a_link(opened["number"])
    answer = await agency.go("/fr/agence/liste.csv")
    rows = list(csv.reader(io.StringIO(answer.text.lstrip("\ufeff"))))
    assert rows[0][0] == "numero"
    assert rows[1][:2] == [opened["number"], "'=HYPERLINK(1) Zoé"]


async def test_an_account_without_a_permit_is_told_what_to_do(portal: Doors) -> None:
    browser = Browser(portal)
    await browser.sign_in("agence", "boreal")
    answer = await browser.go("/fr/agence")
    assert "rattaché à aucun permis" in answer.text
    await browser.close()


async def test_a_person_has_no_agency_pages(portal: Doors) -> None:
    browser = Browser(portal)
    await browser.sign_in("personne", "nadia")
    answer = await browser.go("/fr/agence")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/fr/connexion?retour=")
    await browser.close()


# ------------------------------------------------------------- late, ended, in a list


async def test_a_request_left_unanswered_is_said_late_and_shown_to_the_office(
    portal: Doors, agency: Browser
) -> None:
    number, link_id = await a_request(portal)
    await portal.heard(number)
    officer = Browser(portal)
    await officer.sign_in("office", "claire")
    path = f"/fr/agence/lien/{link_id}"
    assert "jours pour répondre, jusqu'au" in unescape((await agency.go(path)).text)
    assert number not in (await officer.go("/fr/bureau/liens")).text

    for days, late in ((10, False), (11, True)):
        async with portal.parts.sessions.begin() as session:
            row = await session.get_one(LinkRow, link_id)
            row.asked_on = portal.today - timedelta(days=days)
        home = unescape((await agency.go("/fr/agence")).text)
        assert ("en retard" in home) is late
        listed = await officer.go("/fr/bureau/liens")
        read(listed, "fr")
        assert (number in listed.text) is late
    shown = unescape((await agency.go(path)).text)
    assert "Vous pouvez encore répondre ici" in shown
    await officer.close()


@pytest.mark.parametrize(("days_ago", "in_time"), [(14, True), (15, True), (16, False)])
async def test_the_end_of_a_link_is_read_again_with_its_15_days_before_it_is_told(
    portal: Doors, agency: Browser, days_ago: int, *, in_time: bool
) -> None:
    number, link_id = await a_request(portal)
    path = f"/fr/agence/lien/{link_id}"
    since = str(portal.today - timedelta(days=60))
    await sent(agency, path, reponse="confirmer", jour=since)
    await portal.heard(number)
    until = str(portal.today - timedelta(days=days_ago))
    ended = {"reponse": "terminer", "fin": until}
    checked = await sent(agency, path, **{**ended, "step": "check"})
    read(checked, "fr")
    words = unescape(checked.text)
    assert "rien n'est encore envoyé" in words
    assert ("dans les 15 jours prévus" in words) is in_time
    assert ("Déclarez-la quand même" in words) is not in_time
    state = await portal.heard(number)
    assert state["dossier"]["links"][0]["until"] is None
    done = await sent(agency, path, **ended)
    assert done.headers["location"] == "/fr/agence?fait=terminer"
    state = await portal.heard(number)
    assert state["dossier"]["links"][0]["until"] == until


async def test_an_end_before_the_link_began_is_refused_before_it_is_checked(
    portal: Doors, agency: Browser
) -> None:
    number, link_id = await a_request(portal)
    path = f"/fr/agence/lien/{link_id}"
    await sent(agency, path, reponse="confirmer", jour=str(portal.today))
    await portal.heard(number)
    yesterday = str(portal.today - timedelta(days=1))
    answer = await sent(agency, path, reponse="terminer", fin=yesterday, step="check")
    assert answer.status_code == 422
    assert 'id="fin-fault"' in answer.text


async def test_an_answer_is_read_once_more_and_back_sends_nothing_again(
    portal: Doors, agency: Browser
) -> None:
    number, link_id = await a_request(portal)
    path = f"/fr/agence/lien/{link_id}"
    unsaid = await sent(agency, path, step="check", raison="Inconnue.")
    assert unsaid.status_code == 422
    assert 'id="reponse-fault"' in unsaid.text
    assert "Inconnue.</textarea>" in unsaid.text
    answers = {"reponse": "refuser", "raison": "Inconnue.", "key": "abcd1234"}
    checked = await sent(agency, path, step="check", **answers)
    assert "Inconnue." in read(checked, "fr").texts["dd"]
    state = await portal.heard(number)
    assert state["dossier"]["links"][0]["refused_on"] is None
    done = await sent(agency, path, **answers)
    again = await agency.go(f"{path}?etape=verifier")
    for answer in (done, again):
        assert answer.headers["location"] == "/fr/agence?fait=refuser"
    state = await portal.heard(number)
    assert state["dossier"]["links"][0]["refused_on"] == str(portal.today)
    # What was answered is not asked again.
    assert 'name="reponse"' not in (await agency.go(path)).text
