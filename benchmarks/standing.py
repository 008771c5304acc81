"""Many open dossiers at rest: what each costs to keep, and whether a fact slows down.

One server with its store in a file, like the embedded one, or the one that
benchmarks/servers.py reaches. At each size a fact is told
and asked for until the state shows it, in turns with a bare signal and query.
ECHEANCE_BENCH_STANDING names the sizes ("1000,5000,20000" in the long run).
"""

import asyncio
import os
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from rich.progress import Progress
from temporalio.client import Client
from temporalio.worker import Worker

from benchmarks.bare import HearingWorkflow
from benchmarks.servers import a_server
from engine import signal_fact, story_of
from rules.civil_time import civil_date
from rules.numbers import DossierNumber
from tests.dossiers import a_holder, a_policy
from tests.workflows.telling import linked
from tests.workflows.world import World, state_of
from worker import STORIES
from workflows.effects import MAIL, RENEWALS
from workflows.renewal import RenewalWorkflow

SIZES = tuple(
    int(n) for n in os.environ.get("ECHEANCE_BENCH_STANDING", "200,600").split(",")
)
FACTS = 60
AT_ONCE = 50
_SOON_S = 0.002
Rows = AsyncIterator[tuple[str, str, str]]


async def standing() -> Rows:
    """Open more and more dossiers; weigh them and time a fact at each size."""
    async with a_server("bench-standing") as server:
        client = server.client
        world = World(a_policy(), lambda: datetime.now(UTC), client=client)
        async with _at_work(world, client):
            empty = server.weight()
            opened = 0
            for size in SIZES:
                began = time.perf_counter()
                await _open(world, client, opened, size)
                rate = (size - opened) / (time.perf_counter() - began)
                opened = size
                store = (server.weight() - empty) / opened / 1024
                ours, bare = await _facts(client, size)
                ratio = statistics.median(ours) / statistics.median(bare)
                yield f"{size} open: a dossier in the store", f"{store:.1f} KB", ""
                yield f"{size} open: dossiers begun", f"{rate:.0f} a second", ""
                yield (
                    f"{size} open: fact told to state shown, to bare",
                    f"{ratio:.2f} ({_told(ours)}; bare {_told(bare)})",
                    "2",
                )


@asynccontextmanager
async def _at_work(world: World, client: Client) -> AsyncIterator[None]:
    stories = Worker(
        client,
        task_queue=RENEWALS,
        workflows=[RenewalWorkflow, HearingWorkflow],
        activities=world.effects(),
        workflow_runner=STORIES,
    )
    post = Worker(client, task_queue=MAIL, activities=[world.send_letter])
    async with stories, post:
        yield


def _number(place: int) -> DossierNumber:
    return DossierNumber(f"CAR2024{place:08d}")


async def _open(world: World, client: Client, first: int, last: int) -> None:
    """Open dossiers that have nothing to do for months."""
    echeance = civil_date(datetime.now(UTC)) + timedelta(days=500)
    with Progress(transient=True) as progress:
        bar = progress.add_task("dossiers", total=last - first)
        for place in range(first, last, AT_ONCE):
            group = range(place, min(place + AT_ONCE, last))
            await asyncio.gather(
                *(world.begin(a_holder(echeance, number=_number(n))) for n in group)
            )
            # The worker keeps up: what is measured is at rest.
            await state_of(story_of(client, _number(group[-1])))
            progress.advance(bar, len(group))


async def _facts(client: Client, size: int) -> tuple[list[float], list[float]]:
    ours, bare = [], []
    for turn in range(FACTS):
        number = _number(turn * size // FACTS)
        ours.append(await _one_fact(client, number, f"link-{size}-{turn}"))
        bare.append(await _one_signal(client, f"bare-{size}-{turn}"))
    return ours, bare


async def _one_fact(client: Client, number: DossierNumber, link_id: str) -> float:
    story = story_of(client, number)
    before = (await state_of(story)).version
    today = civil_date(datetime.now(UTC))
    fact = linked(datetime.now(UTC), today, link_id=link_id)
    begun = time.perf_counter()
    await signal_fact(client, number, fact)
    while True:
        if (await state_of(story)).version > before:
            return time.perf_counter() - begun
        await asyncio.sleep(_SOON_S)


async def _one_signal(client: Client, name: str) -> float:
    story = await client.start_workflow(
        HearingWorkflow.run, id=name, task_queue=RENEWALS
    )
    assert not await story.query(HearingWorkflow.is_paid)
    begun = time.perf_counter()
    await story.signal(HearingWorkflow.paid)
    assert await story.query(HearingWorkflow.is_paid)
    spent = time.perf_counter() - begun
    await story.terminate()
    return spent


def _told(times: list[float]) -> str:
    cuts = statistics.quantiles(times, n=100)
    p50, p95, p99 = (1000 * cuts[n] for n in (49, 94, 98))
    return f"p50 {p50:.0f}, p95 {p95:.0f}, p99 {p99:.0f} ms"
