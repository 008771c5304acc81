"""A new build: sleeping dossiers move to it at their next chapter."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.api.workflowservice.v1 import SetWorkerDeploymentCurrentVersionRequest
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError
from temporalio.worker import Worker

from engine import story_of
from rules.civil_time import civil_date
from rules.dossier import Phase
from tests.dossiers import HOLDER, a_holder, a_policy
from tests.upkeep.server import a_server
from tests.workflows.telling import unlinked
from tests.workflows.world import World, phase_of
from worker import DEPLOYMENT, deployment_of
from workflows.effects import MAIL, RENEWALS
from workflows.renewal import RenewalWorkflow

TRIES = 200


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
