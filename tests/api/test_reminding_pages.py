"""The button that has a silent agency reminded: one letter, and words for the rest."""

from collections.abc import AsyncIterator
from datetime import timedelta
from html import unescape

import pytest

from api.stories import Stories
from records.models import LinkRow, Person
from rules.dossier import Link
from rules.numbers import PermitNumber
from tests.api.doors import PERMIT, Doors
from tests.api.providers import Browser
from tests.api.reading import read
from tests.dossiers import HOLDER, a_holder


async def a_holder_who_waits(portal: Doors, asked_days_ago: int) -> str:
    """Plant Alex's dossier, whose agency has not answered."""
    await portal.an_agency()
    asked_on = portal.today - timedelta(days=asked_days_ago)
    link = Link("link-1", PermitNumber(PERMIT), asked_on=asked_on)
    await portal.office.place(
        a_holder(portal.today + timedelta(days=300), links=(link,)), "Alex Morin"
    )
    await portal.office.add(
        LinkRow(link_id="link-1", dossier=HOLDER, permit=PERMIT, asked_on=asked_on)
    )
    holder = await portal.office.holder_of(HOLDER)
    async with portal.parts.sessions.begin() as session:
        person = await session.get_one(Person, holder.person_id)
        person.sign_in_subject = "person:alex"
    assert await Stories(portal.parts.client).begin(HOLDER)
    return f"/fr/dossier/{HOLDER}/rappel/link-1"


async def reminders(portal: Doors) -> int:
    """Count the reminders that are in the post: nobody takes them away here."""
    state = await Stories(portal.parts.client).state(HOLDER)
    assert state is not None
    keys = state.letters_on_their_way
    return sum(key.endswith("/link_reminder") for key in keys)


@pytest.fixture
async def alex(portal: Doors) -> AsyncIterator[Browser]:
    browser = Browser(portal)
    await browser.sign_in("personne", "alex")
    yield browser
    await browser.close()


async def test_a_button_on_the_dossier_reminds_the_agency_once_however_often_pressed(
    portal: Doors, alex: Browser
) -> None:
    path = await a_holder_who_waits(portal, asked_days_ago=8)
    shown = await alex.go(f"/fr/dossier/{HOLDER}")
    read(shown, "fr")
    assert f'action="{path}"' in shown.text
    seen_first = await alex.go(path)
    assert "Recouvrement Tremblay" in read(seen_first, "fr").texts["main"][0]
    for _ in range(2):
        done = await alex.send(path, step="send", key="abcd1234")
        assert "fait=remind" in done.headers["location"], done.text
    assert await reminders(portal) == 1

    after = unescape((await alex.go(done.headers["location"])).text)
    assert "Un rappel part à l'agence" in after
    assert "Un rappel à l'agence a été demandé" in after
    assert f'action="{path}"' not in after
    again = await alex.send(path, step="send", key="abcd5678")
    assert again.status_code == 422
    assert "il y a peu" in unescape(read(again, "fr").texts["main"][0])
    assert await reminders(portal) == 1


async def test_in_the_first_days_the_page_says_from_when_one_may_remind(
    portal: Doors, alex: Browser
) -> None:
    path = await a_holder_who_waits(portal, asked_days_ago=2)
    shown = await alex.go(f"/fr/dossier/{HOLDER}")
    assert f'action="{path}"' not in shown.text
    assert "vous pourrez lui envoyer un rappel" in unescape(shown.text)
    assert (await alex.send(path, step="send", key="abcd1234")).status_code == 422
    nobodys = f"/fr/dossier/{HOLDER}/rappel/no-such-link"
    assert (await alex.go(nobodys)).status_code == 404
