"""What is said when the answer is no: a stable code, a sentence, never a trace."""

import string
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter

from api.codes import Code
from api.errors import WORDINGS
from api.language import language_of
from payments.due import Hindrance
from rules.fees import FeeFault
from rules.numbers import NumberProblem
from tests.api.doors import Doors, open_doors, the_settings
from workflows.messages import Refusal

UNKNOWN = "CAR202600000009"


def test_every_code_is_worded_and_nothing_else_is() -> None:
    numbers = {f"number_{problem}" for problem in NumberProblem}
    assert set(WORDINGS) == {*Code, *Refusal, *FeeFault, *numbers}
    assert set(Hindrance) <= set(WORDINGS)


@pytest.mark.parametrize("code", sorted(WORDINGS))
def test_a_code_says_the_same_in_french_and_in_english(code: str) -> None:
    wording = WORDINGS[code]
    assert wording.fr.endswith(".")
    assert wording.en.endswith(".")
    assert wording.fr != wording.en
    assert places(wording.fr) == places(wording.en)
    assert 400 <= wording.status < 600


def places(sentence: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence)} - {None}


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "fr"),
        ("", "fr"),
        ("de", "fr"),
        ("*", "fr"),
        ("fr-CA", "fr"),
        ("en-CA", "en"),
        ("fr,en", "fr"),
        ("en,fr;q=0.9", "en"),
        ("fr;q=0.2, en;q=0.7", "en"),
        ("en;q=0", "fr"),
        ("en;q=high", "fr"),
        ("en;level=1", "en"),
        ("," * 10_000 + "en", "fr"),
    ],
)
def test_french_is_spoken_unless_english_is_preferred(
    header: str | None, language: str
) -> None:
    assert language_of(header) == language


async def test_an_error_is_a_problem_in_the_language_of_the_caller(
    away: Doors,
) -> None:
    path = f"/api/v1/dossiers/{UNKNOWN}"
    french = await away.ask("GET", path, "officer")
    english = await away.ask(
        "GET", path, "officer", headers={"Accept-Language": "en-CA"}
    )
    assert french.headers["Content-Type"] == "application/problem+json"
    assert french.headers["Content-Language"] == "fr"
    assert french.json() == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "Aucun dossier ne porte ce numéro.",
        "code": "unknown_dossier",
    }
    assert english.headers["Content-Language"] == "en"
    assert english.json()["detail"] == "No file bears this number."


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("CAR20260000000", "number_too_short"),
        ("CAR2026000000011", "number_too_long"),
        ("CCV202600000001", "number_wrong_prefix"),
        ("CAR190600000001", "number_wrong_year"),
        ("CAR2O2600000001", "number_lookalike"),
        ("СAR202600000001", "number_lookalike"),  # a Cyrillic letter
        ("CAR2026000000_1", "number_wrong_character"),
        ("%20%20", "number_empty"),
    ],
)
async def test_what_is_wrong_with_a_number_is_said(
    away: Doors, written: str, code: str
) -> None:
    answer = await away.ask("GET", f"/api/v1/dossiers/{written}", "officer")
    assert answer.status_code == 422
    fault, *others = answer.json()["errors"]
    assert (fault["code"], fault["in"], fault["parameter"]) == (code, "path", "number")
    assert others == []


async def test_a_number_may_be_written_as_people_do(doors: Doors) -> None:
    number = await doors.a_dossier()
    spaced = f"{number[:3].lower()}%20{number[3:7]}-{number[7:]}"
    assert (await doors.get(f"/api/v1/dossiers/{spaced}"))["number"] == number


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ({}, {("/name", "missing"), ("/email", "missing")}),
        (
            {"name": "Zoé", "email": "zoe", "language": "de", "x": 1},
            {
                ("/email", "bad_email"),
                ("/language", "not_a_choice"),
                ("/x", "unknown_field"),
            },
        ),
        (
            {"name": 7, "email": True},
            {("/name", "wrong_type"), ("/email", "wrong_type")},
        ),
        (
            {"name": "a\nBcc: b", "email": "a@b.ca\nBcc: c"},
            {("/name", "bad_text"), ("/email", "bad_text")},
        ),
        (
            {"name": "a\u0000", "email": "zoe@courriel.example"},
            {("/name", "bad_text")},
        ),
        (
            {"name": "a" * 201, "email": "zoe@courriel.example"},
            {("/name", "too_long")},
        ),
        ({"name": " ", "email": "zoe@courriel.example"}, {("/name", "too_short")}),
        ([], {("", "wrong_type")}),
        (None, {("", "missing")}),
    ],
)
async def test_each_fault_is_shown_at_its_field(
    away: Doors, body: Any, faults: set[tuple[str, str]]
) -> None:
    said = {} if body is None else {"json": body}
    answer = await away.ask("POST", "/api/v1/dossiers", "representative", **said)
    assert answer.status_code == 422
    assert answer.json()["code"] == "invalid_request"
    assert {(e["pointer"], e["code"]) for e in answer.json()["errors"]} == faults


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"{", 422, "invalid_request"),
        (b'{"name": "\\ud800", "email": "a@b.ca"}', 422, "invalid_request"),
        (b'{"name": "\xff"}', 400, "bad_request"),
        (b" " * 200_000, 413, "body_too_large"),
    ],
    ids=["cut", "half a letter", "no text", "long"],
)
async def test_what_is_no_request_is_answered_as_a_problem(
    away: Doors, content: bytes, status: int, code: str
) -> None:
    answer = await away.ask(
        "POST",
        "/api/v1/dossiers",
        "representative",
        content=content,
        headers={"Content-Type": "application/json"},
    )
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_deeply_nested_body_is_answered_as_a_problem(away: Doors) -> None:
    answer = await away.ask(
        "POST",
        "/api/v1/dossiers",
        "representative",
        content=b"[" * 5000,
        headers={"Content-Type": "application/json"},
    )
    # How deep the parser goes before it gives up depends on the Python version.
    assert (answer.status_code, answer.json()["code"]) in {
        (400, "bad_request"),
        (422, "invalid_request"),
    }


async def test_a_body_without_a_length_is_limited_too(away: Doors) -> None:
    async def without_end() -> Any:
        yield b'{"name": "Zo\xc3\xa9", "email": "zoe@courriel.example"}'
        for _ in range(40):
            yield b" " * 8192

    answer = await away.ask(
        "POST",
        "/api/v1/dossiers",
        "representative",
        content=without_end(),
        headers={"Content-Type": "application/json"},
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert (await away.get("/api/v1/staff/dossiers", "officer"))["dossiers"] == []


async def test_an_unknown_address_and_a_wrong_method_are_problems(
    away: Doors,
) -> None:
    nowhere = await away.ask("GET", "/api/v1/nowhere")
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "not_found")
    wrong = await away.ask("DELETE", "/livez")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")
    assert wrong.headers["Allow"] == "GET"


async def test_a_mistake_of_ours_is_an_incident_and_never_a_trace(
    database_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken = APIRouter()

    @broken.get("/api/broken")
    async def break_down() -> None:
        raise ZeroDivisionError("a secret of ours")

    settings = the_settings(database_url, tmp_path, "127.0.0.1:1")
    async with open_doors(settings) as doors:
        doors.app.include_router(broken)
        answer = await doors.ask(
            "GET", "/api/broken", headers={"Accept-Language": "en"}
        )
    assert answer.status_code == 500
    incident = answer.json()["incident"]
    assert incident in answer.json()["detail"]
    assert "secret" not in answer.text
    assert incident in caplog.text
    assert "ZeroDivisionError" in caplog.text


async def test_every_answer_bears_safe_headers(away: Doors) -> None:
    for path in ("/livez", "/nowhere", "/api/docs"):
        headers = (await away.ask("GET", path)).headers
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"


async def test_the_reference_lists_every_operation_without_a_script(
    away: Doors,
) -> None:
    answer = await away.ask("GET", "/api/docs")
    page = answer.text
    assert "style-src 'self'" in answer.headers["Content-Security-Policy"]
    assert '<link rel="stylesheet" href="/static/portal.css">' in page
    described = (await away.ask("GET", "/api/openapi.json")).json()
    for path in described["paths"]:
        assert path in page
    assert "<script" not in page
    assert "Problem" in described["components"]["schemas"]
