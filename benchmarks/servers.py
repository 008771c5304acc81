"""The Temporal server that a measure runs on: one of its own, or the one at an address.

ECHEANCE_TEMPORAL_ADDRESS names the other one; each measure has its own namespace there
(NAMESPACES). ECHEANCE_BENCH_STORE is the address of its PostgreSQL, to be weighed.
"""

import os
import sysconfig
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from temporalio.client import Client
from temporalio.testing import TimeSkipper, WorkflowEnvironment

from workflows.payloads import data_converter
from workflows.shown import DUE, KIND, NEEDS_STAFF, PHASE

NAMESPACES = ("bench-cost", "bench-standing", "bench-burst")

_ATTRIBUTES = (PHASE, DUE, KIND, NEEDS_STAFF)
_SKIPPING = (
    *("--dynamic-config-value", "frontend.WorkflowTimeSkippingEnabled=true"),
    *("--dynamic-config-value", 'history.timerProcessorMaxTimeShift="10ms"'),
)
_LOGGED = ("--sqlite-pragma", "journal_mode=wal")
_WEIGHED = "SELECT sum(pg_database_size(oid)) FROM pg_database WHERE NOT datistemplate"


@dataclass(frozen=True)
class Server:
    """A server as a measure uses it; *weight* is the size of its store in bytes."""

    client: Client
    weight: Callable[[], int]


@asynccontextmanager
async def a_server(namespace: str, *, in_memory: bool = False) -> AsyncIterator[Server]:
    """Reach the server of the address, or run the embedded stack's kind for a while."""
    if address := os.environ.get("ECHEANCE_TEMPORAL_ADDRESS"):
        yield Server(await _reached(address, namespace), _weight_of_postgresql)
        return
    with tempfile.TemporaryDirectory(prefix="echeance-bench-") as folder:
        store = Path(folder) / "store.db"
        async with await WorkflowEnvironment.start_local(
            dev_server_existing_path=_binary(),
            dev_server_database_filename=None if in_memory else str(store),
            dev_server_log_level="error",
            dev_server_extra_args=() if in_memory else _LOGGED,
            data_converter=data_converter,
            search_attributes=_ATTRIBUTES,
        ) as env:
            yield Server(env.client, lambda: _weight_of_files(store.parent))


@asynccontextmanager
async def a_skipping_client(namespace: str) -> AsyncIterator[Client]:
    """The same, with the clocks of workflows moved ahead whenever they wait."""
    if address := os.environ.get("ECHEANCE_TEMPORAL_ADDRESS"):
        yield TimeSkipper(await _reached(address, namespace)).client
        return
    async with await WorkflowEnvironment.start_time_skipping_v2(
        dev_server_existing_path=_binary(),
        data_converter=data_converter,
        search_attributes=_ATTRIBUTES,
        dev_server_extra_args=_SKIPPING,
    ) as env:
        yield env.client


async def _reached(address: str, namespace: str) -> Client:
    return await Client.connect(
        address, namespace=namespace, data_converter=data_converter
    )


def _binary() -> str:
    return str(Path(sysconfig.get_path("scripts")) / "temporal")


def _weight_of_files(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())


def _weight_of_postgresql() -> int:
    if not (url := os.environ.get("ECHEANCE_BENCH_STORE")):
        return 0
    with psycopg.connect(url) as connection:
        row = connection.execute(_WEIGHED).fetchone()
    assert row is not None
    return int(row[0])
