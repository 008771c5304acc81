"""An officer's morning: the queue, a dossier, a decision by two persons, the post."""

import io
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from html import unescape

import httpx2
import pikepdf
import pytest

from api.language import Language
from letters.wording import LANGUAGES
from records.models import Letter
from tests.api.doors import Doors
from tests.api.providers import Browser
from tests.api.reading import read


async def signed_in(portal: Doors, subject: str) -> Browser:
    browser = Browser(portal)
    await browser.sign_in("office", subject)
    return browser


@pytest.fixture
async def claire(portal: Doors) -> AsyncIterator[Browser]:
    browser = await signed_in(portal, "claire")
    yield browser
    await browser.close()


@pytest.fixture
async def denis(portal: Doors) -> AsyncIterator[Browser]:
    """An officer who may decide a refusal."""
    browser = await signed_in(portal, "denis")
    yield browser
    await browser.close()


async def a_request_for_a_person(portal: Doors) -> str:
    number = await portal.a_dossier()
    await portal.done(
        f"/api/v1/dossiers/{number}/transfer-request",
        "representative",
        {"certificate": "CAR202100067890"},
    )
    await portal.get(f"/api/v1/dossiers/{number}", "officer")
    return number


async def the_task(browser: Browser) -> str:
    queue = await browser.go("/fr/bureau")
    found = re.search(r'href="(/fr/bureau/tache/[^"]+)"', queue.text)
    assert found, queue.text
    return unescape(found[1])


async def decided(
    browser: Browser,
    path: str,
    decision: str,
    *,
    step: str = "send",
    text: str = "Non.",
    key: str = "abcd1234",
) -> httpx2.Response:
    said = {"step": step, "key": key, "decision": decision, "texte": text}
    return await browser.send(path, **said)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_queue_and_the_dossier_are_read_in_both_languages(
    portal: Doors, claire: Browser, language: Language
) -> None:
    number = await a_request_for_a_person(portal)
    queue = await claire.go(f"/{language}/bureau")
    read(queue, language)
    assert number in queue.text
    dossier = await claire.go(f"/{language}/bureau/dossier/{number}")
    read(dossier, language)
    found = await claire.go(f"/{language}/bureau/chercher?q=levesque")
    read(found, language)
    assert number in found.text
    led = await claire.go(f"/{language}/bureau/chercher?q={number.lower()}")
    assert led.headers["location"] == f"/{language}/bureau/dossier/{number}"


async def test_a_decision_is_read_once_more_before_it_is_recorded(
    portal: Doors, claire: Browser
) -> None:
    number = await a_request_for_a_person(portal)
    task = await the_task(claire)
    asked = await claire.go(task)
    read(asked, "fr")
    assert "<dd>request_transfer-" not in asked.text  # the key of a form says nothing
    without = await decided(claire, task, "intend_to_refuse", text=" ")
    assert without.status_code == 422
    assert "Écrivez vos raisons" in without.text
    checked = await decided(
        claire, task, "intend_to_refuse", step="check", text="Certificat <inconnu>."
    )
    read(checked, "fr")
    assert "Certificat &lt;inconnu&gt;." in checked.text
    done = await decided(claire, task, "intend_to_refuse", text="Certificat inconnu.")
    assert done.status_code == 303, done.text
    state = await portal.get(f"/api/v1/dossiers/{number}", "officer")
    assert state["dossier"]["request"]["stage"] == "notice_given"


async def test_a_refusal_needs_a_decider_and_never_the_one_who_gave_the_notice(
    portal: Doors, claire: Browser, denis: Browser
) -> None:
    await a_request_for_a_person(portal)
    task = await the_task(claire)
    assert (await decided(denis, task, "intend_to_refuse")).status_code == 303
    by_herself = await decided(claire, task, "refuse", step="check")
    assert by_herself.status_code == 422
    assert "en a le pouvoir" in unescape(by_herself.text)
    by_the_same = await decided(denis, task, "refuse", step="check", key="dcba4321")
    assert by_the_same.status_code == 422
    assert "Vous avez donné l'avis" in unescape(by_the_same.text)


async def test_a_letter_that_came_back_is_printed_for_the_post(
    portal: Doors, claire: Browser
) -> None:
    number = await portal.a_dossier()
    key = f"{number}/2026-12-10/reminder_30"
    async with portal.parts.sessions.begin() as session:
        session.add(
            Letter(
                key=key,
                dossier=number,
                notice="reminder_30",
                ordered={},
                occurred_at=(await portal.office.holder_of(number)).created_at,
                state="bounced",
                language="fr",
                subject="Il vous reste 30 jours",
                body="Renouvelez.\n\nBonjour Zoé,\n\n- Payez.\n",
            )
        )
    path = f"/fr/bureau/dossier/{number}/lettre/postale"
    answer = await claire.http.get(path, params={"key": key})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/pdf"
    with pikepdf.open(io.BytesIO(answer.content)) as pdf:
        assert len(pdf.pages) == 1
        assert str(pdf.Root.Lang).startswith("fr")
    other = await claire.http.get(path, params={"key": "no-such-letter"})
    assert other.status_code == 404


@pytest.mark.parametrize(("door", "who"), [("personne", "nadia"), ("agence", "boreal")])
async def test_nobody_else_reaches_the_desk(portal: Doors, door: str, who: str) -> None:
    browser = Browser(portal)
    await browser.sign_in(door, who)
    for path in ("", "/chercher?q=a", "/dossier/CAR202600000001", "/tache/x"):
        answer = await browser.go(f"/fr/bureau{path}")
        assert answer.headers["location"].startswith("/fr/connexion?retour="), path
    await browser.close()


async def test_a_date_is_corrected_with_before_and_after_and_put_back(
    portal: Doors, claire: Browser
) -> None:
    number = await portal.a_dossier()
    await portal.an_exam(number)
    state = await portal.heard(number, "officer")
    before = state["dossier"]["exam"]["passed_on"]
    right = str(portal.today - timedelta(days=20))
    home = f"/fr/bureau/dossier/{number}"
    said = {"quoi": "exam_passed_on", "jour": right, "raison": "L'ITHQ l'a corrigée."}
    read(await claire.go(f"{home}/correction"), "fr")
    wrong = await claire.send(f"{home}/correction", step="check", key="abcd1234")
    assert wrong.status_code == 422
    checked = await claire.send(
        f"{home}/correction", step="check", key="abcd1234", **said
    )
    rows = read(checked, "fr").texts["dd"]
    assert len(rows) == 4
    done = await claire.send(f"{home}/correction", step="send", key="abcd1234", **said)
    assert done.headers["location"] == f"{home}?fait=corrected"
    state = await portal.get(f"/api/v1/dossiers/{number}", "officer")
    assert state["dossier"]["exam"]["passed_on"] == right
    dossier = await claire.go(home)
    undo = re.search(r'href="([^"]+/correction\?[^"]+)"', dossier.text)
    assert undo
    form = await claire.go(unescape(undo[1]))
    assert f'value="{before}"' in form.text
    assert 'value="exam_passed_on" checked' in form.text
