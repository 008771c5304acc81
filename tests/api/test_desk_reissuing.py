"""A certificate is printed again from the desk: for a reason, while its term runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from sqlalchemy import update

from activities.issuing import Issuing
from api.language import Language
from letters.wording import LANGUAGES
from records.documents import copies_of
from records.models import DocumentRow, Letter, Person, TaskRow, TimelineEntry
from rules.dossier import Dossier, Term
from tests.activities.attempt import a_post
from tests.activities.certifying import certify, make_key, settings_with_a_key
from tests.activities.office import run
from tests.activities.posting import sending
from tests.api.doors import Doors
from tests.api.knocking import Visitor, furnish
from tests.api.providers import Browser
from tests.api.reading import read
from tests.api.test_desk_pages import signed_in
from tests.documents.reading import opened, squeezed
from tests.dossiers import HOLDER, a_holder
from tests.letters.relay import ScriptedRelay
from workflows.messages import LetterOrder, Posted

WHY = "Votre nom était mal écrit."
PATH = f"bureau/dossier/{HOLDER}/exemplaire"
EDITIONS = f"/api/v1/staff/dossiers/{HOLDER}/editions"


@pytest.fixture
async def claire(portal: Doors) -> AsyncIterator[Browser]:
    browser = await signed_in(portal, "claire")
    yield browser
    await browser.close()


async def a_certificate(doors: Doors, *, days_left: int = 300) -> Dossier:
    """Place a holder whose certificate was never printed."""
    holder = a_holder(echeance=doors.today + timedelta(days=days_left))
    await doors.office.place(holder, "Elise Lévesque")
    await certify(doors.office, holder)
    return holder


@asynccontextmanager
async def a_worker(doors: Doors, folder: Path) -> AsyncIterator["Worker"]:
    settings = settings_with_a_key(doors.office.url, make_key(folder))
    async with ScriptedRelay() as relay, doors.office.opened:
        issuing = Issuing(doors.office.sessions, settings)
        yield Worker(doors, sending(doors.office, a_post(relay.port), issuing))


class Worker:
    """Sends what waits, as the worker of the mail queue does."""

    def __init__(self, doors: Doors, letters: Any) -> None:
        self._doors, self._letters = doors, letters

    async def send(self) -> list[Posted]:
        waiting = [x for x in await self._doors.office.rows(Letter) if x.fence == 0]
        orders = [LetterOrder.model_validate(x.ordered) for x in waiting]
        return [await run(self._letters.send_letter, order) for order in orders]


async def asked(
    browser: Browser, *, step: str = "send", why: str = WHY, **said: str
) -> httpx2.Response:
    said = {"key": "abcd1234", "raison": why, **said}
    return await browser.send(f"/fr/{PATH}", step=step, **said)


async def orders(doors: Doors) -> list[Letter]:
    rows = await doors.office.rows(Letter)
    return [row for row in rows if row.notice == "certificate_reissued"]


async def renamed(doors: Doors, name: str) -> None:
    async with doors.parts.sessions.begin() as session:
        await session.execute(update(Person).values(name=name))


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_certificate_is_printed_again_for_a_reason(
    portal: Doors, claire: Browser, tmp_path: Path, language: Language
) -> None:
    holder = await a_certificate(portal)
    home, path = f"/{language}/bureau/dossier/{HOLDER}", f"/{language}/{PATH}"
    before = await portal.ask("GET", f"/api/v1/verification/{HOLDER}")
    assert f'href="{path}"' in (await claire.go(home)).text
    read(await claire.go(path), language)
    without = await asked(claire, step="check", why=" ")
    assert without.status_code == 422
    assert "Écrivez la raison" in without.text
    checked = await asked(claire, step="check")
    read(checked, "fr")
    said = unescape(checked.text)
    assert "Elise Lévesque" in said
    assert WHY in said
    assert "No 1 : aucun fichier" in said.replace("\N{NO-BREAK SPACE}", " ")
    assert not await orders(portal)
    done = await asked(claire)
    assert done.headers["location"] == f"/fr/bureau/dossier/{HOLDER}?fait=reissued"
    [letter] = await orders(portal)
    assert letter.ordered["term_start"] == str(holder.terms[-1].start)
    lines = await portal.office.rows(TimelineEntry)
    [line] = [each for each in lines if each.what == "certificate_reissued"]
    assert line.by == "staff:claire"
    async with a_worker(portal, tmp_path) as worker:
        assert await worker.send() == [Posted.ACCEPTED]
        again = await claire.send(path, step="send", key="dcba4321", raison="Perdu.")
        assert again.status_code == 303
        assert await worker.send() == [Posted.ACCEPTED]
    for page in (f"{home}?fait=reissued", f"/{language}/dossier/{HOLDER}/certificat"):
        shown = await claire.go(page)
        read(shown, language)
        assert "Perdu." in unescape(shown.text)
    file = await claire.go(f"/{language}/dossier/{HOLDER}/certificat.pdf")
    told = squeezed(opened(file.content).text())
    assert squeezed(": il remplace le précédent") in told
    after = await portal.ask("GET", f"/api/v1/verification/{HOLDER}")
    assert after.json()["status"] == before.json()["status"] == "valid"


async def test_what_is_printed_a_second_time_is_said_before_it_is(
    portal: Doors, claire: Browser, tmp_path: Path
) -> None:
    await a_certificate(portal)
    async with a_worker(portal, tmp_path) as worker:
        await asked(claire)
        await worker.send()
    checked = unescape((await asked(claire, step="check", key="dcba4321")).text)
    assert "No 2 : il remplacera" in checked.replace("\N{NO-BREAK SPACE}", " ")
    assert "dit déjà la même chose" in checked
    await renamed(portal, "Élise Lévesque-Roy")
    checked = unescape((await asked(claire, step="check", key="dcba4321")).text)
    assert "Élise Lévesque-Roy" in checked
    assert "dit déjà la même chose" not in checked


async def test_pressed_twice_it_is_one_order(portal: Doors, claire: Browser) -> None:
    await a_certificate(portal)
    for _ in range(2):
        assert (await asked(claire)).status_code == 303
    assert len(await orders(portal)) == 1


async def test_a_name_no_font_can_show_is_told_before_anything_is_ordered(
    portal: Doors, claire: Browser
) -> None:
    await a_certificate(portal)
    await renamed(portal, "𒀀𒀁")
    for step in ("check", "send"):
        refused = await asked(claire, step=step)
        assert refused.status_code == 422
        assert "aucune police ne montre" in unescape(refused.text)
    machine = await portal.post(EDITIONS, "officer", {"text": WHY})
    assert (machine.status_code, machine.json()["code"]) == (409, "name_not_printable")
    assert not await orders(portal)


async def test_a_certificate_that_has_ended_is_not_printed_again(
    portal: Doors, claire: Browser
) -> None:
    await a_certificate(portal, days_left=0)
    machine = await portal.post(EDITIONS, "officer", {"text": WHY})
    assert (machine.status_code, machine.json()["code"]) == (
        409,
        "no_certificate_in_term",
    )
    page = await claire.go(f"/fr/{PATH}")
    assert "n'est pas imprimé de nouveau" in unescape(page.text)
    assert 'name="raison"' not in page.text
    assert PATH not in (await claire.go(f"/fr/bureau/dossier/{HOLDER}")).text
    refused = await asked(claire)
    assert refused.status_code == 422
    assert "n'est pas imprimé de nouveau" in unescape(refused.text)
    assert not await orders(portal)


async def test_of_two_certificates_in_their_terms_one_is_chosen(
    portal: Doors, claire: Browser
) -> None:
    present, *_ = (await a_certificate(portal)).terms
    to_come = Term(present.echeance, present.echeance + timedelta(days=730))
    holder = a_holder(echeance=present.echeance)
    await portal.office.restate(holder, terms=(present, to_come))
    page = await claire.go(f"/fr/{PATH}")
    read(page, "fr")
    assert page.text.count('type="radio"') == 2
    without = await asked(claire, step="check")
    assert "Choisissez un certificat" in without.text
    assert (await asked(claire, certificat=str(present.start))).status_code == 303
    [letter] = await orders(portal)
    assert letter.ordered["term_start"] == str(present.start)
    # A machine that names none has the last one.
    await portal.done(EDITIONS, "officer", {"text": WHY})
    starts = {row.ordered["term_start"] for row in await orders(portal)}
    assert starts == {str(present.start), str(to_come.start)}


async def test_the_task_of_one_that_could_not_be_printed_leads_to_it_and_is_settled(
    portal: Doors, claire: Browser, tmp_path: Path
) -> None:
    term = (await a_certificate(portal)).terms[-1]
    await renamed(portal, "𒀀𒀁")
    order = LetterOrder(
        key=f"{HOLDER}/{term.echeance}/renewed",
        dossier=HOLDER,
        notice="renewed",
        occurred_at=(await portal.office.holder_of(HOLDER)).created_at,
        echeance=term.echeance,
    )
    async with a_worker(portal, tmp_path) as worker:
        await portal.office.add(
            Letter(
                key=order.key,
                dossier=HOLDER,
                notice=order.notice,
                ordered=order.model_dump(mode="json"),
                occurred_at=order.occurred_at,
            )
        )
        await worker.send()
        [task] = await portal.office.rows(TaskRow)
        assert task.reason == "certificate_not_printed"
        page = await claire.go(f"/fr/bureau/tache/{quote(task.task_id)}")
        for where in (PATH, PATH.replace("/exemplaire", "/nom")):
            assert f'href="/fr/{where}"' in page.text
        await renamed(portal, "Elise Lévesque")
        await portal.done(EDITIONS, "officer", {"text": WHY})
        await worker.send()
    [task] = await portal.office.rows(TaskRow)
    assert task.closed_at is not None
    assert len(await portal.office.rows(DocumentRow)) == 1
    page = await claire.go(f"/fr/bureau/tache/{quote(task.task_id)}")
    assert PATH not in page.text


async def test_a_machine_has_it_printed_by_the_same_rules_once_for_a_key(
    portal: Doors,
) -> None:
    holder = await a_certificate(portal)
    body = {"text": WHY, "term_start": str(holder.terms[-1].start)}
    headers = {"Idempotency-Key": "abcd1234"}
    for _ in range(2):
        taken = await portal.done(EDITIONS, "officer", body, headers=headers)
        assert taken["state"]["phase"] == "in_force"
    assert len(await orders(portal)) == 1
    other = await portal.post(EDITIONS, "officer", body | {"term_start": "2020-01-01"})
    assert other.json()["code"] == "no_certificate_in_term"
    unknown = EDITIONS.replace(HOLDER, "CAR202600000099")
    assert (await portal.post(unknown, "officer", body)).status_code == 404


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_person_sees_which_copy_to_keep_why_and_what_was_replaced(
    lobby: Doors, language: Language
) -> None:
    await furnish(lobby)
    [first] = await lobby.office.rows(DocumentRow)
    await lobby.office.add(
        DocumentRow(
            certificate=HOLDER,
            term_start=first.term_start,
            edition=2,
            kind=first.kind,
            language="fr",
            issued_at=first.issued_at + timedelta(days=9),
            reason="Le nom <corrigé>.",
            sha256="1" * 64,
            facts=first.facts | {"edition": 2},
            pdf=b"%PDF-2",
        )
    )
    nadia, home = Visitor(lobby, "its person"), f"/{language}/dossier/{HOLDER}"
    page = await nadia.ask("GET", home)
    read(page, language)
    says = {
        "fr": ("Remplacé : à ne plus utiliser.", "À garder : il remplace"),
        "en": ("Replaced: not to be used any more.", "To be kept: it replaces"),
    }
    text = unescape(page.text).replace("\N{NO-BREAK SPACE}", " ")
    for sentence in (*says[language], "Le nom <corrigé>."):
        assert sentence in text
    # Of a term only the newest copy can be opened.
    query = f"?debut={first.term_start}"
    assert page.text.count(f"{home}/certificat.pdf{query}") == 1
    shown = await nadia.ask("GET", f"{home}/certificat{query}")
    read(shown, language)
    assert "Le nom <corrigé>." in unescape(shown.text)
    # Who reads English is told why the certificate is in French.
    told_why = "the language in which the Office writes to you" in shown.text
    assert told_why is (language == "en")
    for address in (f"{home}/certificat.pdf", f"{home}/certificat.pdf{query}"):
        assert (await nadia.ask("GET", address)).content == b"%PDF-2"
    for none in ("2001-01-01", "x"):
        gone = await nadia.ask("GET", f"{home}/certificat.pdf?debut={none}")
        assert gone.status_code == 404
    async with lobby.office.sessions() as session:
        copies = await copies_of(session, HOLDER)
    assert [(copy.edition, copy.newest) for copy in copies] == [(2, True), (1, False)]
