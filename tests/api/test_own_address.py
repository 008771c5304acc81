"""A mailbox proves whose it is: a new address, and an old dossier taken back."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from html import unescape

import httpx2
import pytest
from sqlalchemy import update

from letters.facts import Notice
from letters.proofs import proof_of
from records.models import FactRow, Letter, Person, WrittenText
from rules.numbers import DossierNumber
from tests.api.doors import OVERALL_LIMIT_S, Doors
from tests.api.providers import Browser
from tests.api.reading import read
from tests.api.register import plant
from tests.api.test_person_pages import an_open_dossier, sent
from tests.dossiers import HOLDER, a_holder

MARC = DossierNumber("CAR202400000007")
OLD, NEW = "alex@courriel.example", "alex.morin@maison.example"
ADDRESS, TAKE_BACK = "/fr/mes-coordonnees", "/fr/reprendre"
KEY = "a1b2c3d4e5"


@pytest.fixture
async def alex(portal: Doors) -> AsyncIterator[Browser]:
    browser = Browser(portal)
    await browser.sign_in("personne", "alex")
    yield browser
    await browser.close()


def link_to(notice: Notice, key: str = KEY, *, secret: str = "key-of-the-tests") -> str:
    proof = proof_of(f"{notice}-{key}", secret=secret.encode())
    return f"/fr/confirmer/{proof}"


async def the_person(portal: Doors, number: str) -> Person:
    return await portal.office.holder_of(DossierNumber(number))


async def letter_ordered(portal: Doors, notice: Notice) -> Letter:
    """Wait for the row of a letter that a story ordered."""
    async with asyncio.timeout(OVERALL_LIMIT_S):
        while True:
            for letter in await portal.office.rows(Letter):
                if letter.notice == notice:
                    return letter
            await asyncio.sleep(0.05)


async def confirmed(browser: Browser, link: str) -> httpx2.Response:
    return await browser.http.post(
        link, data={"form_token": await browser.form_token()}
    )


async def test_a_new_address_is_used_once_it_was_confirmed_and_the_old_one_hears_of_it(
    portal: Doors, alex: Browser
) -> None:
    number = await an_open_dossier(alex)
    page = await alex.go(ADDRESS)
    read(page, "fr")
    assert OLD in page.text
    answers = {"courriel": NEW, "langue": "en"}
    checked = await sent(alex, ADDRESS, "check", KEY, **answers)
    assert "Rien ne change avant que vous l'ouvriez" in unescape(checked.text)
    for _ in range(2):
        done = await sent(alex, ADDRESS, "send", KEY, **answers)
        assert "fait=address" in done.headers["location"], done.text
    person = await the_person(portal, number)
    assert (person.email, person.language) == (OLD, "en")

    letter = await letter_ordered(portal, Notice.ADDRESS_TO_CONFIRM)
    assert NEW not in str(letter.ordered)  # no address enters Temporal
    link = link_to(Notice.ADDRESS_TO_CONFIRM)
    read(await alex.go(link), "fr")
    assert (await the_person(portal, number)).email == OLD  # a robot followed the link
    for _ in range(2):
        done = await confirmed(alex, link)
        assert "fait=address_confirmed" in done.headers["location"], done.text
    assert (await the_person(portal, number)).email == NEW
    await letter_ordered(portal, Notice.ADDRESS_CHANGED)
    texts = {row.text for row in await portal.office.rows(WrittenText)}
    assert texts == {OLD, NEW}
    assert len(await portal.office.rows(FactRow)) == 2


async def test_a_language_alone_changes_at_once_and_nothing_is_sent(
    portal: Doors, alex: Browser
) -> None:
    number = await an_open_dossier(alex)
    same = {"courriel": OLD, "langue": "fr"}
    assert (await sent(alex, ADDRESS, "check", **same)).status_code == 422
    done = await sent(alex, ADDRESS, "send", **{**same, "langue": "en"})
    assert "fait=language" in done.headers["location"]
    assert (await the_person(portal, number)).language == "en"
    assert await portal.office.rows(FactRow) == []


async def test_a_link_serves_its_own_account_in_its_time_and_nobody_else(
    portal: Doors, alex: Browser
) -> None:
    await an_open_dossier(alex)
    await sent(alex, ADDRESS, "send", KEY, courriel=NEW, langue="fr")
    link = link_to(Notice.ADDRESS_TO_CONFIRM)
    marc = Browser(portal)
    await marc.sign_in("personne", "marc")
    forged = link_to(Notice.ADDRESS_TO_CONFIRM, secret="another")
    for browser, tried in ((marc, link), (alex, forged), (alex, link[:-1])):
        assert (await browser.go(tried)).status_code == 404
        assert (await confirmed(browser, tried)).status_code == 404
    async with portal.parts.sessions.begin() as session:
        before = WrittenText.written_at - timedelta(days=3)
        await session.execute(update(WrittenText).values(written_at=before))
    assert (await alex.go(link)).status_code == 404
    await marc.close()


async def test_an_old_dossier_comes_back_by_the_mailbox_it_bears(
    portal: Doors, alex: Browser
) -> None:
    own = await an_open_dossier(alex)
    await portal.office.place(a_holder())
    read(await alex.go(TAKE_BACK), "fr")
    assert (await sent(alex, TAKE_BACK, "check", numero="CAR2024")).status_code == 422
    checked = await sent(alex, TAKE_BACK, "check", KEY, numero=HOLDER.lower())
    assert HOLDER in checked.text
    done = await sent(alex, TAKE_BACK, "send", KEY, numero=HOLDER)
    assert done.headers["location"].startswith(f"{TAKE_BACK}?fait=take_back")
    read(await alex.go(done.headers["location"]), "fr")
    await letter_ordered(portal, Notice.TAKE_BACK_ASKED)
    assert (await alex.go(f"/fr/dossier/{HOLDER}")).status_code == 404
    link = link_to(Notice.TAKE_BACK_ASKED)
    for _ in range(2):
        done = await confirmed(alex, link)
        assert done.headers["location"].startswith(f"/fr/dossier/{HOLDER}?fait=taken")
    assert (await alex.go(f"/fr/dossier/{HOLDER}")).status_code == 200
    assert (await alex.go(f"/fr/dossier/{own}")).status_code == 200


async def test_every_number_is_answered_alike_and_few_are_answered(
    portal: Doors, alex: Browser
) -> None:
    await portal.office.place(a_holder(number=MARC))
    async with portal.parts.sessions.begin() as session:
        marc = await portal.office.holder_of(MARC)
        (await session.get_one(Person, marc.person_id)).sign_in_subject = "person:marc"
    keys = ("aaaaaaaa1", "bbbbbbbb2", "cccccccc3", "dddddddd4")
    answers = [
        await sent(alex, TAKE_BACK, "send", key, numero=number)
        for key, number in zip(keys, (MARC, "CAR202699999999", MARC, MARC), strict=True)
    ]
    assert [answer.status_code for answer in answers] == [303, 303, 303, 429]
    assert await portal.office.rows(FactRow) == []  # Marc's is in an account
    assert (await confirmed(alex, link_to(Notice.TAKE_BACK_ASKED, keys[0]))).is_error


async def test_two_live_certificates_are_never_put_together(lobby: Doors) -> None:
    alex = Browser(lobby)
    await alex.sign_in("personne", "alex")
    for number in (MARC, HOLDER):
        await plant(lobby, a_holder(number=number), person=f"Holder of {number}")
    async with lobby.parts.sessions.begin() as session:
        own = await lobby.office.holder_of(MARC)
        (await session.get_one(Person, own.person_id)).sign_in_subject = "person:alex"
    await sent(alex, TAKE_BACK, "send", KEY, numero=HOLDER)
    answer = await confirmed(alex, link_to(Notice.TAKE_BACK_ASKED))
    assert answer.status_code == 409
    read(answer, "fr")
    assert "aide@" in answer.text  # a person can still settle it
    for number, shown in ((MARC, 200), (HOLDER, 404)):
        assert (await alex.go(f"/fr/dossier/{number}")).status_code == shown
    await alex.close()
