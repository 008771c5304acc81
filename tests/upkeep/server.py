"""Real Temporal servers: of one test, shared by many, and one that is away."""

import asyncio
import secrets
import sysconfig
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from google.protobuf.duration_pb2 import Duration
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from settings import Settings, settings_from
from workflows.payloads import data_converter
from workflows.shown import DUE, KIND, NEEDS_STAFF, PHASE

_NO_WORKERS_OF_ITS_OWN = "worker.perNamespaceWorkerCount=0"
_ITS_CLOCK_CAN_JUMP = "frontend.WorkflowTimeSkippingEnabled=true"


@asynccontextmanager
async def a_server(
    port: int | None = None,
    *,
    extra: Sequence[str] = (),
    kept_in: Path | None = None,
) -> AsyncIterator[Client]:
    """Run the development server with the search attributes of a dossier.

    It forgets everything at its end, unless that is *kept_in* a file.
    """
    path = Path(sysconfig.get_path("scripts")) / "temporal"
    env = await WorkflowEnvironment.start_local(
        port=port,
        dev_server_existing_path=str(path),
        dev_server_log_level="error",
        dev_server_extra_args=extra,
        dev_server_database_filename=None if kept_in is None else str(kept_in),
        data_converter=data_converter,
        search_attributes=(PHASE, DUE, KIND, NEEDS_STAFF),
    )
    try:
        yield env.client
    finally:
        await env.shutdown()


def one_server() -> Iterator[str]:
    """Run a server that many tests share, each in a namespace; give its address.

    Schedules and worker deployments live in workers of the server's own, a few a
    namespace: with hundreds of these it runs none.
    """
    with asyncio.Runner() as runner:
        said = (_NO_WORKERS_OF_ITS_OWN, _ITS_CLOCK_CAN_JUMP)
        flags = ("--dynamic-config-value",)
        alone = a_server(extra=[word for each in said for word in (*flags, each)])
        client = runner.run(alone.__aenter__())
        try:
            yield client.service_client.config.target_host
        finally:
            runner.run(alone.__aexit__(None, None, None))


async def a_namespace(address: str) -> Client:
    """Make a namespace of its own on a shared server, as `a_server` makes a server."""
    name = f"test-{secrets.token_hex(6)}"
    client = await Client.connect(
        address, namespace=name, data_converter=data_converter
    )
    a_day = Duration(seconds=24 * 3600)
    await client.workflow_service.register_namespace(
        RegisterNamespaceRequest(
            namespace=name, workflow_execution_retention_period=a_day
        )
    )
    attributes = {
        each.name: each.indexed_value_type for each in (PHASE, DUE, KIND, NEEDS_STAFF)
    }
    await client.operator_service.add_search_attributes(
        AddSearchAttributesRequest(
            namespace=name,
            search_attributes=attributes,  # type: ignore[arg-type] # the same numbers
        )
    )
    return client


async def client_of(port: int) -> Client:
    """Make a client that connects when it is first used."""
    return await Client.connect(
        f"127.0.0.1:{port}", data_converter=data_converter, lazy=True
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
