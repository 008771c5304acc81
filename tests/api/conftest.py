"""The service with its stories alive, and the service while Temporal is away."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from tests.api.doors import Doors, Space, a_port, open_doors, serve, the_settings
from tests.api.providers import a_stand_in
from tests.upkeep.server import a_closed_port, a_namespace


@pytest.fixture
async def space(database_url: str, tmp_path: Path, temporal_server: str) -> Space:
    """Make room for one test on a real Temporal server."""
    client = await a_namespace(temporal_server)
    settings_with = partial(
        the_settings,
        database_url,
        tmp_path,
        temporal_server,
        ECHEANCE_TEMPORAL_NAMESPACE=client.namespace,
    )
    return Space(client, settings_with)


@pytest.fixture
async def doors(space: Space) -> AsyncIterator[Doors]:
    """Open the doors on a real Temporal server whose worker lives the stories."""
    async with open_doors(space.settings_with()) as doors, space.alive(doors):
        yield doors


@pytest.fixture
async def portal(space: Space) -> AsyncIterator[Doors]:
    """Open the doors with live stories, and somewhere to sign in."""
    async with (
        a_stand_in() as sign_in,
        open_doors(space.settings_with(**sign_in)) as doors,
        space.alive(doors),
    ):
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
async def served(space: Space) -> AsyncIterator[Doors]:
    """Serve the doors on a real port, with live stories: the simulator calls back."""
    async with a_port() as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        settings = space.settings_with(ECHEANCE_PUBLIC_URL=url)
        async with serve(settings, listening, url) as doors, space.alive(doors):
            yield doors
