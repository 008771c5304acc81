"""The office, a real Temporal server, and the sweep between them."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from temporalio.client import Client

from activities.upkeep import Means, Upkeep
from records.database import make_engine, make_sessions
from tests.activities.office import Office
from tests.upkeep.server import a_closed_port, a_namespace, client_of


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[Office]:
    engine = make_engine(database_url)
    yield Office(database_url, make_sessions(engine))
    await engine.dispose()


@pytest.fixture
async def temporal(temporal_server: str) -> Client:
    return await a_namespace(temporal_server)


@pytest.fixture
async def temporal_away() -> Client:
    return await client_of(await a_closed_port())


@pytest.fixture
def upkeep(office: Office, temporal: Client) -> Upkeep:
    return Upkeep(office.sessions, temporal)


@pytest.fixture
def unattended(office: Office, temporal: Client) -> Upkeep:
    """A sweep that does not wait for stories, since no worker is there."""
    limit = timedelta(seconds=0.1)
    return Upkeep(office.sessions, temporal, Means(story_limit=limit))
