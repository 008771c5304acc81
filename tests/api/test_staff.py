"""What officers see and do."""

from datetime import date, timedelta
from typing import Any

import pytest

from records.models import DecisionRow, TaskRow, WrittenText
from rules.numbers import DossierNumber
from tests.api.doors import Doors
from tests.dossiers import HOLDER, NEWCOMER, RIVAL, a_holder, a_newcomer, noon

LIST, TASKS = "/api/v1/staff/dossiers", "/api/v1/staff/tasks"
UNKNOWN = "CAR202600000009"


async def three_dossiers(away: Doors) -> None:
    """Nadia holds a certificate, Zoé and Marc have just come."""
    await away.office.place(a_holder(date(2030, 12, 10)), person="Nadia Côté")
    await away.office.place(a_newcomer(), person="Zoé L'Écuyer")
    await away.office.place(a_newcomer(number=RIVAL), person="Marc Roy")


async def numbers_of(away: Doors, **params: str) -> list[str]:
    page = await away.get(LIST, "officer", params=params)
    return [line["number"] for line in page["dossiers"]]


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, [HOLDER, NEWCOMER, RIVAL]),
        ({"phase": "exam_awaited"}, [NEWCOMER, RIVAL]),
        ({"phase": "closed"}, []),
        ({"needs_staff": "true"}, []),
        ({"needs_staff": "false"}, [HOLDER, NEWCOMER, RIVAL]),
        ({"echeance_before": "2030-12-11"}, [HOLDER]),
        ({"echeance_before": "2030-12-10"}, []),
        ({"search": "ecuyer"}, [NEWCOMER]),
        ({"search": "CÔTÉ"}, [HOLDER]),
        ({"search": "car 2024"}, [HOLDER]),
        ({"search": "CAR2026-0000"}, [NEWCOMER, RIVAL]),
        ({"search": "%"}, []),
        ({"search": "_"}, []),
        ({"search": "' OR 1=1 --"}, []),
        ({"phase": "exam_awaited", "search": "marc"}, [RIVAL]),
    ],
    ids=str,
)
async def test_dossiers_are_found_by_what_they_are(
    away: Doors, params: dict[str, str], expected: list[str]
) -> None:
    await three_dossiers(away)
    assert await numbers_of(away, **params) == expected


async def test_a_list_is_read_page_by_page_without_gap_or_repetition(
    away: Doors,
) -> None:
    await three_dossiers(away)
    first = await away.get(LIST, "officer", params={"limit": "2"})
    assert [line["name"] for line in first["dossiers"]] == [
        "Nadia Côté",
        "Zoé L'Écuyer",
    ]
    cursor = first["next_cursor"]
    last = await away.get(LIST, "officer", params={"limit": "2", "cursor": cursor})
    assert [line["number"] for line in last["dossiers"]] == [RIVAL]
    assert last["next_cursor"] is None
    exact = await away.get(LIST, "officer", params={"limit": "3"})
    assert exact["next_cursor"] is None


@pytest.mark.parametrize(
    ("path", "params", "parameter"),
    [
        (LIST, {"limit": "0"}, "limit"),
        (LIST, {"limit": "201"}, "limit"),
        (LIST, {"limit": "many"}, "limit"),
        (LIST, {"phase": "asleep"}, "phase"),
        (LIST, {"echeance_before": "tomorrow"}, "echeance_before"),
        (LIST, {"search": "a\u0000"}, "search"),
        (TASKS, {"limit": "-1"}, "limit"),
    ],
    ids=str,
)
async def test_a_filter_that_makes_no_sense_is_refused(
    away: Doors, path: str, params: dict[str, str], parameter: str
) -> None:
    answer = await away.ask("GET", path, "officer", params=params)
    assert answer.status_code == 422
    (fault,) = answer.json()["errors"]
    assert (fault["in"], fault["parameter"]) == ("query", parameter)


@pytest.mark.parametrize("path", [LIST, TASKS])
@pytest.mark.parametrize("cursor", ["é", "AAAA", "eA==", "MjAyNi0xMy0wMSBhAA=="])
async def test_a_cursor_of_another_list_is_refused(
    away: Doors, path: str, cursor: str
) -> None:
    answer = await away.ask("GET", path, "officer", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_cursor")


def a_task(name: str, due_on: date) -> TaskRow:
    return TaskRow(
        task_id=name, reason="mail_unmatched", due_on=due_on, opened_at=noon(due_on)
    )


async def test_the_most_urgent_task_comes_first_and_none_is_skipped(
    away: Doors,
) -> None:
    day = away.today
    tomorrow = day + timedelta(days=1)
    await away.office.add(
        a_task("mail/c", tomorrow), a_task("mail b", day), a_task("mail a", day)
    )
    seen: list[str] = []
    params: dict[str, str] = {"limit": "1"}
    while True:
        page = await away.get(TASKS, "officer", params=params)
        seen += [task["task_id"] for task in page["tasks"]]
        if page["next_cursor"] is None:
            break
        params = {"limit": "1", "cursor": page["next_cursor"]}
    assert seen == ["mail a", "mail b", "mail/c"]


async def test_a_task_without_dossier_is_settled_once_with_a_reason(
    away: Doors,
) -> None:
    await away.office.add(a_task("mail/unmatched:1", away.today))
    path = f"{TASKS}/mail%2Funmatched%3A1/decision"
    body = {"decision": "settle", "text": "Réponse donnée par téléphone."}
    settled = await away.done(path, "officer", body)
    assert settled["state"] is None
    row = await away.office.one(TaskRow, "mail/unmatched:1")
    assert row.closed_at is not None
    (text,) = await away.office.rows(WrittenText)
    assert (text.text, text.by) == (body["text"], "dev-officer")
    again = await away.post(path, "officer", body)
    assert (again.status_code, again.json()["code"]) == (404, "unknown_task")


@pytest.mark.parametrize("decision", ["refuse", "intend_to_refuse", "examine_again"])
async def test_a_task_without_dossier_can_only_be_settled(
    away: Doors, decision: str
) -> None:
    await away.office.add(a_task("mail1", away.today))
    body = {"decision": decision, "text": "Non."}
    answer = await away.post(f"{TASKS}/mail1/decision", "officer", body)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_for_this_task")
    assert (await away.office.one(TaskRow, "mail1")).closed_at is None
    assert await away.office.rows(WrittenText) == []


async def test_an_unknown_task_is_said_to_be_unknown(away: Doors) -> None:
    body = {"decision": "settle", "text": "Fait."}
    answer = await away.post(f"{TASKS}/nothing/decision", "officer", body)
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_task")


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"decision": "shrug"}, "/decision", "not_a_choice"),
        ({"decision": 1}, "/decision", "not_a_choice"),
        ({"text": ""}, "/text", "too_short"),
        ({"text": "a" * 10_001}, "/text", "too_long"),
        ({"by": "somebody"}, "/by", "unknown_field"),
    ],
    ids=str,
)
async def test_a_decision_is_one_of_the_four_with_a_text(
    away: Doors, changes: dict[str, Any], pointer: str, code: str
) -> None:
    body = {"decision": "settle", "text": "Fait."} | changes
    answer = await away.post(f"{TASKS}/mail1/decision", "officer", body)
    assert answer.status_code == 422
    (fault,) = answer.json()["errors"]
    assert (fault["pointer"], fault["code"]) == (pointer, code)


async def test_a_request_is_refused_by_a_person_only_after_notice(
    doors: Doors,
) -> None:
    number = await doors.a_dossier()
    await doors.done(
        f"/api/v1/dossiers/{number}/transfer-request",
        "representative",
        {"certificate": UNKNOWN},
    )
    (task,) = (await doors.get(TASKS, "officer"))["tasks"]
    assert task["reason"] == "transfer_unknown_certificate"
    listed = await doors.get(LIST, "officer", params={"needs_staff": "true"})
    assert [line["number"] for line in listed["dossiers"]] == [number]
    path = f"{TASKS}/{task['task_id']}/decision"
    early = await doors.post(path, "officer", {"decision": "refuse", "text": "Non."})
    assert (early.status_code, early.json()["code"]) == (409, "not_for_this_task")
    notice = {"decision": "intend_to_refuse", "text": "Certificat introuvable."}
    await doors.done(path, "officer", notice)
    no = {"decision": "refuse", "text": "Non."}
    too_soon = await doors.post(path, "second_officer", no)
    assert too_soon.json()["code"] == "observations_still_open"
    await doors.done(
        f"/api/v1/dossiers/{number}/observations",
        "representative",
        {"text": "Je l'ai retrouvé dans mes papiers."},
    )
    refused = {"decision": "refuse", "text": "Le numéro n'existe pas."}
    alone = await doors.post(path, "officer", refused)
    assert (alone.status_code, alone.json()["code"]) == (403, "same_officer")
    settled = await doors.done(path, "second_officer", refused)
    assert settled["state"]["phase"] == "exam_awaited"
    decisions = await doors.office.rows(DecisionRow)
    assert {d.decided for d in decisions} == {"intended_refusal", "refused"}
    assert {d.by for d in decisions} == {"dev-officer", "dev-second_officer"}


async def test_an_officer_corrects_a_date_with_a_reason(doors: Doors) -> None:
    number = await doors.a_dossier()
    await doors.an_exam(number, days_ago=30)
    await doors.heard(number)
    value = str(doors.today - timedelta(days=60))
    body = {"what": "exam_passed_on", "value": value, "text": "Erreur de saisie."}
    path = f"/api/v1/staff/dossiers/{number}/corrections"
    corrected = await doors.done(path, "officer", body)
    assert corrected["state"]["dossier"]["exam"]["passed_on"] == value
    again = await doors.post(path, "officer", body)
    assert (again.status_code, again.json()["code"]) == (409, "nothing_to_correct")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"what": "exam_passed_on", "value": "2999-01-01"}, 422, "absurd_date"),
        ({"what": "exam_passed_on", "value": "1999-01-01"}, 422, "absurd_date"),
        ({"what": "link_since", "value": "2026-01-01"}, 409, "nothing_to_correct"),
        ({"what": "name", "value": "2026-01-01"}, 422, "invalid_request"),
        ({"what": "echeance", "value": "10 décembre"}, 422, "invalid_request"),
    ],
    ids=str,
)
async def test_an_impossible_correction_is_refused_and_changes_nothing(
    doors: Doors, body: dict[str, str], status: int, code: str
) -> None:
    number = await doors.a_dossier()
    await doors.an_exam(number)
    before = await doors.heard(number)
    path = f"/api/v1/staff/dossiers/{number}/corrections"
    answer = await doors.post(path, "officer", body | {"text": "Essai."})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    after = await doors.get(f"/api/v1/dossiers/{number}")
    assert after["dossier"] == before["dossier"]


async def test_nothing_is_corrected_in_a_dossier_that_nobody_bears(
    away: Doors,
) -> None:
    number = DossierNumber(UNKNOWN)
    body = {"what": "echeance", "value": "2026-12-10", "text": "Essai."}
    path = f"/api/v1/staff/dossiers/{number}/corrections"
    answer = await away.post(path, "officer", body)
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_dossier")
