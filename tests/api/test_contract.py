"""The description of the interface, against what it really answers."""

import asyncio
from collections.abc import Callable
from typing import Any

import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import checks
from schemathesis.core.result import Ok

from records.sweeps import begin_sweep
from tests.api.doors import Doors

HELD = (
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
)
EXAMPLES = 12
ROLE_OF = {
    "links": "agency",
    "exam-results": "exam_body",
    "permits": "register",
    "staff": "officer",
    "verification": "agency",
}


async def test_whatever_is_sent_the_answer_is_one_that_was_described(
    served: Doors,
) -> None:
    described = (await served.ask("GET", "/api/openapi.json")).json()
    operations = sum(len(methods) for methods in described["paths"].values())
    numbers = [await served.a_dossier() for _ in range(operations)]
    await served.an_agency()
    # A service that no sweep ever visited says so, with 503.
    async with served.parts.sessions.begin() as session:
        sweep = await begin_sweep(session)
        sweep.ended_at = sweep.started_at
    url = str(served.http.base_url).rstrip("/")
    explored = await asyncio.to_thread(explore, url, served.tokens, numbers)
    assert explored == operations


def explore(url: str, tokens: dict[str, str], numbers: list[str]) -> int:
    """Send generated requests to every operation; name how many operations."""
    schema = schemathesis.openapi.from_url(f"{url}/api/openapi.json")
    explored = 0
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operation: Any = found.ok()
        # Each operation has a dossier of its own, since one of them closes it.
        try_out(operation, tokens[role_of(operation.path)], numbers[explored])
        explored += 1
    return explored


def role_of(path: str) -> str:
    subject = path.removeprefix("/api/v1/").partition("/")[0]
    return ROLE_OF.get(subject, "representative")


def try_out(operation: Any, token: str, number: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    knows = known_number(number)

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def answers_as_described(case: Any) -> None:
        knows(case)
        answer = case.call(headers=headers, timeout=30)
        case.validate_response(answer, checks=HELD)

    answers_as_described()


def known_number(number: str) -> Callable[[Any], None]:
    """Put a real number in every second request: the others are refused at once."""
    turns = 0

    def put(case: Any) -> None:
        nonlocal turns
        turns += 1
        if turns % 2 and "number" in (case.path_parameters or {}):
            case.path_parameters["number"] = number

    return put
