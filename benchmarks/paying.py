"""From a provider's message to "paid" shown, against a bare signal and query.

One real server and one database in one run, in turns. Ours verifies the signature,
keeps the capture and the fact, signals the story, which judges it and keeps its record;
the bare workflow hears a signal and answers a query.
"""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from temporalio.client import Client
from temporalio.worker import Worker

from benchmarks.bare import HearingWorkflow
from benchmarks.databases import a_database
from tests.api.doors import Doors, open_doors, the_settings
from tests.upkeep.server import a_server
from worker import workers

PAYMENTS = 60
_QUEUE = "bare"
_SOON_S = 0.002
Rows = AsyncIterator[tuple[str, str, str]]


async def paying() -> Rows:
    """Pay one invoice after another both ways, in turns."""
    async with _an_office() as (doors, client):
        numbers = [await _to_pay(doors) for _ in range(PAYMENTS)]
        ours, bare = [], []
        worker = Worker(client, task_queue=_QUEUE, workflows=[HearingWorkflow])
        async with worker:
            for place, number in enumerate(numbers):
                bare.append(await _bare(client, f"bare-{place}"))
                ours.append(await _ours(doors, number))
    half = statistics.median(ours) / statistics.median(bare)
    over = f"median of {PAYMENTS}"
    yield (
        f"message to “paid” shown, to a bare signal and query ({over})",
        (f"{half:.1f}"),
        "10",
    )
    slowest = statistics.quantiles(ours, n=20)[-1]
    yield (
        "message of the provider to “paid” shown",
        (f"{statistics.median(ours) * 1000:.0f} ms ({slowest * 1000:.0f} ms at p95)"),
        "",
    )
    yield "bare signal and query", f"{statistics.median(bare) * 1000:.1f} ms", ""


async def _to_pay(doors: Doors) -> tuple[str, dict[str, object]]:
    number = await doors.a_dossier()
    await doors.an_exam(number)
    await doors.heard(number)
    begun = await doors.done(f"/api/v1/dossiers/{number}/payments", "representative")
    return number, {
        "type": "payment.captured",
        "session_id": begun["session_id"],
        "payment_id": f"pay_{number}",
        "invoice_id": begun["invoice_id"],
        "amount_cents": begun["amount_cents"],
        "currency": "CAD",
        "captured_at": f"{doors.today}T17:00:00Z",
    }


async def _ours(doors: Doors, to_pay: tuple[str, dict[str, object]]) -> float:
    number, event = to_pay
    begun = time.perf_counter()
    answer = await doors.hear(event, f"msg_{number}")
    assert answer.is_success, answer.text
    while True:
        state = await doors.get(f"/api/v1/dossiers/{number}")
        if state["dossier"]["invoices"][0]["paid"]:
            return time.perf_counter() - begun
        await asyncio.sleep(_SOON_S)


async def _bare(client: Client, name: str) -> float:
    story = await client.start_workflow(HearingWorkflow.run, id=name, task_queue=_QUEUE)
    assert not await story.query(HearingWorkflow.is_paid)
    begun = time.perf_counter()
    await story.signal(HearingWorkflow.paid)
    assert await story.query(HearingWorkflow.is_paid)  # a query sees every signal
    spent = time.perf_counter() - begun
    await story.terminate()
    return spent


@asynccontextmanager
async def _an_office() -> AsyncIterator[tuple[Doors, Client]]:
    """Run a database, a server, the doors and the worker of the stories."""
    async with a_database() as (url, folder), a_server() as client:
        address = client.service_client.config.target_host
        settings = the_settings(url, folder, address)
        async with open_doors(settings) as doors:
            stories, _post = workers(client, doors.parts.sessions, settings)
            async with stories:
                yield doors, client
