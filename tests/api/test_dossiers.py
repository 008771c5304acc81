"""A person and a dossier: opening, reading, asking."""

from datetime import timedelta
from typing import Any

import pytest

from tests.api.doors import PERMIT, SPOKEN_FOR, Doors
from tests.dossiers import HOLDER, a_holder, a_newcomer

UNKNOWN = "CAR202600000009"
REP = "representative"


async def test_a_dossier_opened_by_a_person_awaits_an_exam_result(
    doors: Doors,
) -> None:
    opened = await doors.done("/api/v1/dossiers", REP, SPOKEN_FOR)
    assert opened["story_begun"] is True
    state = await doors.get(f"/api/v1/dossiers/{opened['number']}")
    assert (state["phase"], state["live"]) == ("exam_awaited", True)
    assert state["dossier"]["opened_on"] == str(doors.today)
    explanation = await doors.get(f"/api/v1/dossiers/{opened['number']}/explanation")
    assert [f["condition"] for f in explanation["findings"]] == ["exam_result_is_here"]


async def test_the_whole_way_to_a_certificate_goes_through_the_doors(
    doors: Doors,
) -> None:
    number, permit = await doors.a_dossier(), await doors.an_agency()
    await doors.an_exam(number)
    link_id = await doors.a_link(number, permit)
    confirmed = await doors.done(
        f"/api/v1/links/{link_id}/confirmation", "agency", {"since": str(doors.today)}
    )
    assert confirmed["delivered"]
    state = await doors.heard(number)
    assert state["phase"] == "to_finalize"
    begun = await doors.done(f"/api/v1/dossiers/{number}/payments", REP)
    answer = await doors.hear(
        {
            "type": "payment.captured",
            "session_id": begun["session_id"],
            "payment_id": "pay_1",
            "invoice_id": begun["invoice_id"],
            "amount_cents": begun["amount_cents"],
            "currency": "CAD",
            "captured_at": f"{doors.today}T17:00:00Z",
        },
        "msg_1",
    )
    assert answer.status_code == 200
    state = await doors.heard(number)
    assert (state["phase"], state["live"]) == ("in_force", True)
    assert state["dossier"]["terms"][0]["start"] == str(doors.today)
    assert state["last_valid_day"] < state["echeance"]
    agenda = await doors.get(f"/api/v1/dossiers/{number}/agenda")
    notices = [duty["notice"] for duty in agenda["duties"]]
    assert "reminder_90" in notices
    assert [duty["due_at"] for duty in agenda["duties"]] == sorted(
        duty["due_at"] for duty in agenda["duties"]
    )


async def test_what_was_done_can_be_read_again(doors: Doors) -> None:
    number, permit = await doors.a_dossier(), await doors.an_agency()
    await doors.an_exam(number)
    # The link's answer comes once everything before it is kept.
    link_id = await doors.a_link(number, permit)
    timeline = await doors.get(f"/api/v1/dossiers/{number}/timeline", "officer")
    told = [entry["what"] for entry in timeline["entries"]]
    assert told[0] == "exam_passed"
    # Both may have been heard in one turn, whose phase is noted last.
    assert "link_requested" in told
    letters = await doors.get(f"/api/v1/dossiers/{number}/letters")
    assert {letter["notice"] for letter in letters["letters"]} == {
        "finalize",
        "link_requested",
    }
    assert any(link_id in letter["key"] for letter in letters["letters"])
    invoices = await doors.get(f"/api/v1/dossiers/{number}/invoices")
    (invoice,) = invoices["invoices"]
    assert (invoice["operation"], invoice["state"]) == ("issue", "open")
    assert invoice["amount_cents"] > 0


async def test_a_timeline_is_read_page_by_page_without_gap_or_repetition(
    doors: Doors,
) -> None:
    number, permit = await doors.a_dossier(), await doors.an_agency()
    await doors.an_exam(number)
    await doors.a_link(number, permit)
    path = f"/api/v1/dossiers/{number}/timeline"
    whole = (await doors.get(path))["entries"]
    pages: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        params = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = await doors.get(path, params=params)
        assert len(page["entries"]) <= 2
        pages += page["entries"]
        cursor = page["next_cursor"]
    assert len(whole) > 2
    assert pages == whole


@pytest.mark.parametrize("cursor", ["é", "AAAA", "LTE=", "OTk5OTk5OTk5OTk5", "MQ"])
async def test_a_cursor_that_is_not_ours_is_refused(away: Doors, cursor: str) -> None:
    await away.office.place(a_newcomer())
    path = f"/api/v1/dossiers/{a_newcomer().number}/timeline"
    answer = await away.ask("GET", path, REP, params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_cursor")


@pytest.mark.parametrize(
    "page", ["", "/agenda", "/explanation", "/timeline", "/letters", "/invoices"]
)
async def test_nothing_is_shown_of_a_number_that_nobody_bears(
    away: Doors, page: str
) -> None:
    answer = await away.ask("GET", f"/api/v1/dossiers/{UNKNOWN}{page}", REP)
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_dossier")


@pytest.mark.parametrize(
    ("command", "body"),
    [
        ("transfer-request", {"certificate": HOLDER}),
        ("links", {"permit": PERMIT}),
        ("observations", {"text": "Je ne suis pas d'accord."}),
        ("cancellation", {"text": "Je change de métier."}),
        ("payments", None),
    ],
)
async def test_nothing_is_asked_of_a_number_that_nobody_bears(
    away: Doors, command: str, body: Any
) -> None:
    answer = await away.post(f"/api/v1/dossiers/{UNKNOWN}/{command}", REP, body)
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_dossier")


async def test_a_transfer_asked_for_is_put_before_the_story(doors: Doors) -> None:
    number = await doors.a_dossier()
    asked = await doors.done(
        f"/api/v1/dossiers/{number}/transfer-request", REP, {"certificate": UNKNOWN}
    )
    assert asked["state"]["dossier"]["request"]["certificate"] == UNKNOWN
    assert asked["state"]["phase"] == "in_review"


@pytest.mark.parametrize(
    ("certificate", "status", "code"),
    [
        ("CAR2026", 422, "invalid_request"),
        ("CCV202600000001", 422, "invalid_request"),
        (None, 422, "same_number"),
    ],
)
async def test_a_transfer_of_no_other_certificate_is_refused(
    doors: Doors, certificate: str | None, status: int, code: str
) -> None:
    number = await doors.a_dossier()
    body = {"certificate": certificate or number}
    path = f"/api/v1/dossiers/{number}/transfer-request"
    answer = await doors.post(path, REP, body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await doors.get(f"/api/v1/dossiers/{number}"))["phase"] == "exam_awaited"


async def test_a_command_in_the_wrong_phase_is_refused_with_its_code(
    doors: Doors,
) -> None:
    number = await doors.a_dossier()
    path = f"/api/v1/dossiers/{number}/observations"
    answer = await doors.post(path, REP, {"text": "Je ne suis pas d'accord."})
    assert (answer.status_code, answer.json()["code"]) == (409, "wrong_phase")


async def test_a_dossier_opened_twice_with_one_key_is_one_dossier(doors: Doors) -> None:
    key = {"Idempotency-Key": "opening-0001"}
    first, again = [
        await doors.done("/api/v1/dossiers", REP, SPOKEN_FOR, headers=key)
        for _ in range(2)
    ]
    another = await doors.done("/api/v1/dossiers", REP, SPOKEN_FOR)
    assert first["number"] == again["number"] != another["number"]


async def test_the_same_key_asks_once(doors: Doors) -> None:
    number, permit = await doors.a_dossier(), await doors.an_agency()
    path, key = f"/api/v1/dossiers/{number}/links", {"Idempotency-Key": "key-0001"}
    first = await doors.done(path, REP, {"permit": permit}, headers=key)
    again = await doors.done(path, REP, {"permit": permit}, headers=key)
    assert first["key"] == again["key"] == "key-0001"
    assert first["link_id"] == again["link_id"]
    assert len(again["state"]["dossier"]["links"]) == 1
    another = await doors.post(path, REP, {"permit": permit})
    assert another.json()["code"] == "link_already_there"


@pytest.mark.parametrize("key", ["short", "a" * 65, "with space", "çççççççç"])
async def test_a_key_of_another_shape_is_refused(away: Doors, key: str) -> None:
    await away.office.place(a_newcomer())
    path = f"/api/v1/dossiers/{a_newcomer().number}/cancellation"
    headers = {"Idempotency-Key": key.encode()}
    answer = await away.post(path, REP, {"text": "Assez."}, headers=headers)
    assert answer.status_code == 422
    (fault,) = answer.json()["errors"]
    assert (fault["code"], fault["in"]) == ("bad_key", "header")


async def test_a_key_used_for_another_text_is_refused(doors: Doors) -> None:
    number = await doors.a_dossier()
    path, key = f"/api/v1/dossiers/{number}/cancellation", "key-0001"
    headers = {"Idempotency-Key": key}
    await doors.done(path, REP, {"text": "Je change de métier."}, headers=headers)
    other = await doors.post(path, REP, {"text": "Autre chose."}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "key_already_used")


async def test_a_link_needs_an_agency_that_is_known(away: Doors) -> None:
    await away.office.place(a_newcomer())
    path = f"/api/v1/dossiers/{a_newcomer().number}/links"
    answer = await away.post(path, REP, {"permit": "AR-9999"})
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_permit")


@pytest.mark.parametrize(
    ("days_ahead", "valid", "refused"),
    [(-1, False, True), (0, False, True), (1, False, False), (1, True, True)],
    ids=["ended", "ends today", "ends tomorrow", "begins tomorrow"],
)
async def test_a_link_needs_a_permit_that_is_valid_today(
    doors: Doors, days_ahead: int, valid: bool, refused: bool
) -> None:
    number, permit = await doors.a_dossier(), await doors.an_agency()
    day = str(doors.today + timedelta(days=days_ahead))
    change = {"valid": valid, "effective_on": day}
    await doors.done(f"/api/v1/permits/{permit}/changes", "register", change)
    answer = await doors.post(
        f"/api/v1/dossiers/{number}/links", REP, {"permit": permit}
    )
    assert (answer.status_code == 409) is refused
    if refused:
        assert answer.json()["code"] == "permit_not_valid"
    else:
        # The end announced before the link was asked for is told to its dossier.
        state = await doors.heard(number)
        (change_heard,) = state["dossier"]["permit_changes"]
        assert change_heard["effective_on"] == day


async def test_a_dossier_is_cancelled_for_good(doors: Doors) -> None:
    number = await doors.a_dossier()
    path = f"/api/v1/dossiers/{number}/cancellation"
    closed = await doors.done(path, REP, {"text": "Je change de métier."})
    assert closed["state"]["phase"] == "closed"
    again = await doors.post(path, REP, {"text": "Vraiment."})
    assert (again.status_code, again.json()["code"]) == (409, "wrong_phase")
    timeline = await doors.get(f"/api/v1/dossiers/{number}/timeline")
    (entry,) = [e for e in timeline["entries"] if e["what"] == "cancelled"]
    assert entry["by"] == "dev-representative"
    assert "métier" not in str(timeline)


async def test_a_holders_certificate_is_shown_with_its_last_valid_day(
    doors: Doors,
) -> None:
    echeance = doors.today.replace(day=1) + timedelta(days=400)
    await doors.office.place(a_holder(echeance.replace(day=10)))
    # The first question finds no story; the first command begins it.
    shown = await doors.get(f"/api/v1/dossiers/{HOLDER}")
    assert shown["live"] is False
    assert shown["last_valid_day"] == str(echeance.replace(day=9))


async def test_a_person_is_not_told_what_the_office_knows_of_a_certificate(
    doors: Doors,
) -> None:
    number = await doors.a_dossier()
    path = f"/api/v1/dossiers/{number}"
    asked = await doors.done(f"{path}/transfer-request", REP, {"certificate": UNKNOWN})
    seen = [asked["state"], await doors.get(path)]
    assert [state["needs_staff"] for state in seen] == [True, True]
    pages = [await doors.get(f"{path}/{page}") for page in ("agenda", "timeline")]
    assert "transfer_unknown_certificate" not in str([*seen, *pages])
    for page in ("", "/agenda", "/timeline"):
        shown = await doors.get(f"{path}{page}", "officer")
        assert "transfer_unknown_certificate" in str(shown), page
