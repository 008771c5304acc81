"""An agency is invited by the operator, and finds the words to invite its people."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import unquote

import pytest
from sqlalchemy import func, update

from intake import agencies_by_hand
from letters.wording import LANGUAGES
from records.invitations import AgencyInvitation
from records.models import Agency
from tests.api.doors import PERMIT, Doors
from tests.api.providers import Browser
from tests.api.reading import read

MAILBOX = "permis@agence.example"


@pytest.fixture
async def boreal(lobby: Doors) -> AsyncIterator[Browser]:
    browser = Browser(lobby)
    await browser.sign_in("agence", "boreal")
    yield browser
    await browser.close()


async def invited(lobby: Doors, permit: str = PERMIT, **changes: Any) -> str:
    """Invite an agency as an operator does; give the path of what is to be sent."""
    said = {"name": "Agence Boréale", "language": "fr", "again": False, **changes}
    lines = await agencies_by_hand.invited(
        lobby.parts.settings, permit, MAILBOX, **said
    )
    (address,) = (line for line in lines if line.startswith("http"))
    return address.removeprefix(lobby.parts.settings.public_url.rstrip("/"))


async def test_an_invited_agency_signs_in_and_answers_for_itself_alone(
    lobby: Doors, boreal: Browser
) -> None:
    path = await invited(lobby)
    assert "rattaché à aucun permis" in (await boreal.go("/fr/agence")).text
    shown = await boreal.go(path)
    assert "Agence Boréale" in read(shown, "fr").texts["h1"][0]
    # To follow a link does nothing: a mail program may.
    assert (await lobby.office.one(Agency, PERMIT)).sign_in_subject is None
    for _ in range(2):
        done = await boreal.send(path)
        assert done.headers["location"] == "/fr/agence?fait=invitation"
    home = await boreal.go("/fr/agence?fait=invitation")
    assert "répond maintenant pour cette agence" in home.text
    assert "Agence Boréale" in home.text
    kept = await lobby.office.one(AgencyInvitation, PERMIT)
    assert kept.accepted_by == "business:boreal"
    assert path.rpartition("/")[2] not in kept.secret_hash


async def test_an_invitation_serves_once_and_not_for_ever(
    lobby: Doors, boreal: Browser
) -> None:
    former = await invited(lobby)
    path = await invited(lobby)
    assert (await boreal.go(former)).status_code == 404
    async with lobby.parts.sessions.begin() as session:
        await session.execute(
            update(AgencyInvitation).values(made_at=func.now() - timedelta(days=30))
        )
    assert (await boreal.go(path)).status_code == 404
    assert (await boreal.send(path)).status_code == 404
    path = await invited(lobby)
    await boreal.send(path)
    assert (await boreal.go(path)).status_code == 200
    async with lobby.parts.sessions.begin() as session:
        await session.execute(update(AgencyInvitation).values(accepted_by="business:x"))
    taken = await boreal.go(path)
    nobodys = await boreal.go("/fr/agence/invitation/nobodys")
    assert taken.status_code == nobodys.status_code == 404
    assert read(taken, "fr").texts["main"] == read(nobodys, "fr").texts["main"]


async def test_an_account_answers_for_one_agency(lobby: Doors, boreal: Browser) -> None:
    await boreal.send(await invited(lobby))
    second = await boreal.send(await invited(lobby, "AR-2002", name="Autre agence"))
    assert second.status_code == 409
    assert "une autre agence" in unescape(second.text)
    assert (await lobby.office.one(Agency, "AR-2002")).sign_in_subject is None


async def test_the_operator_is_told_what_cannot_be(
    lobby: Doors, boreal: Browser
) -> None:
    with pytest.raises(ValueError, match="say its --name"):
        await invited(lobby, name="")
    with pytest.raises(ValueError, match="not an address"):
        await agencies_by_hand.invited(
            lobby.parts.settings, PERMIT, "nobody", "Agence", "fr", again=False
        )
    await boreal.send(await invited(lobby))
    with pytest.raises(ValueError, match="signs in already"):
        await invited(lobby)
    assert await invited(lobby, name="", again=True)
    assert (await lobby.office.one(Agency, PERMIT)).name == "Agence Boréale"


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_person_is_invited_with_the_start_page_and_nothing_of_a_dossier(
    lobby: Doors, boreal: Browser, language: str
) -> None:
    path = f"/{language}/agence/inviter"
    assert (await boreal.go(path)).headers["location"] == f"/{language}/agence"
    await boreal.send(await invited(lobby))
    shown = await boreal.go(path)
    text = unescape(shown.text)
    written = text[text.index("<textarea") : text.index("</textarea>")]
    start = f"{lobby.parts.settings.public_url.rstrip('/')}/{language}"
    assert f"{start}\n" in written
    assert PERMIT in written
    assert not re.search(r"CAR\s?20", written)
    link = re.search(r'href="mailto:\?([^"]*)"', text)
    assert link
    assert unquote(link[1].partition("&body=")[2]).strip() in written
