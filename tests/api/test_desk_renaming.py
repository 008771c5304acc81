"""An officer corrects a person's name: for a reason they read, everywhere."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest
from sqlalchemy import update

from api.language import Language
from documents.issuing import facts_of
from engine import story_of
from letters.wording import LANGUAGES
from records.models import (
    DocumentRow,
    DossierRow,
    FactRow,
    Letter,
    TimelineEntry,
    WrittenText,
)
from tests.activities.certifying import certify
from tests.api.doors import OVERALL_LIMIT_S, Doors
from tests.api.providers import Browser
from tests.api.reading import read
from tests.api.test_desk_pages import signed_in
from tests.api.test_desk_reissuing import a_worker
from tests.api.test_person_pages import an_open_dossier
from tests.dossiers import HOLDER, a_holder
from workflows.messages import Posted

OLD, NEW = "Elise Levesque", "Élise Lévesque-Roy"
WHY = "Le prénom était sans accents & le nom incomplet."
HOME = f"bureau/dossier/{HOLDER}"
PATH = f"{HOME}/nom"
DOOR = f"/api/v1/staff/dossiers/{HOLDER}/name"


@pytest.fixture
async def claire(portal: Doors) -> AsyncIterator[Browser]:
    browser = await signed_in(portal, "claire")
    yield browser
    await browser.close()


async def a_person(doors: Doors) -> None:
    """Place a holder whose name was written wrong."""
    holder = a_holder(echeance=doors.today + timedelta(days=300))
    await doors.office.place(holder, OLD)
    await certify(doors.office, holder)


async def lines(doors: Doors, count: int = 1) -> list[TimelineEntry]:
    """Wait until so many corrections of a name stand in histories."""
    async with asyncio.timeout(OVERALL_LIMIT_S):
        while True:
            rows = await doors.office.rows(TimelineEntry)
            found = [row for row in rows if row.what == "name_corrected"]
            if len(found) >= count:
                return found
            await asyncio.sleep(0.05)


async def letters(doors: Doors) -> list[Letter]:
    rows = await doors.office.rows(Letter)
    return [row for row in rows if row.notice == "correction_made"]


async def found(doors: Doors, words: str) -> list[str]:
    answer = await doors.get(f"/api/v1/staff/dossiers?search={words}", "officer")
    return [line["number"] for line in answer["dossiers"]]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_name_is_corrected_checked_told_and_undone(
    portal: Doors, claire: Browser, language: Language
) -> None:
    await a_person(portal)
    path, home = f"/{language}/{PATH}", f"/{language}/{HOME}"
    assert f'href="{path}"' in (await claire.go(home)).text
    form = await claire.go(path)
    read(form, language)
    assert f'value="{OLD}"' in form.text
    assert f'href="{home}/exemplaire"' in form.text
    said = {"nom": NEW, "raison": WHY}
    checked = await claire.send(path, step="check", key="abcd1234", **said)
    assert [unescape(dd) for dd in read(checked, language).texts["dd"]] == [
        HOLDER,
        OLD,
        NEW,
        WHY,
    ]
    assert (await portal.office.holder_of(HOLDER)).name == OLD
    for _ in range(2):
        done = await claire.send(path, step="send", key="abcd1234", **said)
        assert done.headers["location"] == f"{home}?fait=renamed"
    [line] = await lines(portal)
    assert (line.by, line.detail) == ("staff:claire", {})
    [letter] = await letters(portal)
    assert letter.ordered["corrected"] == "name"
    shown = await claire.go(f"{home}?fait=renamed")
    read(shown, language)
    text = unescape(shown.text)
    for told in (OLD, NEW, WHY, f'href="{home}/exemplaire"'):
        assert told in text
    undo = re.search(r'href="([^"]+/nom\?[^"]+)"', shown.text)
    assert undo
    assert "vesque" not in undo[1]  # an address is kept where no name belongs
    assert f'value="{OLD}"' in (await claire.go(unescape(undo[1]))).text
    back = {"nom": OLD, "raison": "C'était juste."}
    await claire.send(path, step="send", key="dcba4321", **back)
    assert (await portal.office.holder_of(HOLDER)).name == OLD
    await lines(portal, 2)
    # Only the last correction is there to be undone.
    assert len(re.findall(r"/nom\?", (await claire.go(home)).text)) == 1


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("", {"fr": "Écrivez le nom.", "en": "Write the name."}),
        ("A\nB", {"fr": "sur une seule ligne", "en": "on one line"}),
        ("x" * 201, {"fr": "200 caractères", "en": "200 characters"}),
        (OLD, {"fr": "déjà celui", "en": "already the one"}),
        # What nobody can see makes no other name.
        (f"\u202e\x00{OLD}\x07", {"fr": "déjà celui", "en": "already the one"}),
    ],
)
async def test_what_is_no_other_name_is_refused(
    portal: Doors, claire: Browser, name: str, fault: dict[str, str]
) -> None:
    await a_person(portal)
    for language in LANGUAGES:
        for step in ("check", "send"):
            path = f"/{language}/{PATH}"
            said = {"nom": name, "raison": WHY}
            page = await claire.send(path, step=step, key="abcd1234", **said)
            assert page.status_code == 422
            read(page, language)
            assert fault[language] in unescape(page.text)
        without = await claire.send(path, step="check", key="abcd1234", nom=NEW)
        assert 'href="#raison"' in without.text
    assert await portal.office.rows(FactRow) == []
    assert await portal.office.rows(WrittenText) == []


async def test_search_follows_and_temporal_learns_no_name(portal: Doors) -> None:
    await a_person(portal)
    assert await found(portal, "levesque") == [HOLDER]
    body = {"name": "Marguerite Ouellet", "text": "Un nom d'emprunt, dit-elle."}
    headers = {"Idempotency-Key": "abcd1234"}
    first = await portal.done(DOOR, "officer", body, headers=headers)
    again = await portal.done(DOOR, "officer", body, headers=headers)
    assert (first["new"], again["new"]) == (True, False)
    assert await found(portal, "levesque") == []
    assert await found(portal, "ouellet marg") == [HOLDER]
    await lines(portal)
    assert len(await letters(portal)) == 1
    story = story_of(portal.parts.client, HOLDER)
    history = (await story.fetch_history()).to_json()
    assert "name_corrected" in history
    for word in ("Ouellet", "Levesque", "emprunt"):
        assert word not in history


async def test_a_machine_is_refused_by_the_same_rules(portal: Doors) -> None:
    await a_person(portal)
    for name, code in (
        ("", "too_short"),
        ("x" * 201, "too_long"),
        ("A\nB", "bad_text"),
        ("A\x07B", "bad_text"),
    ):
        answer = await portal.post(DOOR, "officer", {"name": name, "text": WHY})
        assert answer.status_code == 422
        assert code in answer.text
    same = await portal.post(DOOR, "officer", {"name": OLD, "text": WHY})
    assert (same.status_code, same.json()["code"]) == (409, "nothing_to_correct")
    headers = {"Idempotency-Key": "abcd1234"}
    await portal.done(DOOR, "officer", {"name": NEW, "text": WHY}, headers=headers)
    other = {"name": "Une autre", "text": WHY}
    taken = await portal.post(DOOR, "officer", other, headers=headers)
    assert taken.json()["code"] == "key_already_used"
    assert (await portal.office.holder_of(HOLDER)).name == NEW
    unknown = DOOR.replace(HOLDER, "CAR202600000099")
    assert (await portal.post(unknown, "officer", other)).status_code == 404


async def test_a_certificate_printed_again_and_the_letter_bear_the_new_name(
    portal: Doors, tmp_path: Path
) -> None:
    await a_person(portal)
    async with a_worker(portal, tmp_path) as worker:
        editions = f"/api/v1/staff/dossiers/{HOLDER}/editions"
        await portal.done(editions, "officer", {"text": "Jamais imprimé."})
        assert await worker.send() == [Posted.ACCEPTED]
        await portal.done(DOOR, "officer", {"name": NEW, "text": WHY})
        await lines(portal)
        assert await worker.send() == [Posted.ACCEPTED]
        await portal.done(editions, "officer", {"text": "Nom corrigé."})
        assert await worker.send() == [Posted.ACCEPTED]
    copies = await portal.office.rows(DocumentRow)
    printed = {row.edition: facts_of(row.facts).holder_name for row in copies}
    assert printed == {1: OLD, 2: NEW}
    [letter] = await letters(portal)
    assert letter.body is not None
    for told in (NEW, WHY, "votre nom"):
        assert told in " ".join(letter.body.split())
    assert OLD not in letter.body


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_person_reads_it_in_each_of_their_dossiers_and_one_letter_leaves(
    portal: Doors, language: Language
) -> None:
    alex = Browser(portal)
    await alex.sign_in("personne", "alex")
    own = await an_open_dossier(alex)
    await a_person(portal)
    person = await portal.office.holder_of(own)
    old = person.name
    async with portal.parts.sessions.begin() as session:
        await session.execute(update(DossierRow).values(person_id=person.person_id))
    await portal.done(DOOR, "officer", {"name": NEW, "text": WHY})
    assert {line.dossier for line in await lines(portal, 2)} == {own, HOLDER}
    assert [letter.dossier for letter in await letters(portal)] == [HOLDER]
    says = {"fr": "L'Office a corrigé le nom.", "en": "The Office corrected the name."}
    for number in (own, HOLDER):
        page = await alex.go(f"/{language}/dossier/{number}")
        read(page, language)
        story = unescape(page.text).partition('class="folded"')[2]
        for sentence in (says[language], WHY):
            assert sentence in story
        assert NEW in unescape(page.text)
        assert old not in story
    await alex.close()
