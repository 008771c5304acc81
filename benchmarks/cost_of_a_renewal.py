"""A whole term against a bare workflow with the same timers, signals and activities.

Both live on one real server in one run, in turns, with its time skipping; the effects
do nothing in either, so that the ratio is the price of the story itself.
"""

import asyncio
import resource
import statistics
import sysconfig
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from temporalio import activity
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from benchmarks.bare import BareWorkflow, Shape, nothing, pay
from rules.civil_time import civil_date
from rules.numbers import DossierNumber
from tests.dossiers import a_holder, a_policy
from tests.workflows.telling import paid
from tests.workflows.world import World
from workflows.effects import MAIL, RENEWALS
from workflows.messages import LetterOrder, Posted
from workflows.renewal import RenewalWorkflow
from workflows.shown import DUE, KIND, NEEDS_STAFF, PHASE

LIVES = 40
ROUNDS = 3
PAYS_AFTER = "reminder_30"
Rows = AsyncIterator[tuple[str, str, str]]


@dataclass
class BusyWorld(World):
    """Every holder pays after the third reminder, and is done once renewed."""

    done: dict[str, asyncio.Event] = field(default_factory=dict)

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
            self.done[order.dossier].set()
        return Posted.ACCEPTED


async def cost_of_a_renewal() -> Rows:
    """Live terms of both kinds in turns, and itemise the history of one of ours."""
    binary = Path(sysconfig.get_path("scripts")) / "temporal"
    async with await WorkflowEnvironment.start_time_skipping_v2(
        dev_server_existing_path=str(binary),
        data_converter=pydantic_data_converter,
        search_attributes=[PHASE, DUE, KIND, NEEDS_STAFF],
        dev_server_extra_args=[
            *("--dynamic-config-value", "frontend.WorkflowTimeSkippingEnabled=true"),
            *(
                "--dynamic-config-value",
                'history.timerProcessorMaxTimeShift="10ms"',
            ),
        ],
    ) as env:
        world = BusyWorld(a_policy(), lambda: datetime.now(UTC), client=env.client)
        stories = Worker(
            env.client,
            task_queue=RENEWALS,
            workflows=[RenewalWorkflow, BareWorkflow],
            activities=[*world.effects(), nothing, pay],
        )
        post = Worker(env.client, task_queue=MAIL, activities=[world.send_letter])
        async with stories, post:
            ours, bare = [], []
            counts, thanks = await _events_of_a_term(world, env)
            # The letters that thank for the renewal leave in the next run.
            whole = counts + thanks
            shape = Shape(
                timers=counts["TIMER_STARTED"],
                activities=whole["ACTIVITY_TASK_SCHEDULED"],
                local_activities=whole["MARKER_RECORDED"],
            )
            for turn in range(ROUNDS):
                ours.append(await _timed(_our_lives(world, turn)))
                bare.append(await _timed(_bare_lives(env.client, shape, turn)))
    for row in _rows(counts, ours, bare):
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
    terms = f"{LIVES} terms at once, {ROUNDS} rounds"
    return [
        (f"wall, ours to bare ({terms})", _spread(wall), "at most 1.5"),
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
    stories = await asyncio.gather(*(_begin(world, n) for n in numbers))
    await asyncio.gather(*(world.done[n].wait() for n in numbers))
    await asyncio.gather(*(story.terminate() for story in stories))


async def _begin(
    world: BusyWorld, number: DossierNumber
) -> WorkflowHandle[RenewalWorkflow, str]:
    world.done[number] = asyncio.Event()
    echeance = civil_date(datetime.now(UTC)) + timedelta(days=100)
    return await world.begin(a_holder(echeance, number=number), number)


async def _bare_lives(client: Client, shape: Shape, turn: int) -> None:
    await asyncio.gather(
        *(_bare_life(client, shape, f"bare-{turn}-{i}") for i in range(LIVES))
    )


async def _bare_life(client: Client, shape: Shape, name: str) -> None:
    story = await client.start_workflow(
        BareWorkflow.run, shape, id=name, task_queue=RENEWALS
    )
    await story.result()


async def _events_of_a_term(
    world: BusyWorld, env: WorkflowEnvironment
) -> tuple[Counter[str], Counter[str]]:
    """Count by kind the events of a term's run, and of the next run's first letters."""
    number = DossierNumber("CAR202499000000")
    story = await _begin(world, number)
    await world.done[number].wait()
    runs = (story.first_execution_run_id, None)
    counts = [await _events_of_run(env.client, number, run_id) for run_id in runs]
    await story.terminate()
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
