"""Who has a task: taken, given back, given to a colleague; each change is noted."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import date
from html import unescape
from urllib.parse import quote

import httpx2
import pytest
from sqlalchemy import delete, select
from sqlalchemy.exc import DBAPIError

from api.language import Language
from letters.wording import LANGUAGES
from records.hands import HandRow
from records.models import TaskRow
from records.queries import timeline_of
from records.timeline import verify_timeline
from tests.api.doors import Doors
from tests.api.providers import Browser
from tests.api.reading import read
from tests.api.test_desk_pages import (
    a_request_for_a_person,
    decided,
    signed_in,
    the_task,
)
from tests.dossiers import noon

CLAIRE, DENIS = "staff:claire", "staff:denis"


@pytest.fixture
async def claire(portal: Doors) -> AsyncIterator[Browser]:
    browser = await signed_in(portal, "claire")
    yield browser
    await browser.close()


@pytest.fixture
async def denis(portal: Doors) -> AsyncIterator[Browser]:
    browser = await signed_in(portal, "denis")
    yield browser
    await browser.close()


async def a_task(portal: Doors, name: str = "mail:1") -> str:
    """Open a task that belongs to no dossier."""
    due_on = date(2026, 12, 1)
    await portal.office.add(
        TaskRow(
            task_id=name, reason="mail_unmatched", due_on=due_on, opened_at=noon(due_on)
        )
    )
    return name


async def takes(browser: Browser, task: str, seen: str = "") -> httpx2.Response:
    return await browser.send(
        f"/fr/bureau/mains/{quote(task)}", acte="prendre", vu=seen
    )


async def gives_back(browser: Browser, task: str) -> httpx2.Response:
    return await browser.send(f"/fr/bureau/mains/{quote(task)}", acte="rendre")


async def gives(
    browser: Browser, task: str, to: str, *, seen: str = "", step: str = "send"
) -> httpx2.Response:
    said = {"step": step, "key": "abcd1234", "a": to, "vu": seen}
    return await browser.send(f"/fr/bureau/confier/{quote(task)}", **said)


async def holder_of(portal: Doors, task: str) -> str | None:
    async with portal.parts.sessions() as session:
        return (await session.get_one(TaskRow, task)).holder


async def trail_of(portal: Doors, task: str) -> list[tuple[str, str]]:
    async with portal.parts.sessions() as session:
        rows = await session.scalars(
            select(HandRow).where(HandRow.task_id == task).order_by(HandRow.hand_id)
        )
        return [(row.what, row.by) for row in rows]


async def shown_to(browser: Browser, whose: str, language: Language = "fr") -> str:
    return unescape((await browser.go(f"/{language}/bureau?qui={whose}")).text)


async def test_a_task_is_taken_given_back_and_given_and_each_change_is_noted(
    portal: Doors, claire: Browser, denis: Browser
) -> None:
    task = await a_task(portal)
    taken = await takes(claire, task)
    assert taken.headers["location"].endswith("?mains=taken")
    read(await claire.go(taken.headers["location"]), "fr")
    assert await holder_of(portal, task) == CLAIRE
    await gives_back(claire, task)
    assert await holder_of(portal, task) is None
    asked = await gives(claire, task, DENIS, step="check")
    assert "file, sous" in unescape(asked.text)
    await gives(claire, task, DENIS)
    assert await holder_of(portal, task) == DENIS
    assert await trail_of(portal, task) == [
        ("taken", CLAIRE),
        ("given_back", CLAIRE),
        ("given", CLAIRE),
    ]
    page = unescape((await denis.go(f"/fr/bureau/tache/{task}")).text)
    assert "Tâche confiée à" in page


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_queue_shows_mine_nobodys_and_all(
    portal: Doors, claire: Browser, denis: Browser, language: Language
) -> None:
    for name in ("mail:hers", "mail:his", "mail:nobodys"):
        await a_task(portal, name)
    await takes(claire, "mail:hers")
    await takes(denis, "mail:his")
    for whose, names in {
        "moi": {"hers"},
        "personne": {"nobodys"},
        "tous": {"hers", "his", "nobodys"},
        "nonsense": {"hers", "his", "nobodys"},
    }.items():
        page = await shown_to(claire, whose, language)
        found = set(re.findall(r'href="[^"]+tache/mail(?:%3A|:)(\w+)', page))
        assert found == names, whose
    read(await claire.go(f"/{language}/bureau?qui=moi"), language)


async def test_of_two_who_take_at_once_one_wins_and_the_other_is_told_who(
    portal: Doors, claire: Browser, denis: Browser
) -> None:
    task = await a_task(portal)
    answers = await asyncio.gather(takes(claire, task), takes(denis, task))
    said = [answer.headers["location"].rpartition("=")[2] for answer in answers]
    assert sorted(said) == ["taken", "too_late"]
    winner = (CLAIRE, DENIS)[said.index("taken")]
    assert await holder_of(portal, task) == winner
    assert await trail_of(portal, task) == [("taken", winner)]
    late = said.index("too_late")
    page = await (claire, denis)[late].go(answers[late].headers["location"])
    name = ("Claire", "Denis")[said.index("taken")]
    assert re.search(rf"{name}[^.]* a pris la tâche avant vous", unescape(page.text))


async def test_a_form_sent_twice_changes_hands_once(
    portal: Doors, claire: Browser
) -> None:
    task = await a_task(portal)
    for _ in range(2):
        assert (await takes(claire, task)).headers["location"].endswith("=taken")
    assert await trail_of(portal, task) == [("taken", CLAIRE)]
    for _ in range(2):
        await gives_back(claire, task)
    assert await trail_of(portal, task) == [("taken", CLAIRE), ("given_back", CLAIRE)]


async def test_a_task_is_given_only_to_an_officer_known_here(
    portal: Doors, claire: Browser, denis: Browser
) -> None:
    del denis  # has signed in, and is known by that
    task = await a_task(portal)
    for stranger in ("", "person:nadia", "staff:nobody", CLAIRE):
        answer = await gives(claire, task, stranger, step="check")
        assert answer.status_code == 422, stranger
        assert "Choisissez un collègue" in answer.text
    form = unescape((await claire.go(f"/fr/bureau/confier/{task}")).text)
    assert f'value="{DENIS}"' in form
    assert f'value="{CLAIRE}"' not in form


async def test_what_a_colleague_has_is_taken_over_only_by_who_saw_it(
    portal: Doors, claire: Browser, denis: Browser
) -> None:
    task = await a_task(portal)
    await takes(claire, task)
    assert (await takes(denis, task)).headers["location"].endswith("=too_late")
    # Nobody gives back what is not theirs.
    assert (await gives_back(denis, task)).headers["location"].endswith("=too_late")
    await takes(denis, task, seen=CLAIRE)
    assert await holder_of(portal, task) == DENIS


async def test_another_may_decide_and_it_is_said(
    portal: Doors, claire: Browser, denis: Browser
) -> None:
    number = await a_request_for_a_person(portal)
    task = await the_task(claire)
    name = unescape(httpx2.URL(task).path).removeprefix("/fr/bureau/tache/")
    await takes(claire, name)
    before = unescape((await denis.go(task)).text)
    assert "Vous pouvez décider à sa place" in before
    checked = await decided(denis, task, "intend_to_refuse", step="check")
    assert "Vous décidez à sa place" in unescape(checked.text)
    assert (await decided(denis, task, "intend_to_refuse")).status_code == 303
    assert await trail_of(portal, name) == [("taken", CLAIRE), ("decided", DENIS)]
    async with portal.parts.sessions() as session:
        assert await verify_timeline(session, number) is None
        lines = await timeline_of(session, number, after=0, limit=100)
    hands = [(e.what, e.by) for e in lines if e.what in {"task_taken", "task_decided"}]
    assert hands == [("task_taken", CLAIRE), ("task_decided", DENIS)]
    told = await portal.get(f"/api/v1/dossiers/{number}/timeline", "representative")
    assert not [e for e in told["entries"] if e["what"].startswith("task_")]
    dossier = unescape((await claire.go(f"/fr/bureau/dossier/{number}")).text)
    assert "Tâche décidée à la place d'un collègue" in dossier
    assert re.search("Tâche décidée à la place de Claire", dossier)


async def test_hands_do_not_loosen_four_eyes(
    portal: Doors, claire: Browser, denis: Browser
) -> None:
    await a_request_for_a_person(portal)
    task = await the_task(claire)
    name = unescape(httpx2.URL(task).path).removeprefix("/fr/bureau/tache/")
    assert (await decided(denis, task, "intend_to_refuse")).status_code == 303
    await gives(claire, name, DENIS)
    assert await holder_of(portal, name) == DENIS
    again = await decided(denis, task, "refuse", step="check", key="dcba4321")
    assert again.status_code == 422
    assert "Vous avez donné l'avis" in unescape(again.text)


async def test_a_settled_task_stays_where_it_is(portal: Doors, claire: Browser) -> None:
    task = await a_task(portal)
    await decided(claire, f"/fr/bureau/tache/{task}", "settle")
    assert (
        (await takes(claire, task))
        .headers["location"]
        .endswith(f"/tache/{quote(task)}")
    )
    assert await holder_of(portal, task) is None
    page = await claire.go(f"/fr/bureau/confier/{task}")
    assert "Cette tâche est réglée" in unescape(page.text)
    assert (await takes(claire, "no-such-task")).status_code == 404


async def test_the_trail_is_never_changed(portal: Doors, claire: Browser) -> None:
    await takes(claire, await a_task(portal))
    with pytest.raises(DBAPIError):
        async with portal.parts.sessions.begin() as session:
            await session.execute(delete(HandRow))
