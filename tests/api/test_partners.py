"""What agencies, the exam body and the register tell: kept, then heard."""

from datetime import timedelta
from typing import Any

import pytest

from records.models import Agency, FactRow
from tests.api.doors import PERMIT, Doors
from tests.dossiers import a_newcomer

NUMBER = a_newcomer().number


async def a_link_asked_for(doors: Doors) -> str:
    number, permit = await doors.a_dossier(), await doors.an_agency()
    return await doors.a_link(number, permit)


async def test_an_agency_confirms_ends_and_is_heard(doors: Doors) -> None:
    link_id = await a_link_asked_for(doors)
    number = link_id.partition("-")[0]
    today = str(doors.today)
    path = f"/api/v1/links/{link_id}"
    kept = await doors.done(f"{path}/confirmation", "agency", {"since": today})
    assert (kept["new"], kept["delivered"]) == (True, True)
    (link,) = (await doors.heard(number))["dossier"]["links"]
    assert link["since"] == today
    until = str(doors.today + timedelta(days=10))
    await doors.done(f"{path}/end", "agency", {"until": until})
    (link,) = (await doors.heard(number))["dossier"]["links"]
    assert link["until"] == until


async def test_an_agency_refuses_a_link_once_and_for_all(doors: Doors) -> None:
    link_id = await a_link_asked_for(doors)
    number = link_id.partition("-")[0]
    first = await doors.done(f"/api/v1/links/{link_id}/refusal", "agency")
    again = await doors.done(f"/api/v1/links/{link_id}/refusal", "agency")
    assert (first["new"], again["new"]) == (True, False)
    (link,) = (await doors.heard(number))["dossier"]["links"]
    assert link["refused_on"] == str(doors.today)


async def test_a_confirmation_told_twice_is_kept_once(doors: Doors) -> None:
    link_id = await a_link_asked_for(doors)
    path, body = f"/api/v1/links/{link_id}/confirmation", {"since": str(doors.today)}
    first = await doors.done(path, "agency", body)
    again = await doors.done(path, "agency", body)
    assert first["fact_id"] == again["fact_id"]
    assert (first["new"], again["new"]) == (True, False)


@pytest.mark.parametrize(
    ("days", "code"),
    [(1, "date_in_the_future"), (-10_000, "absurd_date")],
    ids=["tomorrow", "before the regime"],
)
async def test_a_link_cannot_be_confirmed_from_an_impossible_day(
    doors: Doors, days: int, code: str
) -> None:
    link_id = await a_link_asked_for(doors)
    since = str(doors.today + timedelta(days=days))
    path = f"/api/v1/links/{link_id}/confirmation"
    answer = await doors.post(path, "agency", {"since": since})
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    if days > 0:
        assert str(doors.today) in answer.json()["detail"]


@pytest.mark.parametrize(
    ("days", "refused"), [(366, False), (367, True), (-10_000, True)]
)
async def test_an_end_is_announced_at_most_a_year_ahead(
    doors: Doors, days: int, refused: bool
) -> None:
    link_id = await a_link_asked_for(doors)
    until = str(doors.today + timedelta(days=days))
    answer = await doors.post(
        f"/api/v1/links/{link_id}/end", "agency", {"until": until}
    )
    assert (answer.status_code == 422) is refused


@pytest.mark.parametrize("act", ["confirmation", "end", "refusal"])
async def test_a_link_that_nobody_asked_for_is_unknown(away: Doors, act: str) -> None:
    day = str(away.today)
    body = {"confirmation": {"since": day}, "end": {"until": day}, "refusal": None}
    answer = await away.post(f"/api/v1/links/nowhere/{act}", "agency", body[act])
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_link")


async def test_an_exam_result_reaches_its_dossier_once(doors: Doors) -> None:
    number = await doors.a_dossier()
    told = {
        "dossier": number,
        "result_id": "r-1",
        "passed_on": str(doors.today - timedelta(days=3)),
    }
    first = await doors.done("/api/v1/exam-results", "exam_body", told)
    again = await doors.done("/api/v1/exam-results", "exam_body", told)
    assert (first["new"], again["new"]) == (True, False)
    state = await doors.heard(number)
    assert state["dossier"]["exam"]["passed_on"] == told["passed_on"]


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"days": 1}, 422, "date_in_the_future"),
        ({"days": -10_000}, 422, "absurd_date"),
        ({"dossier": "CAR202600000009"}, 404, "unknown_dossier"),
        ({"dossier": "CCV202600000001"}, 422, "invalid_request"),
        ({"passed_on": "2026-02-30"}, 422, "invalid_request"),
        ({"passed_on": 0}, 422, "invalid_request"),
        ({"passed_on": "2026-11-02T00:00:00"}, 422, "invalid_request"),
        ({"result_id": ""}, 422, "invalid_request"),
    ],
    ids=str,
)
async def test_an_impossible_exam_result_is_refused_and_not_kept(
    away: Doors, changes: dict[str, Any], status: int, code: str
) -> None:
    await away.office.place(a_newcomer(away.today))
    day = away.today + timedelta(days=changes.pop("days", -1))
    told = {"dossier": NUMBER, "result_id": "r-1", "passed_on": str(day)} | changes
    answer = await away.post("/api/v1/exam-results", "exam_body", told)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await away.office.rows(FactRow) == []


async def test_a_result_of_another_dossier_is_refused(away: Doors) -> None:
    await away.office.place(a_newcomer(away.today))
    other = "CAR202600000003"
    await away.office.place(a_newcomer(away.today, number=other))  # type: ignore[arg-type] # a literal
    told = {"dossier": NUMBER, "result_id": "r-1", "passed_on": str(away.today)}
    await away.done("/api/v1/exam-results", "exam_body", told)
    answer = await away.post(
        "/api/v1/exam-results", "exam_body", told | {"dossier": other}
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "fact_contradicted")


async def test_a_permit_change_is_told_to_each_dossier_with_a_link(
    doors: Doors,
) -> None:
    link_id = await a_link_asked_for(doors)
    number = link_id.partition("-")[0]
    bystander = await doors.a_dossier()
    change = {"valid": False, "effective_on": str(doors.today)}
    told = await doors.done(f"/api/v1/permits/{PERMIT}/changes", "register", change)
    assert (told["dossiers_told"], told["delivered"]) == (1, True)
    state = await doors.heard(number)
    (heard,) = state["dossier"]["permit_changes"]
    assert heard["valid"] is False
    untouched = await doors.get(f"/api/v1/dossiers/{bystander}")
    assert untouched["dossier"]["permit_changes"] == []
    agency = await doors.office.one(Agency, PERMIT)
    assert agency.permit_valid is False


async def test_an_older_permit_change_told_late_does_not_undo_a_newer_one(
    away: Doors,
) -> None:
    await away.an_agency()
    path = f"/api/v1/permits/{PERMIT}/changes"
    older = str(away.today - timedelta(days=5))
    for valid, day in ((True, str(away.today)), (False, older)):
        change = {"valid": valid, "effective_on": day}
        await away.done(path, "register", change)
    agency = await away.office.one(Agency, PERMIT)
    assert (agency.permit_valid, agency.permit_changed_on) == (True, away.today)


@pytest.mark.parametrize(
    ("permit", "days", "status", "code"),
    [
        ("AR-9999", 0, 404, "unknown_permit"),
        ("%2A", 0, 422, "invalid_request"),
        (PERMIT, 367, 422, "absurd_date"),
        (PERMIT, -10_000, 422, "absurd_date"),
    ],
)
async def test_an_impossible_permit_change_is_refused(
    away: Doors, permit: str, days: int, status: int, code: str
) -> None:
    await away.an_agency()
    day = str(away.today + timedelta(days=days))
    change = {"valid": False, "effective_on": day}
    answer = await away.post(f"/api/v1/permits/{permit}/changes", "register", change)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await away.office.one(Agency, PERMIT)).permit_valid


async def test_a_fact_for_a_closed_dossier_is_kept_and_given_to_a_person(
    doors: Doors,
) -> None:
    number = await doors.a_dossier()
    await doors.done(
        f"/api/v1/dossiers/{number}/cancellation", "representative", {"text": "Fini."}
    )
    await doors.an_exam(number)
    state = await doors.heard(number, role="officer")
    assert [t["reason"] for t in state["dossier"]["tasks"]] == [
        "fact_for_closed_dossier"
    ]
