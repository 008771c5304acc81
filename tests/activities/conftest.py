"""The office: a fresh database with every table."""

from collections.abc import AsyncIterator

import pytest

from records.database import make_engine, make_sessions
from tests.activities.office import Office


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[Office]:
    engine = make_engine(database_url)
    yield Office(database_url, make_sessions(engine))
    await engine.dispose()
