"""The office with its agencies, and a real Temporal server."""

from collections.abc import AsyncIterator

import pytest
from temporalio.client import Client

from records.database import make_engine, make_sessions
from records.models import Agency
from tests.activities.office import Office
from tests.dossiers import OTHER_PERMIT, PERMIT
from tests.upkeep.server import a_server


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[Office]:
    engine = make_engine(database_url)
    office = Office(database_url, make_sessions(engine))
    await office.add(
        *(
            Agency(permit=permit, name="Boréal", email="agence@courriel.example")
            for permit in (PERMIT, OTHER_PERMIT)
        )
    )
    yield office
    await engine.dispose()


@pytest.fixture
async def temporal() -> AsyncIterator[Client]:
    async with a_server() as client:
        yield client
