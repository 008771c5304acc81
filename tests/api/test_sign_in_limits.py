"""How often one may try to sign in, how strongly, and what ends with a new sign-in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import unescape
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import select

from api.language import Language
from records.sessions import Session
from tests.api.doors import Doors, open_doors, the_settings
from tests.api.knocking import TASK, Visitor, furnish
from tests.api.providers import Browser, a_stand_in, asked_of_provider
from tests.api.reading import read
from tests.api.register import NOBODY

HERE = f"/fr/bureau/tache/{TASK}"


@asynccontextmanager
async def doors_with(
    database_url: str, folder: Path, **more: str
) -> AsyncIterator[Doors]:
    async with a_stand_in() as sign_in:
        settings = the_settings(database_url, folder, "127.0.0.1:1", **sign_in, **more)
        async with open_doors(settings) as doors:
            yield doors


async def from_address(doors: Doors, host: str, path: str) -> httpx2.Response:
    transport = httpx2.ASGITransport(app=doors.app, client=(host, 1))
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://127.0.0.1"
    ) as http:
        return await http.get(path)


# ------------------------------------------------------------------------- how often


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_who_tries_too_often_reads_when_to_try_again(
    database_url: str, tmp_path: Path, language: Language
) -> None:
    few = {"ECHEANCE_SIGN_INS_PER_MINUTE": "2"}
    async with doors_with(database_url, tmp_path, **few) as doors:
        door = f"/{language}/connexion/personne"
        answers = [await from_address(doors, "192.0.2.7", door) for _ in range(6)]
        refused = [answer for answer in answers if answer.status_code == 429]
        # A minute may end meanwhile: then each of the two lets two through.
        assert len(refused) >= 2
        page = read(refused[-1], language)
        wait = refused[-1].headers["retry-after"]
        assert 1 <= int(wait) <= 60
        assert wait in page.texts["main"][0]
        assert page.texts["title"][0].startswith("Err")
        other = await from_address(doors, "192.0.2.8", door)
        assert other.status_code == 303


async def test_a_crowd_at_the_door_leaves_the_register_open(
    database_url: str, tmp_path: Path
) -> None:
    few = {"ECHEANCE_SIGN_INS_PER_MINUTE_OF_ALL": "3"}
    async with doors_with(database_url, tmp_path, **few) as doors:
        door = "/fr/connexion/personne"
        answers = [
            await from_address(doors, f"192.0.2.{number}", door) for number in range(10)
        ]
        assert sum(answer.status_code == 429 for answer in answers) >= 4
        verified = await from_address(
            doors, "192.0.2.1", f"/api/v1/verification/{NOBODY}"
        )
        assert verified.status_code == 200


# ---------------------------------------------------------------------- how strongly


async def test_a_decision_on_a_right_needs_the_stronger_sign_in(
    database_url: str, tmp_path: Path
) -> None:
    levels = {
        "ECHEANCE_SIGN_IN_STAFF_ACR": "moyen eleve",
        "ECHEANCE_SIGN_IN_STAFF_DECISION_ACR": "eleve",
    }
    async with doors_with(database_url, tmp_path, **levels) as doors:
        await furnish(doors)
        claire = Browser(doors)
        await claire.sign_in("office", "claire")
        assert (await claire.go("/fr/bureau")).status_code == 200

        led = await claire.go(HERE)
        assert led.status_code == 303
        page = await claire.go(led.headers["location"])
        read(page, "fr")
        assert "Une décision touche les droits" in page.text
        assert "/fr/connexion/personne" not in page.text

        url = await claire.http.get(
            "/fr/connexion/office", params={"retour": HERE, "pour": "decision"}
        )
        asked = url.headers["location"]
        assert asked_of_provider(asked)["acr_values"] == "eleve"
        back = await claire.go(await claire.click_on(asked, "claire"))
        assert back.headers["location"] == HERE
        assert (await claire.go(HERE)).status_code == 200
        await claire.close()


async def test_a_form_of_a_weaker_session_decides_nothing(
    database_url: str, tmp_path: Path
) -> None:
    levels = {"ECHEANCE_SIGN_IN_STAFF_DECISION_ACR": "eleve"}
    async with doors_with(database_url, tmp_path, **levels) as doors:
        await furnish(doors)
        form = {"step": "send", "key": "abcd1234", "decision": "settle", "texte": "x"}
        answer = await Visitor(doors, "decider").ask("POST", HERE, form)
        assert "pour=decision" in answer.headers["location"]


# -------------------------------------------------------------- what ends, and is seen


async def test_a_new_sign_in_ends_the_session_this_browser_had(
    database_url: str, tmp_path: Path
) -> None:
    async with doors_with(database_url, tmp_path) as doors:
        browser = Browser(doors)
        await browser.sign_in("personne", "nadia")
        first = browser.http.cookies["echeance_session"]
        await browser.sign_in("personne", "nadia")
        async with doors.parts.sessions() as session:
            ended = list(await session.scalars(select(Session.ended_at)))
        assert sum(at is None for at in ended) == 1
        browser.http.cookies.delete("echeance_session")
        browser.http.cookies.set("echeance_session", first, domain="127.0.0.1")
        assert not await browser.is_signed_in()
        await browser.close()


async def test_all_other_sessions_are_ended_at_once_and_still_listed(
    database_url: str, tmp_path: Path
) -> None:
    async with doors_with(database_url, tmp_path) as doors:
        here, there, strange = Browser(doors), Browser(doors), Browser(doors)
        for browser in (here, there):
            await browser.sign_in("personne", "nadia")
        await strange.sign_in("personne", "marc")
        page = await here.go("/fr/sessions")
        assert "Fermer toutes les autres" in page.text
        form = {"form_token": await here.form_token()}
        sent = await here.http.post("/fr/sessions/autres", data=form)
        assert sent.headers["location"] == "/fr/sessions"
        assert await here.is_signed_in()
        assert not await there.is_signed_in()
        assert await strange.is_signed_in()
        page = await here.go("/fr/sessions")
        read(page, "fr")
        assert "Vos dernières sessions fermées" in unescape(page.text)
        for browser in (here, there, strange):
            await browser.close()
