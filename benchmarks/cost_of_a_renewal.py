"""Whole lives against a bare workflow with the same timers, signals and activities.

A life: opened, three reminders, paid, renewed, closed by its person. Both kinds live on
one real server in one run, in turns, with its time skipping; the effects do nothing in
either, so that the ratio is the price of the story itself.
"""

import asyncio
import resource
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from temporalio import activity
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Worker

from benchmarks.bare import BareWorkflow, Shape, nothing, tell
from benchmarks.servers import a_skipping_client
from engine import story_of
from rules.civil_time import civil_date
from rules.numbers import DossierNumber
from tests.dossiers import a_holder, a_policy
from tests.workflows.telling import paid
from tests.workflows.world import World
from worker import STORIES
from workflows.effects import MAIL, RENEWALS
from workflows.messages import Cancel, LetterOrder, Posted
from workflows.renewal import RenewalWorkflow

LIVES = 50
ROUNDS = 10
PAYS_AFTER = "reminder_30"
Rows = AsyncIterator[tuple[str, str, str]]


@dataclass
class BusyWorld(World):
    """Every holder pays after the third reminder, and goes once renewed.

    Both are told while a letter is on its way: time is not skipped meanwhile.
    """

    @activity.defn
    async def send_letter(self, order: LetterOrder) -> Posted:
        if order.notice == PAYS_AFTER:
            invoice = self.records[order.dossier][-1].dossier.invoices[0]
            fact = paid(
                invoice.invoice_id,
                order.occurred_at,
                cents=18500,
                payment_id=f"pay-{order.dossier}",
            )
            await self.tell(order.dossier, fact)
        if order.notice == "renewed":
            await story_of(activity.client(), order.dossier).execute_update(
                RenewalWorkflow.cancel, Cancel(command_id="over", by="bench")
            )
        return Posted.ACCEPTED


async def cost_of_a_renewal() -> Rows:
    """Live lives of both kinds in turns, and itemise the history of one of ours."""
    async with a_skipping_client("bench-cost") as client:
        world = BusyWorld(a_policy(), lambda: datetime.now(UTC), client=client)
        stories = Worker(
            client,
            task_queue=RENEWALS,
            workflows=[RenewalWorkflow, BareWorkflow],
            activities=[*world.effects(), nothing, tell],
            workflow_runner=STORIES,
        )
        post = Worker(client, task_queue=MAIL, activities=[world.send_letter])
        async with stories, post:
            ours, bare = [], []
            term, after = await _events_of_a_life(world, client)
            whole = term + after
            shape = Shape(
                timers=whole["TIMER_STARTED"],
                activities=whole["ACTIVITY_TASK_SCHEDULED"],
                local_activities=whole["MARKER_RECORDED"],
            )
            await _bare_life(client, shape, "bare-first")
            for turn in range(ROUNDS):
                ours.append(await _timed(_our_lives(world, turn)))
                bare.append(await _timed(_bare_lives(client, shape, turn)))
    for row in _rows(term, ours, bare):
        yield row


def _rows(
    counts: Counter[str],
    ours: list[tuple[float, float]],
    bare: list[tuple[float, float]],
) -> list[tuple[str, str, str]]:
    wall = [o[0] / b[0] for o, b in zip(ours, bare, strict=True)]
    cpu = [o[1] / b[1] for o, b in zip(ours, bare, strict=True)]
    actions = (
        1
        + counts["TIMER_STARTED"]
        + counts["ACTIVITY_TASK_SCHEDULED"]
        + counts["WORKFLOW_EXECUTION_SIGNALED"]
        + counts["UPSERT_WORKFLOW_SEARCH_ATTRIBUTES"]
        + bool(counts["MARKER_RECORDED"])
    )
    items = ", ".join(f"{n} {name.lower()}" for name, n in counts.most_common())
    lives = f"{LIVES} lives at once, {ROUNDS} rounds"
    return [
        (f"wall, ours to bare ({lives})", _spread(wall), "at most 1.5"),
        ("CPU of the worker, ours to bare", _spread(cpu), "at most 1.5"),
        ("events of a term renewed after 3 reminders", str(counts.total()), "120"),
        ("its billable actions", str(actions), "25"),
        ("its events, itemised", items, ""),
    ]


def _spread(ratios: list[float]) -> str:
    low, mid, high = min(ratios), statistics.median(ratios), max(ratios)
    return f"{mid:.2f} ({low:.2f} to {high:.2f})"


async def _timed(work: "asyncio.Future[None] | object") -> tuple[float, float]:
    cpu = _cpu()
    wall = time.perf_counter()
    await work  # type: ignore[misc] # a coroutine
    return time.perf_counter() - wall, _cpu() - cpu


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def _our_lives(world: BusyWorld, turn: int) -> None:
    numbers = [DossierNumber(f"CAR2024{turn:02d}{i:06d}") for i in range(LIVES)]
    await asyncio.gather(*(_our_life(world, number) for number in numbers))


async def _our_life(
    world: BusyWorld, number: DossierNumber
) -> WorkflowHandle[RenewalWorkflow, str]:
    echeance = civil_date(datetime.now(UTC)) + timedelta(days=100)
    story = await world.begin(a_holder(echeance, number=number), number)
    await story.result()
    return story


async def _bare_lives(client: Client, shape: Shape, turn: int) -> None:
    await asyncio.gather(
        *(_bare_life(client, shape, f"bare-{turn}-{i}") for i in range(LIVES))
    )


async def _bare_life(client: Client, shape: Shape, name: str) -> None:
    story = await client.start_workflow(
        BareWorkflow.run, shape, id=name, task_queue=RENEWALS
    )
    await story.result()


async def _events_of_a_life(
    world: BusyWorld, client: Client
) -> tuple[Counter[str], Counter[str]]:
    """Count by kind the events of a term's run, and of the next one, to the end."""
    number = DossierNumber("CAR202499000000")
    story = await _our_life(world, number)
    runs = (story.first_execution_run_id, None)
    counts = [await _events_of_run(client, number, run_id) for run_id in runs]
    return counts[0], counts[1]


async def _events_of_run(
    client: Client, number: str, run_id: str | None
) -> Counter[str]:
    """Count the events of one run by kind, those of time skipping left out."""
    run = client.get_workflow_handle(number, run_id=run_id)
    history = await run.fetch_history()
    names = (EventType.Name(event.event_type) for event in history.events)
    kinds = Counter(name.removeprefix("EVENT_TYPE_") for name in names)
    return Counter({k: n for k, n in kinds.items() if "TIME_SKIPPING" not in k})
