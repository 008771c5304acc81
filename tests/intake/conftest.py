"""The office with its tables, and a Temporal server that is away."""

from collections.abc import AsyncIterator

import pytest
from temporalio.client import Client

from intake.delivery import Courier
from intake.mail import MailRoom
from records.database import make_engine, make_sessions
from tests.activities.office import Office
from tests.upkeep.server import a_closed_port, client_of, settings_for


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[Office]:
    engine = make_engine(database_url)
    yield Office(database_url, make_sessions(engine))
    await engine.dispose()


@pytest.fixture
async def temporal_away() -> Client:
    return await client_of(await a_closed_port())


@pytest.fixture
def room(office: Office, temporal_away: Client) -> MailRoom:
    return MailRoom(
        office.sessions,
        Courier(office.sessions, temporal_away),
        settings_for(office.url),
    )
