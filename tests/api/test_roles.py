"""Every route, tried by everybody; docs/roles.md says what each of them hears."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from api.access import Role
from api.app import create_app
from payments.provider import SessionOrder
from tests.api.doors import Doors, open_doors, the_settings
from tests.api.knocking import (
    INVOICE,
    VISITORS,
    Visitor,
    addressed,
    furnish,
    heard,
    plain,
    routes_of,
)
from tests.dossiers import HOLDER

TABLE = Path(__file__).parents[2] / "docs" / "roles.md"
ONE_MACHINE, PAGES, MACHINES = "One machine only", "Pages", "Machines"
TOKENS: Sequence[str] = ("nobody", *Role)
Row = Mapping[str, str]


def the_table() -> dict[str, dict[str, Row]]:
    """Read docs/roles.md: part, then method and address, to who hears what."""
    parts: dict[str, dict[str, Row]] = {}
    heads: list[str] = []
    here = ""
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            here, heads = line[3:], []
            parts[here] = {}
        elif line.startswith("| ") and not heads:
            heads = cells_of(line)
        elif line.startswith("| `"):
            route, *cells = cells_of(line)
            parts[here][route.strip("`")] = dict(zip(heads[1:], cells, strict=True))
    return parts


def cells_of(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def is_json(path: str) -> bool:
    return path.startswith(
        ("/api/", "/healthz", "/livez", "/readyz", "/version", "/metrics")
    )


@pytest.fixture
async def service(database_url: str, tmp_path: Path) -> AsyncIterator[Doors]:
    """Open the doors as in production, with no story there to be changed."""
    settings = the_settings(
        database_url, tmp_path, "127.0.0.1:1", ECHEANCE_EMBEDDED="false"
    )
    async with open_doors(settings) as doors:
        await furnish(doors)
        yield doors


@pytest.fixture
async def one_machine(database_url: str, tmp_path: Path) -> AsyncIterator[Doors]:
    async with open_doors(the_settings(database_url, tmp_path, "127.0.0.1:1")) as doors:
        await furnish(doors)
        yield doors


async def as_found(
    doors: Doors, routes: set[tuple[str, str]], **things: str
) -> dict[str, Row]:
    """Try pages as everybody, with an empty form."""
    return {
        f"{method} {plain(path)}": {
            name: heard(
                await Visitor(doors, name).ask(method, addressed(path, **things))
            )
            for name in VISITORS
        }
        for method, path in routes
    }


async def as_found_with_tokens(
    doors: Doors, routes: set[tuple[str, str]]
) -> dict[str, Row]:
    """Try the JSON interface with the token of each role, and with none."""
    return {
        f"{method} {plain(path)}": {
            role: heard(
                await doors.ask(
                    method, addressed(path), None if role == "nobody" else role
                )
            )
            for role in TOKENS
        }
        for method, path in routes
    }


def written(rows: dict[str, Row]) -> str:
    """Write rows as docs/roles.md has them, for who adds a route."""
    return "\n".join(
        f"| `{route}` | {' | '.join(cells.values())} |"
        for route, cells in sorted(rows.items(), key=lambda row: row[0].split()[::-1])
    )


def agree(part: str, found: dict[str, Row]) -> None:
    told = the_table().get(part, {})
    differing = {route: row for route, row in found.items() if told.get(route) != row}
    assert not differing, f"docs/roles.md, {part}:\n{written(differing)}"
    assert not set(told) - set(found), "docs/roles.md has rows without a route"


async def test_every_page_answers_each_visitor_as_the_table_says(
    service: Doors,
) -> None:
    pages = {route for route in routes_of(service.app) if not is_json(route[1])}
    agree(PAGES, await as_found(service, pages))


async def test_pages_of_the_one_machine_stack_answer_as_the_table_says(
    one_machine: Doors,
) -> None:
    settings = one_machine.parts.settings.model_copy(update={"embedded": False})
    only_here = routes_of(one_machine.app) - routes_of(create_app(settings))
    provider = one_machine.parts.provider
    assert provider is not None
    order = SessionOrder(
        session_id="ps_of_the_table",
        dossier=HOLDER,
        invoice_id=f"{HOLDER}-1",
        invoice_number=INVOICE,
        amount_cents=18500,
        expires_at=datetime.now(UTC) + timedelta(hours=1),
        return_url=f"/fr/dossier/{HOLDER}",
    )
    await provider.create_session(order)
    found = await as_found(one_machine, only_here, session_id=order.session_id)
    agree(ONE_MACHINE, found)


def test_an_agency_sends_nothing_in_the_name_of_a_person() -> None:
    taken = {
        route.partition(" ")[2]
        for part in (PAGES, ONE_MACHINE)
        for route, heard_by in the_table()[part].items()
        if route.startswith("POST ") and heard_by["its agency"] == "yes"
    }
    own = {path for path in taken if path.startswith("/{language}/agence/")}
    assert own == {
        "/{language}/agence/calendrier",
        "/{language}/agence/lien/{link_id}",
        "/{language}/agence/verifier",
    }
    for path in taken - own:
        ones_own_session = ("deconnexion", "session", "sessions", "sessions/autres")
        pretended = "simulat" in path or path.endswith("/horloge")
        assert pretended or path.removeprefix("/{language}/") in ones_own_session


async def test_every_route_for_machines_answers_each_token_as_the_table_says(
    one_machine: Doors,
) -> None:
    routes = {route for route in routes_of(one_machine.app) if is_json(route[1])}
    agree(MACHINES, await as_found_with_tokens(one_machine, routes))
