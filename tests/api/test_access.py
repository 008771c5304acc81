"""Who may ask: every route names its roles, and a token is one role's."""

import json
import stat
from pathlib import Path

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts
from sqlalchemy import select

from api.access import Admitted, Role, ensure_tokens, token_hash
from api.app import create_app
from api.pages.seeing import may_see
from api.signin.who import SignedInAs
from records.models import AccessToken
from tests.api.doors import Doors, the_settings

# What the register answers to anybody names no person.
REGISTER = {
    ("GET", "/v/{number}"),
    ("GET", "/{language:fr_or_en}/{word:verify}"),
    ("GET", "/{language:fr_or_en}/{word:verify}/{written}"),
    ("GET", "/api/v1/verification/{number}"),
}
PUBLIC = REGISTER | {
    ("GET", "/livez"),
    ("GET", "/readyz"),
    ("GET", "/version"),
    ("GET", "/api/docs"),
    ("GET", "/api/openapi.json"),
    ("GET", "/"),
    ("GET", "/static/portal.{kind}"),
    # The way in; and what one may do with a session, of whatever role, or without one.
    ("GET", "/connexion/retour"),
    ("GET", "/{language:fr_or_en}/connexion"),
    ("GET", "/{language:fr_or_en}/connexion/{door}"),
    ("POST", "/{language:fr_or_en}/deconnexion"),
    ("POST", "/{language:fr_or_en}/session"),
    ("GET", "/{language:fr_or_en}/sessions"),
    ("POST", "/{language:fr_or_en}/sessions"),
    ("GET", "/{language:fr_or_en}"),
    ("GET", "/{language:fr_or_en}/dossier"),
    # For the one machine only.
    ("POST", "/{language:fr_or_en}/dossier/{number}/horloge"),
    # Signed by the provider, which holds no token of ours.
    ("POST", "/api/v1/webhooks/payments"),
    ("POST", "/api/v1/mail"),
    # The person who pays stands at the provider, not here; one machine only.
    ("GET", "/simulator/sessions/{session_id}"),
    ("POST", "/simulator/sessions/{session_id}/approve"),
    ("POST", "/simulator/sessions/{session_id}/refuse"),
    ("POST", "/simulator/sessions/{session_id}/take-back"),
    ("GET", "/{language:fr_or_en}/simulateur/{session_id}"),
    ("POST", "/{language:fr_or_en}/simulateur/{session_id}"),
}


def admitted(dependant: Dependant | None) -> bool:
    if dependant is None:
        return False
    asks = isinstance(dependant.call, Admitted | SignedInAs)
    return (
        asks
        or dependant.call is may_see
        or any(admitted(inner) for inner in dependant.dependencies)
    )


def every_route(tmp_path: Path, *, embedded: bool) -> dict[tuple[str, str], bool]:
    """Each method and path, and whether it asks for a role."""
    settings = the_settings(
        "postgresql+psycopg://a:b@127.0.0.1:1/c",
        tmp_path,
        "127.0.0.1:1",
        ECHEANCE_EMBEDDED=str(embedded).lower(),
    )
    return {
        (method, str(route.path)): admitted(getattr(route, "dependant", None))
        for route in iter_route_contexts(create_app(settings).routes)
        for method in (route.methods or set()) - {"HEAD"}
    }


def test_every_route_asks_for_a_role_unless_it_is_public(tmp_path: Path) -> None:
    routes = every_route(tmp_path, embedded=True)
    assert len(routes) > len(PUBLIC) + 20
    assert {route for route, asks in routes.items() if not asks} == PUBLIC


def test_nobody_can_pretend_to_pay_outside_of_the_one_machine_stack(
    tmp_path: Path,
) -> None:
    routes = every_route(tmp_path, embedded=False)
    assert [path for _, path in routes if path.startswith("/simulator")] == []


def test_no_dossier_is_shown_without_a_role_outside_of_the_one_machine_stack(
    tmp_path: Path,
) -> None:
    open_to_all = {
        route
        for route, asks in every_route(tmp_path, embedded=False).items()
        if not asks
    }
    about_one = {route for route in open_to_all if "{number}" in route[1]}
    assert about_one <= REGISTER


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
    assert {row.role for row in kept} == set(away.tokens) == set(Role)
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
