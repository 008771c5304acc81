"""A new build: sleeping dossiers move to it at their next chapter."""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from temporalio.api.batch.v1 import BatchOperationSignal
from temporalio.api.enums.v1 import BatchOperationState
from temporalio.api.workflowservice.v1 import (
    DescribeBatchOperationRequest,
    SetWorkerDeploymentCurrentVersionRequest,
    StartBatchOperationRequest,
)
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError
from temporalio.worker import Worker

from engine import story_of
from rules.civil_time import civil_date
from rules.dossier import Phase
from rules.numbers import DossierNumber
from tests.dossiers import HOLDER, a_holder, a_policy
from tests.upkeep.server import a_server
from tests.workflows.telling import unlinked
from tests.workflows.world import World, phase_of
from worker import DEPLOYMENT, deployment_of
from workflows.effects import MAIL, RENEWALS
from workflows.renewal import RenewalWorkflow

TRIES = 200
OPEN_DOSSIERS = int(os.environ.get("ECHEANCE_DEPLOYED_DOSSIERS", "30"))
"""The long run moves 500."""

OPEN = "WorkflowType = 'RenewalWorkflow' AND ExecutionStatus = 'Running'"
DAYS_LEFT = timedelta(days=300)
SUSPENDED = Phase.SUSPENDED
TOLD_OF_THE_END = ("link_ended", "suspended")


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with a_server() as client:
        yield client


def a_worker(world: World, build_id: str) -> Worker:
    assert world.client is not None
    return Worker(
        world.client,
        task_queue=RENEWALS,
        workflows=[RenewalWorkflow],
        activities=world.effects(),
        deployment_config=deployment_of(build_id),
    )


async def make_current(client: Client, build_id: str) -> None:
    """Say which build new runs begin on, once the server knows it."""
    request = SetWorkerDeploymentCurrentVersionRequest(
        namespace=client.namespace, deployment_name=DEPLOYMENT, build_id=build_id
    )
    for _ in range(TRIES):
        try:
            await client.workflow_service.set_worker_deployment_current_version(request)
        except RPCError:
            continue
        return
    raise AssertionError(f"build {build_id} is not known")


async def build_of(story: WorkflowHandle[RenewalWorkflow, str]) -> str:
    info = (await story.describe()).raw_description.workflow_execution_info
    return info.versioning_info.deployment_version.build_id


async def eventually(
    count: Callable[[], Awaitable[int]], wanted: int, *, tries: int = TRIES * 60
) -> None:
    """Wait until the server counts so many; each question is a pause of its own."""
    found = -1
    for _ in range(tries):
        found = await count()
        if found == wanted:
            return
        await asyncio.sleep(0.05)
    assert found == wanted


async def on_build(client: Client, build_id: str) -> int:
    """Count the open dossiers that the server knows to be on a build."""
    on = f"TemporalWorkerDeploymentVersion = '{DEPLOYMENT}:{build_id}'"
    return (await client.count_workflows(f"{on} AND {OPEN}")).count


async def wake_all(client: Client, build_id: str) -> None:
    """Wake every dossier of a build, as the runbook says: a batch of the server's."""
    on = f"TemporalWorkerDeploymentVersion = '{DEPLOYMENT}:{build_id}'"
    batch = StartBatchOperationRequest(
        namespace=client.namespace,
        visibility_query=f"{on} AND {OPEN}",
        job_id=str(uuid4()),
        reason="upgrade",
        signal_operation=BatchOperationSignal(signal="wake", identity="test"),
        max_operations_per_second=500,
    )
    await client.workflow_service.start_batch_operation(batch)

    async def is_done() -> int:
        told = await client.workflow_service.describe_batch_operation(
            DescribeBatchOperationRequest(
                namespace=client.namespace, job_id=batch.job_id
            )
        )
        return int(told.state == BatchOperationState.BATCH_OPERATION_STATE_COMPLETED)

    await eventually(is_done, 1)


async def move_all(client: Client) -> None:
    """Wake those on the old build until none is left, as the runbook says.

    A story that wakes before the server has spread the news of the new build sleeps on.
    """
    while await on_build(client, "old") > 0:
        await wake_all(client, "old")
        with suppress(AssertionError):
            await eventually(lambda: on_build(client, "old"), 0, tries=TRIES // 10)


@pytest.mark.timeout(1200)
async def test_a_deployment_moves_every_open_dossier_and_loses_nothing(
    client: Client,
) -> None:
    world = World(a_policy(), lambda: datetime.now(UTC), client=client)
    today = civil_date(datetime.now(UTC))
    numbers = [DossierNumber(f"CAR2024{n:08d}") for n in range(OPEN_DOSSIERS)]
    told_meanwhile = numbers[::10]
    async with (
        Worker(client, task_queue=MAIL, activities=[world.send_letter]),
        a_worker(world, "new"),
    ):
        async with a_worker(world, "old"):
            await make_current(client, "old")
            for group in (numbers[n : n + 50] for n in range(0, len(numbers), 50)):
                holders = (a_holder(today + DAYS_LEFT, number=n) for n in group)
                await asyncio.gather(*(world.begin(h, h.number) for h in holders))
            await eventually(lambda: on_build(client, "old"), len(numbers))
            await make_current(client, "new")
            ended = unlinked(datetime.now(UTC), today)
            await asyncio.gather(*(world.tell(n, ended) for n in told_meanwhile))
            await move_all(client)
            await eventually(lambda: on_build(client, "new"), len(numbers))
        phases = [await phase_of(story_of(client, n)) for n in numbers]

    suspended = [n for n, p in zip(numbers, phases, strict=True) if p is SUSPENDED]
    assert suspended == told_meanwhile
    assert {p for p in phases if p is not SUSPENDED} == {Phase.IN_FORCE}
    letters = Counter((order.dossier, order.notice) for order in world.sent)
    assert letters == Counter(
        {(n, notice): 1 for n in told_meanwhile for notice in TOLD_OF_THE_END}
    )


async def test_a_sleeping_dossier_moves_to_the_new_build_when_it_is_woken(
    client: Client,
) -> None:
    world = World(a_policy(), lambda: datetime.now(UTC), client=client)
    today = civil_date(datetime.now(UTC))
    post = Worker(client, task_queue=MAIL, activities=[world.send_letter])
    async with post:
        async with a_worker(world, "old"):
            await make_current(client, "old")
            story = await world.begin(a_holder(today + timedelta(days=300)))
            assert await phase_of(story) is Phase.IN_FORCE
            assert await build_of(story) == "old"
            async with a_worker(world, "new"):
                await make_current(client, "new")
                moved = story_of(client, HOLDER)
                for _ in range(TRIES):
                    await moved.signal("wake")
                    await phase_of(moved)
                    if await build_of(moved) == "new":
                        break
        async with a_worker(world, "new"):
            await world.tell(HOLDER, unlinked(datetime.now(UTC), today))
            for _ in range(TRIES):
                if await phase_of(moved) is Phase.SUSPENDED:
                    break
            assert await build_of(moved) == "new"
            assert await phase_of(moved) is Phase.SUSPENDED
