"""A fresh database with every table, through our own sessions."""

from collections.abc import AsyncIterator

import pytest

from records.database import Sessions, make_engine, make_sessions
from tests.activities.office import Office


@pytest.fixture
async def sessions(database_url: str) -> AsyncIterator[Sessions]:
    engine = make_engine(database_url)
    yield make_sessions(engine)
    await engine.dispose()


@pytest.fixture
async def office(database_url: str, sessions: Sessions) -> Office:
    return Office(database_url, sessions)
