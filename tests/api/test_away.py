"""While Temporal, or every worker, is away: nothing hangs, nothing told is lost."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from engine import connect
from records.models import DossierRow, FactRow
from tests.api.doors import SPOKEN_FOR, Doors, Space, open_doors
from tests.api.test_payments import a_dossier_to_pay, captured
from tests.dossiers import HOLDER, a_holder, a_newcomer
from worker import workers

REP = "representative"


@pytest.fixture
async def idle(space: Space) -> AsyncIterator[Doors]:
    """Open the doors on a server that no worker serves."""
    async with open_doors(space.settings_with()) as doors:
        yield doors


async def test_what_was_last_kept_is_shown_and_says_so(away: Doors) -> None:
    await away.office.place(a_holder(away.today + timedelta(days=30)))
    state = await away.get(f"/api/v1/dossiers/{HOLDER}")
    assert (state["live"], state["phase"]) == (False, "in_force")
    assert state["echeance"] == str(away.today + timedelta(days=30))
    assert state["as_of"] < f"{away.today}"
    assert state["facts_waiting"] is None
    agenda = await away.get(f"/api/v1/dossiers/{HOLDER}/agenda")
    assert agenda["live"] is False
    assert f"{HOLDER}/{state['echeance']}/expire" in [
        duty["key"] for duty in agenda["duties"]
    ]
    explanation = await away.get(f"/api/v1/dossiers/{HOLDER}/explanation")
    assert explanation["live"] is False
    assert {f["condition"] for f in explanation["findings"]} == {
        "term_is_running",
        "agency_linked",
    }


async def test_a_worker_that_is_away_makes_a_page_wait_for_two_seconds_at_most(
    idle: Doors,
) -> None:
    opened = await idle.done("/api/v1/dossiers", REP, SPOKEN_FOR)
    assert opened["story_begun"] is True
    state = await idle.get(f"/api/v1/dossiers/{opened['number']}")
    assert (state["phase"], state["live"]) == ("exam_awaited", False)


@pytest.mark.parametrize(
    ("command", "role", "body"),
    [
        ("transfer-request", REP, {"certificate": HOLDER}),
        ("links", REP, {"permit": "AR-1001"}),
        ("observations", REP, {"text": "Je ne suis pas d'accord."}),
        ("cancellation", REP, {"text": "Fini."}),
    ],
)
async def test_a_command_that_no_story_hears_is_refused_with_a_key_to_repeat(
    away: Doors, command: str, role: str, body: dict[str, Any]
) -> None:
    await away.an_agency()
    number = a_newcomer().number
    await away.office.place(a_newcomer())
    path = f"/api/v1/dossiers/{number}/{command}"
    answer = await away.post(path, role, body)
    assert (answer.status_code, answer.json()["code"]) == (503, "story_away")
    assert answer.headers["Retry-After"] == "30"
    key = {"Idempotency-Key": answer.json()["idempotency_key"]}
    again = await away.post(path, role, body, headers=key)
    assert again.json()["idempotency_key"] == key["Idempotency-Key"]
    assert (await away.office.one(DossierRow, number)).version == 0


async def test_a_command_that_no_worker_takes_is_refused_within_its_limit(
    idle: Doors,
) -> None:
    await idle.office.place(a_newcomer())
    path = f"/api/v1/dossiers/{a_newcomer().number}/cancellation"
    answer = await idle.post(path, REP, {"text": "Fini."})
    assert (answer.status_code, answer.json()["code"]) == (503, "story_away")


async def test_a_command_repeated_with_its_key_counts_once_when_a_worker_is_back(
    idle: Doors,
) -> None:
    number, permit = await idle.a_dossier(), await idle.an_agency()
    path, body = f"/api/v1/dossiers/{number}/links", {"permit": permit}
    refused = await idle.post(path, REP, body)
    assert refused.json()["code"] == "story_away"
    key = {"Idempotency-Key": refused.json()["idempotency_key"]}
    client = await connect(idle.parts.settings)
    stories, _post = workers(client, idle.parts.sessions, idle.parts.settings)
    async with stories:
        taken = await idle.done(path, REP, body, headers=key)
    (link,) = taken["state"]["dossier"]["links"]
    assert link["link_id"] == taken["link_id"]


async def test_a_dossier_can_be_opened_while_no_story_can_begin(away: Doors) -> None:
    opened = await away.done("/api/v1/dossiers", REP, SPOKEN_FOR)
    assert opened["story_begun"] is False
    state = await away.get(f"/api/v1/dossiers/{opened['number']}")
    assert (state["phase"], state["live"]) == ("exam_awaited", False)


async def test_a_fact_is_kept_while_nobody_hears_it(away: Doors) -> None:
    await away.office.place(a_newcomer(away.today))
    told = {
        "dossier": a_newcomer().number,
        "result_id": "r-1",
        "passed_on": str(away.today),
    }
    kept = await away.done("/api/v1/exam-results", "exam_body", told)
    assert (kept["new"], kept["delivered"]) == (True, False)
    (fact,) = await away.office.rows(FactRow)
    assert fact.state == "new"


async def test_money_is_taken_in_while_nobody_hears_of_it(away: Doors) -> None:
    number = await a_dossier_to_pay(away)
    begun = await away.done(f"/api/v1/dossiers/{number}/payments", REP)
    assert (await away.hear(captured(begun), "msg_1")).status_code == 200
    (fact,) = await away.office.rows(FactRow)
    assert (fact.state, fact.dossier) == ("new", number)
