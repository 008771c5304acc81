"""What is done on pages, done by a machine: the same rules, and codes for no."""

from typing import Any

import pytest
from sqlalchemy import select

from api.access import Role
from records.hands import HandRow
from records.models import Letter, TaskRow
from tests.api.doors import Doors
from tests.api.test_desk_hands import a_task
from tests.api.test_desk_resending import a_letter_that_came_back, becomes, copies
from tests.api.test_reminding_pages import a_holder_who_waits, reminders
from tests.dossiers import HOLDER

ME, DENIS = "dev-officer", "staff:denis"
WHY = {"text": "Elle dit n'avoir rien reçu."}


async def trail_of(doors: Doors, task: str) -> list[tuple[str, str | None]]:
    async with doors.parts.sessions() as session:
        rows = await session.scalars(
            select(HandRow).where(HandRow.task_id == task).order_by(HandRow.hand_id)
        )
        return [(row.what, row.after) for row in rows]


def hands(task: str, act: str) -> str:
    return f"/api/v1/staff/tasks/{task}/{act}"


async def refused(doors: Doors, path: str, body: Any = None) -> tuple[int, str]:
    answer = await doors.post(path, "officer", body)
    return answer.status_code, answer.json()["code"]


async def test_a_task_is_taken_given_back_and_given_each_change_noted(
    away: Doors,
) -> None:
    task = await a_task(away, "mail/1")
    await away.sit_down(Role.OFFICER, DENIS)
    taken = await away.done(hands(task, "take"), "officer", {})
    assert taken["holder"] == ME
    again = await away.done(hands(task, "take"), "officer", {})
    assert again == taken
    back = await away.done(hands(task, "give-back"), "officer")
    assert back["holder"] is None
    listed = await away.get("/api/v1/staff/officers", "officer")
    assert [each["account"] for each in listed["officers"]] == [DENIS]
    given = await away.done(hands(task, "give"), "officer", {"to": DENIS})
    assert given["holder"] == DENIS
    trail = [("taken", ME), ("given_back", None), ("given", DENIS)]
    assert await trail_of(away, task) == trail


async def test_who_is_too_late_changes_nothing(away: Doors) -> None:
    task = await a_task(away)
    await away.sit_down(Role.OFFICER, DENIS)
    await away.done(hands(task, "give"), "officer", {"to": DENIS})
    late = (409, "task_in_other_hands")
    assert await refused(away, hands(task, "take"), {}) == late
    assert await refused(away, hands(task, "give-back")) == late
    # Who says what they saw takes it over, as on the page.
    over = await away.done(hands(task, "take"), "officer", {"seen": DENIS})
    assert over["holder"] == ME


@pytest.mark.parametrize("to", [ME, "staff:nobody", "person:zoe"])
async def test_a_task_is_given_to_no_stranger(away: Doors, to: str) -> None:
    task = await a_task(away)
    answer = await refused(away, hands(task, "give"), {"to": to})
    assert answer == (422, "unknown_colleague")
    assert await trail_of(away, task) == []


@pytest.mark.parametrize(
    ("act", "body"), [("take", {}), ("give-back", None), ("give", {"to": DENIS})]
)
async def test_a_task_settled_or_unknown_changes_no_hands(
    away: Doors, act: str, body: Any
) -> None:
    task = await a_task(away)
    await away.sit_down(Role.OFFICER, DENIS)
    async with away.parts.sessions.begin() as session:
        row = await session.get_one(TaskRow, task)
        row.closed_at = row.opened_at
    unknown = (404, "unknown_task")
    assert await refused(away, hands(task, act), body) == unknown
    assert await refused(away, hands("no-such-task", act), body) == unknown


async def test_a_letter_that_came_back_is_sent_again_once_for_a_key(
    doors: Doors,
) -> None:
    _number, key = await a_letter_that_came_back(doors)
    path = f"/api/v1/staff/letters/{key}/copies"
    once = {"Idempotency-Key": "abcd1234"}
    for _ in range(2):
        taken = await doors.done(path, "officer", WHY, headers=once)
        assert taken["key"] == "abcd1234"
    assert len(await copies(doors)) == 1


async def test_a_letter_is_not_sent_again_without_a_reason_or_an_address(
    doors: Doors,
) -> None:
    number, key = await a_letter_that_came_back(doors)
    path = f"/api/v1/staff/letters/{key}/copies"
    assert await refused(doors, path, {"text": " "}) == (422, "invalid_request")
    holder = await doors.office.holder_of(number)
    async with doors.parts.sessions.begin() as session:
        (await session.merge(holder)).email = ""
    assert await refused(doors, path, WHY) == (409, "no_address_on_file")
    await becomes(doors, key, "sending")
    assert await refused(doors, path, WHY) == (409, "letter_on_its_way")
    nowhere = "/api/v1/staff/letters/no-such-letter/copies"
    assert await refused(doors, nowhere, WHY) == (404, "not_found")
    assert [row.key for row in await doors.office.rows(Letter) if row.key != key] == []


async def test_a_silent_agency_is_reminded_once_in_a_while(doors: Doors) -> None:
    await a_holder_who_waits(doors, asked_days_ago=8)
    path = f"/api/v1/dossiers/{HOLDER}/links/link-1/reminder"
    taken = await doors.done(path, "representative")
    assert taken["link_id"] == "link-1"
    assert await reminders(doors) == 1
    again = await doors.post(path, "representative")
    assert (again.status_code, again.json()["code"]) == (409, "reminded_lately")
    other = path.replace("link-1", "no-such-link")
    unknown = await doors.post(other, "representative")
    assert unknown.json()["code"] == "unknown_link"


async def test_their_bodies_are_shown_by_an_example(away: Doors) -> None:
    described = (await away.ask("GET", "/api/openapi.json")).json()
    for name in ("TaskTaken", "TaskGiven", "SendingAgain"):
        assert described["components"]["schemas"][name]["examples"], name
