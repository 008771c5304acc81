"""One whole sweep of many dossiers, against a bare listing of as many workflows.

Twenty thousand dossiers, each with its story; with ECHEANCE_BENCH_SWEPT=300, fewer.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

from rich.progress import Progress
from sqlalchemy import func, select, text
from temporalio.client import Client, WorkflowQueryFailedError
from temporalio.service import RPCError

from activities.sweeping_runs import RUNNING
from activities.upkeep import Means, Upkeep
from benchmarks.databases import a_database
from engine import begin, story_of
from records.database import Sessions, make_engine, make_sessions
from records.dossiers import stored
from records.models import DossierRow
from rules.numbers import DossierNumber
from tests.dossiers import a_newcomer
from tests.upkeep.server import a_server, settings_for
from worker import workers
from workflows.renewal import RenewalWorkflow

SWEPT = int(os.environ.get("ECHEANCE_BENCH_SWEPT", "20000"))
MOST_SECONDS = 60
_STARTED_AT_ONCE = 32
_PAGE = 1000
_ASKED = 200
_PERSON = text(
    "INSERT INTO people (name, name_key, email)"
    " SELECT 'P' || n, 'p' || n, n || '@courriel.example'"
    " FROM generate_series(1, :many) AS n RETURNING person_id"
)
Rows = AsyncIterator[tuple[str, str, str]]


async def sweeping() -> Rows:
    """Open dossiers, live their stories, then sweep all and list all, in turns."""
    async with AsyncExitStack() as running:
        url, folder = await running.enter_async_context(a_database())
        store = folder / "temporal.db"
        client = await running.enter_async_context(a_server(kept_in=store))
        engine = make_engine(url, connections=20)
        running.push_async_callback(engine.dispose)
        sessions = make_sessions(engine)
        numbers = await _opened(sessions)
        for part in workers(client, sessions, settings_for(url)):
            await running.enter_async_context(part)
        await _begun(client, numbers)
        await _at_rest(client, numbers)
        heads = Path(await asyncio.to_thread(tempfile.mkdtemp, dir=folder))
        upkeep = Upkeep(sessions, client, Means(heads_dir=heads, secret=b"bench"))
        bare, whole, found = [], [], 0
        for _ in range(3):
            bare.append(await _listed(client, sessions))
            begun = time.perf_counter()
            report = await upkeep.sweep(datetime.now(UTC), thorough=True)
            whole.append(time.perf_counter() - begun)
            found += report.found
    ratio = min(whole) / min(bare)
    told = f"{min(whole):.1f} s ({found} found)"
    yield f"a whole sweep of {SWEPT} dossiers", told, f"{MOST_SECONDS} s"
    told = f"{ratio:.1f} ({min(bare):.2f} s)"
    yield "the same, to a count and a bare listing of their workflows", told, ""


async def _opened(sessions: Sessions) -> list[DossierNumber]:
    """Open the dossiers of as many persons, as a door leaves them."""
    numbers = [DossierNumber(f"CAR2026{n:08}") for n in range(SWEPT)]
    async with sessions.begin() as session:
        people = await session.scalars(_PERSON, {"many": SWEPT})
        for number, person_id in zip(numbers, people.all(), strict=True):
            dossier = a_newcomer(number=number)
            session.add(
                DossierRow(
                    number=number,
                    kind=dossier.kind,
                    person_id=person_id,
                    opened_on=dossier.opened_on,
                    phase="exam_awaited",
                    facts=stored(dossier),
                )
            )
    return numbers


async def _begun(client: Client, numbers: list[DossierNumber]) -> None:
    """Begin every story, and wait until Temporal lists them all."""
    room = asyncio.Semaphore(_STARTED_AT_ONCE)
    with Progress(transient=True) as progress:
        started = progress.add_task("stories", total=len(numbers))

        async def one(number: DossierNumber) -> None:
            async with room:
                await begin(client, number)
            progress.advance(started)

        await asyncio.gather(*(one(number) for number in numbers))
    # No event tells that the list has caught up.
    while (await client.count_workflows(RUNNING)).count < len(numbers):  # noqa: ASYNC110
        await asyncio.sleep(0.2)


async def _at_rest(client: Client, numbers: list[DossierNumber]) -> None:
    """Wait until stories of all ages answer: a sweep meets few that only begin."""
    for number in numbers[:: max(len(numbers) // _ASKED, 1)]:
        while not await _answers(client, number):  # noqa: ASYNC110 # no event tells
            await asyncio.sleep(1)


async def _answers(client: Client, number: DossierNumber) -> bool:
    try:
        await story_of(client, number).query(RenewalWorkflow.state)
    except (WorkflowQueryFailedError, RPCError):
        return False
    return True


async def _listed(client: Client, sessions: Sessions) -> float:
    begun = time.perf_counter()
    async with sessions() as session:
        await session.scalar(select(func.count()).select_from(DossierRow))
    listing = client.list_workflows(RUNNING, page_size=_PAGE)
    how_many = len([running.id async for running in listing])
    assert how_many == SWEPT
    return time.perf_counter() - begun
