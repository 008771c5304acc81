"""A representative's visit: a dossier opened, a transfer, an agency; nobody else's."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from html import unescape

import httpx2
import pytest

from records.models import DossierRow, Person
from tests.api.doors import OVERALL_LIMIT_S, Doors
from tests.api.providers import Browser
from tests.api.reading import read

ALEX = {"nom": "Alex Morin", "courriel": "alex@courriel.example", "langue": "fr"}


@pytest.fixture
async def alex(portal: Doors) -> AsyncIterator[Browser]:
    browser = Browser(portal)
    await browser.sign_in("personne", "alex")
    yield browser
    await browser.close()


async def sent(
    browser: Browser, path: str, step: str, key: str = "abcd1234", **answers: str
) -> httpx2.Response:
    return await browser.send(path, step=step, key=key, **answers)


async def an_open_dossier(browser: Browser) -> str:
    answer = await sent(browser, "/fr/nouveau-dossier", "send", **ALEX)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].split("/")[3].partition("?")[0]


async def test_a_newcomer_is_told_how_to_begin(alex: Browser) -> None:
    led = await alex.go("/fr/dossier")
    assert led.headers["location"] == "/fr/mes-dossiers"
    page = await alex.go("/fr/mes-dossiers")
    read(page, "fr")
    assert "/fr/nouveau-dossier" in page.text


async def test_a_dossier_is_opened_once_after_the_answers_were_checked(
    portal: Doors, alex: Browser
) -> None:
    form = await alex.go("/fr/nouveau-dossier")
    read(form, "fr")
    assert 'value="Alex Morin"' in form.text
    checked = await sent(alex, "/fr/nouveau-dossier", "check", **ALEX)
    read(checked, "fr")
    assert "rien n'est encore envoyé" in unescape(checked.text)
    number = await an_open_dossier(alex)
    assert await an_open_dossier(alex) == number  # pressed twice

    opened = await alex.go(f"/fr/dossier/{number}?fait=opened&ref=ABCD1234")
    assert "ABCD1234" in opened.text
    assert "Votre dossier est ouvert" in opened.text
    assert f"/fr/dossier/{number}/transfert" in opened.text
    led = await alex.go("/fr/mes-dossiers")
    assert led.headers["location"] == f"/fr/dossier/{number}"
    async with portal.parts.sessions() as session:
        row = await session.get_one(DossierRow, number)
        person = await session.get_one(Person, row.person_id)
    assert person.sign_in_subject == "person:alex"


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        ({"courriel": "alex"}, "courriel-fault"),
        ({"nom": " "}, "nom-fault"),
        ({"langue": "de"}, "langue-fault"),
    ],
)
async def test_a_wrong_answer_is_named_and_the_others_are_kept(
    alex: Browser, wrong: dict[str, str], fault: str
) -> None:
    answer = await sent(alex, "/fr/nouveau-dossier", "send", **{**ALEX, **wrong})
    assert answer.status_code == 422
    assert f'id="{fault}"' in answer.text
    assert "<title>Erreur" in answer.text
    kept = set(ALEX.values()) - {ALEX[name] for name in wrong} - {"fr"}
    assert all(value in answer.text for value in kept)


async def test_an_agency_is_named_before_it_is_asked(
    portal: Doors, alex: Browser
) -> None:
    await portal.an_agency()
    number = await an_open_dossier(alex)
    path = f"/fr/dossier/{number}/agence"
    read(await alex.go(path), "fr")
    unknown = await sent(alex, path, "check", permis="ZZ-9")
    assert unknown.status_code == 422
    assert "ZZ-9</textarea>" in unknown.text
    named = await sent(alex, path, "check", permis="ar-1001")
    read(named, "fr")
    assert "Recouvrement Tremblay" in named.text
    state = await portal.get(f"/api/v1/dossiers/{number}", "officer")
    assert state["dossier"]["links"] == []
    for _ in range(2):
        asked = await sent(alex, path, "send", permis="AR-1001")
        assert asked.status_code == 303, asked.text
    state = await portal.get(f"/api/v1/dossiers/{number}", "officer")
    assert [link["permit"] for link in state["dossier"]["links"]] == ["AR-1001"]


async def test_a_transfer_is_asked_for_as_by_mail(portal: Doors, alex: Browser) -> None:
    number = await an_open_dossier(alex)
    path = f"/fr/dossier/{number}/transfert"
    read(await alex.go(path), "fr")
    lookalike = await sent(alex, path, "check", certificat="CAR2O2100067890")
    assert lookalike.status_code == 422
    checked = await sent(alex, path, "check", certificat="car 2021-0006 7890")
    read(checked, "fr")
    assert "CAR202100067890" in checked.text
    done = await sent(alex, path, "send", certificat="CAR202100067890")
    assert done.headers["location"].startswith(f"/fr/dossier/{number}?fait=transfer")
    state = await portal.get(f"/api/v1/dossiers/{number}", "officer")
    assert state["dossier"]["request"]["certificate"] == "CAR202100067890"


async def test_one_persons_pages_are_not_found_by_another(
    portal: Doors, alex: Browser
) -> None:
    number = await an_open_dossier(alex)
    other = Browser(portal)
    await other.sign_in("personne", "marc")
    for part in ("transfert", "agence"):
        theirs = await other.go(f"/fr/dossier/{number}/{part}")
        nobodys = await other.go(f"/fr/dossier/CAR202699999999/{part}")
        assert theirs.status_code == nobodys.status_code == 404
        answer = await sent(other, f"/fr/dossier/{number}/{part}", "send")
        assert answer.status_code == 404
    await other.close()


async def test_several_agencies_are_named_and_asked_at_once(
    portal: Doors, alex: Browser
) -> None:
    for permit in ("AR-1001", "AR-2002"):
        await portal.an_agency(permit)
    number = await an_open_dossier(alex)
    path = f"/fr/dossier/{number}/agence"
    wrong = await sent(alex, path, "check", permis="AR-1001\nAR-9")
    assert wrong.status_code == 422
    assert "AR-9\u00a0: " in unescape(wrong.text)
    assert "AR-1001\nAR-9</textarea>" in wrong.text
    many = "\n".join(f"AR-{count}" for count in range(11))
    assert (await sent(alex, path, "check", permis=many)).status_code == 422
    named = await sent(alex, path, "check", permis="AR-1001, AR-2002\nar-1001")
    assert read(named, "fr").texts["dd"] == ["Recouvrement Tremblay"] * 2
    for _ in range(2):
        asked = await sent(alex, path, "send", permis="AR-1001, AR-2002")
        assert asked.status_code == 303, asked.text
    state = await portal.get(f"/api/v1/dossiers/{number}", "officer")
    permits = [link["permit"] for link in state["dossier"]["links"]]
    assert permits == ["AR-1001", "AR-2002"]


async def test_a_link_is_ended_by_its_person_and_late_news_is_taken(
    portal: Doors, alex: Browser
) -> None:
    await portal.an_agency()
    number = await an_open_dossier(alex)
    link_id = await portal.a_link(number)
    path = f"/fr/dossier/{number}/agence/fin/{link_id}"
    assert (await alex.go(path)).status_code == 404  # asked for, not confirmed
    since, until = portal.today - timedelta(days=60), portal.today - timedelta(days=30)
    await portal.done(
        f"/api/v1/links/{link_id}/confirmation", "agency", {"since": str(since)}
    )
    await portal.heard(number, "officer")
    assert path in (await alex.go(f"/fr/dossier/{number}/agence")).text
    read(await alex.go(path), "fr")
    assert (await sent(alex, path, "check", jour="hier")).status_code == 422
    early = await sent(alex, path, "send", jour=str(since - timedelta(days=1)))
    assert early.status_code == 422
    checked = await sent(alex, path, "check", jour=str(until))
    said = unescape(read(checked, "fr").texts["main"][0])
    assert "mieux vaut tard que jamais" in said
    assert "Vous n'avez pas d'autre lien" in said
    done = await sent(alex, path, "send", jour=str(until))
    assert "fait=unlink" in done.headers["location"]
    state = await portal.heard(number, "officer")
    (link,) = state["dossier"]["links"]
    assert link["until"] == str(until)
    lines = await portal.get(f"/api/v1/dossiers/{number}/timeline", "officer")
    ended = [e for e in lines["entries"] if e["what"] == "agency_unlinked"]
    assert [entry["by"] for entry in ended] == ["person"]


async def test_a_dossier_is_cancelled_once_its_meaning_was_read(
    portal: Doors, alex: Browser
) -> None:
    number = await an_open_dossier(alex)
    path = f"/fr/dossier/{number}/annulation"
    read(await alex.go(path), "fr")
    without = await sent(alex, path, "check", raison=" ")
    assert without.status_code == 422
    checked = await sent(alex, path, "check", raison="Je change de métier.")
    assert "Je change de métier." in checked.text
    assert "définitive" in checked.text
    for _ in range(2):
        done = await sent(alex, path, "send", raison="Je change de métier.")
        assert "fait=cancel" in done.headers["location"], done.text
    state = await portal.get(f"/api/v1/dossiers/{number}", "officer")
    assert state["phase"] == "closed"
    closed = await alex.go(f"/fr/dossier/{number}")
    assert 'class="action" href="/fr/mes-dossiers"' in closed.text
    assert (await alex.go(path)).status_code == 409


async def test_what_was_begun_in_a_dossier_that_is_closed_is_no_longer_listed(
    alex: Browser,
) -> None:
    number = await an_open_dossier(alex)
    agencies = f"/fr/dossier/{number}/agence"
    await sent(alex, agencies, "keep", permis="AR-1001")
    for page in ("/fr/mes-dossiers?tous", f"/fr/dossier/{number}"):
        assert f'<li><a href="{agencies}">' in (await alex.go(page)).text
    path = f"/fr/dossier/{number}/annulation"
    await sent(alex, path, "send", raison="Je change de métier.", key="abcd5678")
    for page in ("/fr/mes-dossiers?tous", f"/fr/dossier/{number}"):
        said = (await alex.go(page)).text
        assert number in said
        assert agencies not in said


async def the_task(portal: Doors, number: str) -> dict[str, str]:
    """Wait until the story has put the dossier before an officer."""
    async with asyncio.timeout(OVERALL_LIMIT_S):
        while True:
            state = await portal.get(f"/api/v1/dossiers/{number}", "officer")
            if tasks := state["dossier"]["tasks"]:
                task: dict[str, str] = tasks[0]
                return task
            await asyncio.sleep(0.05)


async def test_observations_reach_who_decides_and_have_no_page_before(
    portal: Doors, alex: Browser
) -> None:
    number = await an_open_dossier(alex)
    path = f"/fr/dossier/{number}/observations"
    assert (await alex.go(path)).status_code == 409
    transfer = f"/fr/dossier/{number}/transfert"
    await sent(alex, transfer, "send", certificat="CAR202100067890")
    task = await the_task(portal, number)
    await portal.done(
        f"/api/v1/staff/tasks/{task['task_id']}/decision",
        "officer",
        {"decision": "intend_to_refuse", "text": "Ce certificat est inconnu."},
    )
    dossier = await alex.go(f"/fr/dossier/{number}")
    assert f'class="action" href="{path}"' in dossier.text
    read(await alex.go(path), "fr")
    assert (await sent(alex, path, "check", texte="")).status_code == 422
    checked = await sent(alex, path, "check", texte="Il est de 2021.\nVoyez.")
    assert "Il est de 2021.\nVoyez." in checked.text
    done = await sent(alex, path, "send", texte="Il est de 2021.\nVoyez.")
    assert "fait=observe" in done.headers["location"], done.text
    afterwards = (await alex.go(f"/fr/dossier/{number}")).text
    assert "C'est à l'Office" in unescape(afterwards)
    assert f'class="action" href="{path}"' not in afterwards
    assert f'<a href="{path}"' in afterwards
    state = await portal.get(f"/api/v1/dossiers/{number}", "officer")
    assert state["dossier"]["request"]["observed"]
