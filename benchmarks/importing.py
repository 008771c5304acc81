"""Bringing in certificates, against as many bare starts on the same server.

Each start is a workflow that sleeps; each line is a dossier with its person, its rows,
its history and its story. ECHEANCE_BENCH_IMPORT says how many (20000 in the long run).
"""

import asyncio
import os
import sysconfig
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TypeVar

from rich.progress import Progress
from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from benchmarks.bare import HearingWorkflow
from benchmarks.databases import a_database
from embedded.places import forget
from engine import story_of
from intake.importing.writing import AT_ONCE, BringingIn
from records.database import Sessions, make_engine, make_sessions
from records.imports import ImportRow
from records.models import Agency
from tests.activities.office import Office
from tests.dossiers import PERMIT
from tests.importing.sheets import a_line, say_yes
from tests.upkeep.server import settings_for
from worker import STORIES, workers
from workflows.payloads import data_converter
from workflows.renewal import RenewalWorkflow
from workflows.shown import DUE, KIND, NEEDS_STAFF, PHASE

LINES = int(os.environ.get("ECHEANCE_BENCH_IMPORT", "500"))
_BARE = "bare"
_PATIENCE_S = 300
T = TypeVar("T")
Rows = AsyncIterator[tuple[str, str, str]]


async def importing() -> Rows:
    """Start as many bare workflows, then bring in the file; wait for both to rest."""
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="echeance-bench-"))
    binary = Path(sysconfig.get_path("scripts")) / "temporal"
    try:
        async with AsyncExitStack() as opened:
            url, _ = await opened.enter_async_context(a_database())
            env = await opened.enter_async_context(
                await WorkflowEnvironment.start_local(
                    dev_server_existing_path=str(binary),
                    dev_server_database_filename=str(folder / "store.db"),
                    dev_server_log_level="error",
                    dev_server_extra_args=["--sqlite-pragma", "journal_mode=wal"],
                    data_converter=data_converter,
                    search_attributes=(PHASE, DUE, KIND, NEEDS_STAFF),
                )
            )
            engine = make_engine(url)
            opened.push_async_callback(engine.dispose)
            async for row in _compared(env.client, url, make_sessions(engine)):
                yield row
    finally:
        await asyncio.to_thread(forget, folder)


async def _compared(client: Client, url: str, sessions: Sessions) -> Rows:
    office = Office(url, sessions)
    await office.add(
        Agency(permit=PERMIT, name="Boréal", email="agence@courriel.example")
    )
    bare, bare_rested = await _bare_starts(client)
    begun = time.perf_counter()
    import_id = await say_yes(office, *(a_line(n) for n in range(1, LINES + 1)))
    looked = time.perf_counter() - begun
    stories, _post = workers(client, sessions, settings_for(url))
    async with stories:
        with Progress(transient=True) as progress:
            bar = progress.add_task("dossiers", total=LINES)

            def tell(row: ImportRow) -> None:
                progress.update(bar, completed=row.started)

            begun = time.perf_counter()
            bringing = BringingIn(sessions, client, import_id)
            await bringing.to_the_end(tell)
            ours = time.perf_counter() - begun
            last = story_of(client, a_line(LINES)[0])
            await _answered(lambda: last.query(RenewalWorkflow.state))
            rested = time.perf_counter() - begun
        (row,) = await office.rows(ImportRow)
        assert (row.made, row.refused) == (LINES, 0)
    rate, bare_rate = LINES / rested, LINES / bare_rested
    yield (
        f"import of {LINES} dossiers to rest, to as many bare starts",
        f"{rested / bare_rested:.2f} ({rate:.0f} a second; bare {bare_rate:.0f})",
        "3",
    )
    yield (
        f"import of {LINES}: looked at, rows and starts, last story at rest",
        f"{looked:.1f} s, {ours:.1f} s, {rested:.1f} s (bare starts {bare:.1f} s)",
        "",
    )


async def _answered(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask until a worker that has much to do comes to it."""
    async with asyncio.timeout(_PATIENCE_S):
        while True:
            try:
                return await ask()
            except RPCError:
                await asyncio.sleep(0.1)


async def _bare_starts(client: Client) -> tuple[float, float]:
    """Start workflows that sleep, as many side by side as an import does."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(place: int) -> None:
        async with room:
            await client.start_workflow(
                HearingWorkflow.run, id=f"{_BARE}-{place}", task_queue=_BARE
            )

    worker = Worker(
        client,
        task_queue=_BARE,
        workflows=[HearingWorkflow],
        workflow_runner=STORIES,
    )
    async with worker:
        begun = time.perf_counter()
        await asyncio.gather(*(one(place) for place in range(LINES)))
        spent = time.perf_counter() - begun
        last = client.get_workflow_handle(f"{_BARE}-{LINES - 1}")
        assert not await _answered(lambda: last.query(HearingWorkflow.is_paid))
        rested = time.perf_counter() - begun
    return spent, rested
