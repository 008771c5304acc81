"""A real Temporal server for one test, and a client of one that is away."""

import asyncio
import sysconfig
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from settings import Settings, settings_from
from workflows.shown import DUE, KIND, NEEDS_STAFF, PHASE


@asynccontextmanager
async def a_server(port: int | None = None) -> AsyncIterator[Client]:
    """Run the development server with the search attributes of a dossier."""
    path = Path(sysconfig.get_path("scripts")) / "temporal"
    env = await WorkflowEnvironment.start_local(
        port=port,
        dev_server_existing_path=str(path),
        dev_server_log_level="error",
        data_converter=pydantic_data_converter,
        search_attributes=(PHASE, DUE, KIND, NEEDS_STAFF),
    )
    try:
        yield env.client
    finally:
        await env.shutdown()


async def client_of(port: int) -> Client:
    """Make a client that connects when it is first used."""
    return await Client.connect(
        f"127.0.0.1:{port}", data_converter=pydantic_data_converter, lazy=True
    )


async def a_closed_port() -> int:
    """Name a port on which nobody listens."""
    server = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    server.close()
    return port


def settings_for(database_url: str, **more: str) -> Settings:
    return settings_from(
        {
            "ECHEANCE_DATABASE_URL": database_url,
            "ECHEANCE_MAIL_KEY": "key-of-the-tests",
            "ECHEANCE_PAYMENT_WEBHOOK_SECRET": "whsec_dGVzdHM=",
            **more,
        }
    )
