"""A letter is sent once more from the desk: for a reason, once, while it is true."""

from collections.abc import AsyncIterator
from html import unescape
from urllib.parse import quote

import httpx2
import pytest
from sqlalchemy import update

from letters.wording import LANGUAGES, Language
from records.models import Letter, TimelineEntry
from tests.api.doors import Doors
from tests.api.providers import Browser
from tests.api.reading import read
from tests.api.test_desk_pages import signed_in

WHY = "Elle dit n'avoir rien reçu."


@pytest.fixture
async def claire(portal: Doors) -> AsyncIterator[Browser]:
    browser = await signed_in(portal, "claire")
    yield browser
    await browser.close()


async def a_letter_that_came_back(portal: Doors) -> tuple[str, str]:
    """Give a dossier to finalize, and the key of its letter, which bounced."""
    number = await portal.a_dossier()
    await portal.an_exam(number)
    await portal.heard(number, "officer")
    found = [x for x in await portal.office.rows(Letter) if x.notice == "finalize"]
    [letter] = found
    await becomes(portal, letter.key, "bounced")
    return number, letter.key


async def becomes(portal: Doors, key: str, state: str) -> None:
    async with portal.parts.sessions.begin() as session:
        await session.execute(
            update(Letter)
            .where(Letter.key == key)
            .values(
                state=state,
                recipient="zoe@courriel.example",
                subject="À finaliser",
                body="Bonjour.",
                language="fr",
            )
        )


async def asked(
    browser: Browser, letter: str, *, step: str = "send", why: str = WHY
) -> httpx2.Response:
    path = f"/fr/bureau/renvoi/{quote(letter)}"
    return await browser.send(path, step=step, key="abcd1234", raison=why)


async def copies(portal: Doors) -> list[Letter]:
    return [x for x in await portal.office.rows(Letter) if x.ordered.get("copy_of")]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_letter_that_came_back_is_sent_again_for_a_reason(
    portal: Doors, claire: Browser, language: Language
) -> None:
    number, key = await a_letter_that_came_back(portal)
    home = f"/{language}/bureau/dossier/{number}"
    path = f"/{language}/bureau/renvoi/{quote(key)}"
    assert f'href="{path}"' in (await claire.go(home)).text
    page = await claire.go(path)
    read(page, language)
    # It would go to the very address that did not take it.
    assert ("Faites d'abord inscrire" in unescape(page.text)) is (language == "fr")
    without = await asked(claire, key, step="check", why=" ")
    assert without.status_code == 422
    assert "Écrivez la raison" in without.text
    checked = await asked(claire, key, step="check")
    assert "zoe@courriel.example" in checked.text
    assert WHY in unescape(checked.text)
    assert not await copies(portal)
    done = await asked(claire, key)
    assert done.headers["location"] == f"/fr/bureau/dossier/{number}?fait=resent"
    read(await claire.go(f"{home}?fait=resent"), language)
    [copy] = await copies(portal)
    assert (copy.state, copy.ordered["copy_of"]) == ("queued", key)
    lines = await portal.office.rows(TimelineEntry)
    [line] = [each for each in lines if each.what == "letter_sent_again"]
    assert (line.by, line.detail["first"]) == ("staff:claire", key)
    for shows in (f"/fr/bureau/dossier/{number}", "/fr/bureau/courriel/lettres"):
        assert "Copie de la lettre du" in (await claire.go(shows)).text, shows


async def test_pressed_twice_it_is_one_letter(portal: Doors, claire: Browser) -> None:
    _, key = await a_letter_that_came_back(portal)
    for _ in range(2):
        assert (await asked(claire, key)).status_code == 303
    assert len(await copies(portal)) == 1


@pytest.mark.parametrize("state", ["queued", "sending", "deferred", "cancelled"])
async def test_what_is_on_its_way_or_withdrawn_is_not_sent_again(
    portal: Doors, claire: Browser, state: str
) -> None:
    number, key = await a_letter_that_came_back(portal)
    await becomes(portal, key, state)
    page = await claire.go(f"/fr/bureau/renvoi/{quote(key)}")
    assert "n'a pas fini son chemin" in unescape(page.text)
    assert 'name="raison"' not in page.text
    assert (await asked(claire, key)).status_code == 422
    assert not await copies(portal)
    dossier = await claire.go(f"/fr/bureau/dossier/{number}")
    assert "/bureau/renvoi/" not in dossier.text


async def test_what_is_no_longer_true_is_refused_in_plain_words(
    portal: Doors, claire: Browser
) -> None:
    number, key = await a_letter_that_came_back(portal)
    cancelled = f"/api/v1/dossiers/{number}/cancellation"
    await portal.done(cancelled, "representative", {"text": "Je pars."})
    page = await claire.go(f"/fr/bureau/renvoi/{quote(key)}")
    assert "ce qu'elle dit n'est plus vrai" in unescape(page.text)
    refused = await asked(claire, key)
    assert refused.status_code == 422
    assert "ce qu'elle dit n'est plus vrai" in unescape(refused.text)
    assert not await copies(portal)


async def test_a_letter_that_does_not_exist_is_not_found(
    portal: Doors, claire: Browser
) -> None:
    for path in ("none", "%00", "CAR202600000001/x/y"):
        assert (await claire.go(f"/fr/bureau/renvoi/{path}")).status_code == 404
    del portal
