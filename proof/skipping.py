"""Temporal's test server: one clock for all it holds, moved by us, only forward."""

import asyncio
import sysconfig
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from functools import cache
from pathlib import Path

from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.api.testservice.v1 import (
    LockTimeSkippingRequest,
    UnlockTimeSkippingRequest,
)
from temporalio.client import Client
from temporalio.runtime import (
    LoggingConfig,
    Runtime,
    TelemetryConfig,
    TelemetryFilter,
)
from temporalio.testing import WorkflowEnvironment

from workflows.payloads import data_converter
from workflows.shown import DUE, KIND, NEEDS_STAFF, PHASE

_STUCK_AFTER_S = 0.15


class Server:
    """A time-skipping server, and how its clock is moved."""

    def __init__(self, env: WorkflowEnvironment) -> None:
        self._env = env

    @property
    def client(self) -> Client:
        """The client of this server."""
        return self._env.client

    async def now(self) -> datetime:
        """Read its clock."""
        return await self._env.get_current_time()

    async def sleep_until(self, at: datetime) -> None:
        """Let time pass up to *at*; what falls due on the way is done on its way."""
        now = await self.now()
        if at > now:
            await self._env.sleep(at - now)

    async def sleep_without_worker(self, at: datetime) -> None:
        """Let time pass though nobody takes what falls due.

        The server holds its clock while a task waits for a worker, so each hold is
        lifted once, and put back at the end for the worker to lift as it does.
        """
        sleep = asyncio.ensure_future(self.sleep_until(at))
        lifted = 0
        while not sleep.done():
            await asyncio.wait({sleep}, timeout=_STUCK_AFTER_S)
            if not sleep.done():
                await self.client.test_service.unlock_time_skipping(
                    UnlockTimeSkippingRequest()
                )
                lifted += 1
        await sleep
        for _ in range(lifted):
            await self.client.test_service.lock_time_skipping(LockTimeSkippingRequest())


@cache
def _quiet() -> Runtime:
    """A runtime that tells of errors only: this server lacks what it warns about."""
    told = TelemetryFilter(core_level="ERROR", other_level="ERROR")
    return Runtime(telemetry=TelemetryConfig(logging=LoggingConfig(filter=told)))


@asynccontextmanager
async def a_skipping_server() -> AsyncIterator[WorkflowEnvironment]:
    """Start a time-skipping server with our search attributes; stop it at the end."""
    path = Path(sysconfig.get_path("scripts")) / "temporal-test-server"
    env = await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=str(path),
        data_converter=data_converter,
        runtime=_quiet(),
    )
    try:
        attributes = {
            each.name: each.indexed_value_type
            for each in (PHASE, DUE, KIND, NEEDS_STAFF)
        }
        await env.client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(
                search_attributes=attributes,  # type: ignore[arg-type] # the same numbers
            )
        )
        yield env
    finally:
        await env.shutdown()
