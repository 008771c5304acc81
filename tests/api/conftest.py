"""The service with its stories alive, and the service while Temporal is away."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api.doors import Doors, a_port, open_doors, serve, the_settings
from tests.api.providers import a_stand_in
from tests.upkeep.server import a_closed_port, a_namespace
from worker import workers


@pytest.fixture
async def doors(
    database_url: str, tmp_path: Path, temporal_server: str
) -> AsyncIterator[Doors]:
    """Open the doors on a real Temporal server whose worker lives the stories."""
    client = await a_namespace(temporal_server)
    settings = the_settings(
        database_url,
        tmp_path,
        temporal_server,
        ECHEANCE_TEMPORAL_NAMESPACE=client.namespace,
    )
    async with open_doors(settings) as doors:
        stories, _post = workers(client, doors.parts.sessions, settings)
        async with stories:
            yield doors


@pytest.fixture
async def portal(
    database_url: str, tmp_path: Path, temporal_server: str
) -> AsyncIterator[Doors]:
    """Open the doors with live stories, and somewhere to sign in."""
    client = await a_namespace(temporal_server)
    async with a_stand_in() as sign_in:
        settings = the_settings(
            database_url,
            tmp_path,
            temporal_server,
            ECHEANCE_TEMPORAL_NAMESPACE=client.namespace,
            **sign_in,
        )
        async with open_doors(settings) as doors:
            stories, _post = workers(client, doors.parts.sessions, settings)
            async with stories:
                yield doors


@pytest.fixture
async def away(database_url: str, tmp_path: Path) -> AsyncIterator[Doors]:
    """Open the doors while nobody listens where Temporal should."""
    address = f"127.0.0.1:{await a_closed_port()}"
    async with open_doors(the_settings(database_url, tmp_path, address)) as doors:
        yield doors


@pytest.fixture
async def lobby(database_url: str, tmp_path: Path) -> AsyncIterator[Doors]:
    """Open the doors with somewhere to sign in, while no story answers."""
    async with a_stand_in() as sign_in:
        address = f"127.0.0.1:{await a_closed_port()}"
        settings = the_settings(database_url, tmp_path, address, **sign_in)
        async with open_doors(settings) as doors:
            yield doors


@pytest.fixture
async def served(
    database_url: str, tmp_path: Path, temporal_server: str
) -> AsyncIterator[Doors]:
    """Serve the doors on a real port, with live stories: the simulator calls back."""
    client = await a_namespace(temporal_server)
    async with a_port() as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        settings = the_settings(
            database_url,
            tmp_path,
            temporal_server,
            ECHEANCE_TEMPORAL_NAMESPACE=client.namespace,
            ECHEANCE_PUBLIC_URL=url,
        )
        async with serve(settings, listening, url) as doors:
            stories, _post = workers(client, doors.parts.sessions, settings)
            async with stories:
                yield doors
