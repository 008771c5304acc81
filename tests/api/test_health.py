"""Probes: alive, ready, which version."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from api.app import create_app
from records.sweeps import Sweep
from tests.api.doors import Doors, knocking_at, the_settings
from tests.kept import real_now


async def test_the_service_is_ready_when_every_part_answers(doors: Doors) -> None:
    assert await doors.get("/readyz") == {
        "ready": True,
        "database": "ok",
        "migrations": "ok",
        "temporal": "ok",
    }
    assert await doors.get("/livez") == {"alive": True}


async def test_the_service_is_alive_but_not_ready_without_temporal(away: Doors) -> None:
    answer = await away.ask("GET", "/readyz")
    assert answer.status_code == 503
    assert answer.json()["temporal"] == "away"
    assert answer.json()["database"] == "ok"
    assert (await away.ask("GET", "/livez")).status_code == 200


async def test_the_service_is_not_ready_on_tables_of_another_version(
    away: Doors,
) -> None:
    async with away.parts.sessions.begin() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    assert (await away.ask("GET", "/readyz")).json()["migrations"] == "behind"


async def test_the_service_starts_and_says_so_while_the_database_is_away(
    tmp_path: Path,
) -> None:
    nobody = "postgresql+psycopg://echeance:secret@127.0.0.1:1/echeance"
    app = create_app(the_settings(nobody, tmp_path, "127.0.0.1:1"))
    async with app.router.lifespan_context(app), knocking_at(app) as http:
        ready = await http.get("/readyz")
        assert (ready.status_code, ready.json()["database"]) == (503, "away")
        token = {"Authorization": "Bearer anything"}
        refused = await http.get("/api/v1/policy/CAR", headers=token)
        assert (refused.status_code, refused.json()["code"]) == (503, "records_away")
        assert refused.headers["Retry-After"] == "30"


@pytest.mark.parametrize(
    ("minutes_ago", "code", "sweeps"),
    [(None, 503, "never"), (1, 200, "ok"), (3, 503, "late")],
)
async def test_sweeps_that_no_longer_come_turn_the_health_red_and_not_the_readiness(
    doors: Doors, minutes_ago: int | None, code: int, sweeps: str
) -> None:
    if minutes_ago is not None:
        then = real_now() - timedelta(minutes=minutes_ago)
        # One that was cut short since does not count.
        await doors.office.add(
            Sweep(started_at=then, ended_at=then), Sweep(started_at=real_now())
        )
    answer = await doors.ask("GET", "/healthz")
    assert (answer.status_code, answer.json()["sweeps"]) == (code, sweeps)
    assert answer.json()["healthy"] is (code == 200)
    assert (await doors.ask("GET", "/readyz")).status_code == 200


async def test_the_version_is_that_of_the_project(away: Doors) -> None:
    told = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    assert f'version = "{(await away.get("/version"))["version"]}"' in told
