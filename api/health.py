"""Is the service alive, is it ready, which one is it? For probes, not for people."""

import asyncio
import tomllib
from datetime import timedelta
from typing import Literal

from fastapi import APIRouter, Response, status
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from temporalio.service import RPCError

from api.parts import Parts, TheParts
from records.clock import database_now
from records.measures import last_ended_sweep
from records.migrations import head
from settings import CHECKOUT
from workflows.upkeep import SWEEP_EVERY

router = APIRouter(tags=["health"])

CHECK_LIMIT_S = 3.0
"""The longest one check may take."""

SWEEPS_LATE_AFTER = 2 * SWEEP_EVERY
"""The dead-man's limit: a sweep that comes each minute is late after two."""

Check = Literal["ok", "away", "behind"]


class Alive(BaseModel):
    """The process answers."""

    alive: bool = True


class Readiness(BaseModel):
    """One answer a part; ready when all are ok."""

    ready: bool
    database: Check
    migrations: Check
    temporal: Check


class Health(Readiness):
    """Everything that readiness is, and whether reconciliation still runs (R15).

    *healthy* is false as well when the last sweep is older than two of their periods.
    """

    healthy: bool
    sweeps: Literal["ok", "late", "never", "unknown"]
    last_sweep_age_s: float | None


class Version(BaseModel):
    """Which version runs."""

    version: str


@router.get("/livez")
async def livez() -> Alive:
    """Say that the process answers."""
    return Alive()


@router.get("/readyz", responses={503: {"model": Readiness}})
async def readyz(parts: TheParts, response: Response) -> Readiness:
    """Say whether everything needed is there; 503 if not."""
    found = await readiness(parts)
    if not found.ready:
        response.status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    return found


@router.get("/healthz", responses={503: {"model": Health}})
async def healthz(parts: TheParts, response: Response) -> Health:
    """Say whether everything does its work, the sweeps too; 503 if not.

    For whoever watches, not for a balancer: the doors serve without sweeps.
    """
    found, age = await asyncio.gather(readiness(parts), _sweep_age(parts))
    late = age is not None and age > SWEEPS_LATE_AFTER
    sweeps: Literal["ok", "late", "never", "unknown"] = "late" if late else "ok"
    if age is None:
        sweeps = "never" if found.migrations == "ok" else "unknown"
    healthy = found.ready and sweeps == "ok"
    if not healthy:
        response.status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    return Health(
        **found.model_dump(),
        healthy=healthy,
        sweeps=sweeps,
        last_sweep_age_s=None if age is None else age.total_seconds(),
    )


async def readiness(parts: Parts) -> Readiness:
    """Check each part, none for longer than its limit."""
    migrations, temporal = await asyncio.gather(_migrations(parts), _temporal(parts))
    return Readiness(
        ready=migrations == temporal == "ok",
        database="away" if migrations == "away" else "ok",
        migrations=migrations,
        temporal=temporal,
    )


@router.get("/version")
async def version() -> Version:
    """Say which version runs."""
    return Version(version=VERSION)


async def _migrations(parts: Parts) -> Check:
    try:
        async with asyncio.timeout(CHECK_LIMIT_S), parts.sessions() as session:
            await session.execute(text("SELECT 1"))
            known = await session.scalar(text("SELECT to_regclass('alembic_version')"))
            if known is None:
                return "behind"
            found = await session.scalar(
                text("SELECT version_num FROM alembic_version")
            )
    except (SQLAlchemyError, OSError, TimeoutError):
        return "away"
    return "ok" if found == head() else "behind"


async def _sweep_age(parts: Parts) -> timedelta | None:
    try:
        async with asyncio.timeout(CHECK_LIMIT_S), parts.sessions() as session:
            last = await last_ended_sweep(session)
            now = await database_now(session)
    except (SQLAlchemyError, OSError, TimeoutError):
        return None
    return None if last is None else max(now - last.ended_at, timedelta())


async def _temporal(parts: Parts) -> Check:
    limit = timedelta(seconds=CHECK_LIMIT_S)
    try:
        async with asyncio.timeout(CHECK_LIMIT_S):
            healthy = await parts.client.service_client.check_health(timeout=limit)
    except (RPCError, RuntimeError, TimeoutError):
        return "away"  # a lazy client that cannot connect raises RuntimeError
    return "ok" if healthy else "away"


def _version() -> str:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
    return str(project["project"]["version"])


VERSION = _version()
