"""The office, a fresh database with every table; a relay that takes its letters."""

from collections.abc import AsyncIterator

import pytest
from temporalio.client import Client

from activities.dossiers import Dossiers
from records.database import make_engine, make_sessions
from tests.activities.office import Office
from tests.activities.relay_log import RelayLog
from tests.dossiers import a_holder
from tests.letters.relay import ScriptedRelay
from workflows.payloads import data_converter


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[Office]:
    engine = make_engine(database_url)
    office = Office(database_url, make_sessions(engine))
    async with office.opened:
        yield office
    await engine.dispose()


@pytest.fixture
async def holder(office: Office) -> None:
    """Place the dossier of somebody who holds a certificate."""
    await office.place(a_holder())


@pytest.fixture
async def relay() -> AsyncIterator[ScriptedRelay]:
    async with ScriptedRelay() as relay:
        yield relay


@pytest.fixture
async def log(relay: ScriptedRelay) -> AsyncIterator[RelayLog]:
    async with RelayLog(relay) as log:
        yield log


@pytest.fixture
async def effects(office: Office) -> Dossiers:
    """The effects, with a Temporal that does not answer."""
    nowhere = await Client.connect(
        "127.0.0.1:1", lazy=True, data_converter=data_converter
    )
    return Dossiers(office.sessions, nowhere)
