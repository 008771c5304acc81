"""The office, the relay, the processes of the effects' own tests; a door on its own."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.activities.conftest import effects, holder, log, office, relay
from tests.activities.test_worker import start, temporal
from tests.api.conftest import served, space
from tests.api.doors import Doors, open_doors, the_settings

__all__ = [
    "effects",
    "holder",
    "log",
    "office",
    "relay",
    "served",
    "space",
    "start",
    "temporal",
]

ALL_CONNECTIONS = 10


@pytest.fixture
async def away(database_url: str, tmp_path: Path) -> AsyncIterator[Doors]:
    """Open the doors of a service whose Temporal is away."""
    settings = the_settings(database_url, tmp_path, "127.0.0.1:1")
    async with open_doors(settings) as doors:
        yield doors


@asynccontextmanager
async def every_connection_taken(doors: Doors) -> AsyncIterator[None]:
    """Hold every connection to the database that a door has."""
    async with AsyncExitStack() as held:
        for _ in range(ALL_CONNECTIONS):
            session = await held.enter_async_context(doors.parts.sessions())
            await session.execute(text("SELECT 1"))
        yield
