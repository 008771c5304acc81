"""Which machine may ask: a token is one role's, and only its hash is kept."""

import json
import stat
from pathlib import Path

import pytest
from sqlalchemy import select

from api.access import HOLDERS, Role, ensure_tokens, token_hash, tokens_file
from api.app import create_app
from records.models import AccessToken
from tests.api.doors import Doors, knocking_at, open_doors, the_settings


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer nobody"},
        {"Authorization": "Basic bm9ib2R5"},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer é\u0000"},
    ],
    ids=["none", "unknown", "other scheme", "empty", "strange"],
)
async def test_without_a_token_of_ours_nothing_is_answered(
    away: Doors, headers: dict[str, str]
) -> None:
    raw = {name: value.encode() for name, value in headers.items()}
    answer = await away.ask("GET", "/api/v1/staff/tasks", headers=raw)
    assert answer.status_code == 401
    assert answer.json()["code"] == "not_authenticated"
    assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_a_role_opens_its_own_doors_only(away: Doors) -> None:
    for role in set(Role) - {Role.OFFICER}:
        answer = await away.ask("GET", "/api/v1/staff/tasks", role)
        assert (answer.status_code, answer.json()["code"]) == (403, "wrong_role")
    assert (await away.get("/api/v1/staff/tasks", "officer"))["tasks"] == []


async def test_only_the_hash_of_a_token_is_kept(away: Doors) -> None:
    async with away.parts.sessions() as session:
        kept = list(await session.scalars(select(AccessToken)))
    assert {row.role for row in kept} == set(Role)
    assert {row.subject for row in kept} == {f"dev-{name}" for name in away.tokens}
    assert {row.token_hash for row in kept} == {
        token_hash(token) for token in away.tokens.values()
    }


async def test_tokens_stay_the_same_from_one_start_to_the_next(
    away: Doors, tmp_path: Path
) -> None:
    file = tmp_path / "tokens.json"
    async with away.parts.sessions.begin() as session:
        assert await ensure_tokens(session, file) == away.tokens


async def test_the_file_of_tokens_is_its_owners_and_keeps_what_it_held(
    away: Doors, tmp_path: Path
) -> None:
    file = tmp_path / "elsewhere" / "tokens.json"
    file.parent.mkdir()
    file.write_text(json.dumps({"operator": "kept", "officer": "given"}))
    async with away.parts.sessions.begin() as session:
        tokens = await ensure_tokens(session, file)
    assert tokens["officer"] == "given"
    assert json.loads(file.read_text()) == {"operator": "kept", **tokens}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_a_new_token_of_a_role_replaces_the_old_one(
    away: Doors, tmp_path: Path
) -> None:
    async with away.parts.sessions.begin() as session:
        tokens = await ensure_tokens(session, tmp_path / "new.json")
    answer = await away.ask("GET", "/api/v1/staff/tasks", "officer")
    assert answer.status_code == 401
    headers = {"Authorization": f"Bearer {tokens['officer']}"}
    answer = await away.ask("GET", "/api/v1/staff/tasks", headers=headers)
    assert answer.status_code == 200


async def test_beyond_one_machine_no_token_speaks_for_people(
    database_url: str, tmp_path: Path
) -> None:
    settings = the_settings(
        database_url, tmp_path, "127.0.0.1:1", ECHEANCE_EMBEDDED="false"
    )
    given = {name: f"the token of {name}" for name in HOLDERS}
    tokens_file(settings).write_text(json.dumps(given))
    async with open_doors(settings) as doors:
        for role in ("representative", "agency", "officer", "second_officer"):
            answer = await doors.ask("GET", "/api/v1/staff/tasks", role)
            assert (answer.status_code, answer.json()["code"]) == (
                401,
                "not_authenticated",
            )
        assert (await doors.ask("GET", "/metrics", "operator")).status_code == 200


async def test_beyond_one_machine_tokens_are_given_and_none_is_made(
    database_url: str, tmp_path: Path
) -> None:
    """Two services would each make their own; what is taken out opens nothing."""
    settings = the_settings(
        database_url, tmp_path, "127.0.0.1:1", ECHEANCE_EMBEDDED="false"
    )
    for given, code in (("", 401), ('{"operator": "given"}', 200), ("{}", 401)):
        tokens_file(settings).write_text(given)
        app = create_app(settings)
        async with app.router.lifespan_context(app), knocking_at(app) as http:
            assert tokens_file(settings).read_text() == given
            headers = {"Authorization": "Bearer given"}
            answer = await http.get("/metrics", headers=headers)
            assert answer.status_code == code
