"""One fresh time-skipping server a test: its clock is global and not reusable."""

import os
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from proof.skipping import a_skipping_server
from rules.civil_time import at_local
from tests.dossiers import a_policy
from tests.workflows.recording import RECORD, record_lives
from tests.workflows.world import World
from workflows.effects import MAIL, RENEWALS
from workflows.renewal import RenewalWorkflow


class Clock:
    """The server's clock, moved by hand."""

    def __init__(self, env: WorkflowEnvironment) -> None:
        self._env = env
        self.now = datetime.now(UTC)

    async def read(self) -> datetime:
        self.now = await self._env.get_current_time()
        return self.now

    async def until(self, instant: datetime) -> None:
        """Sleep to an instant; timers before it fire on their way."""
        now = await self.read()
        assert instant >= now, f"{instant} is past; it is {now}"
        await self._env.sleep(instant - now)
        await self.read()

    async def until_day(self, day: date, hour: int = 12) -> None:
        """Sleep to an hour of a civil day in Québec."""
        await self.until(at_local(day, time(hour)))

    async def tick(self) -> None:
        """Let the story take in what it was told: one second."""
        await self._env.sleep(timedelta(seconds=1))
        await self.read()


@pytest.fixture
async def env() -> AsyncIterator[WorkflowEnvironment]:
    async with a_skipping_server() as env:
        yield env


@pytest.fixture
def clock(env: WorkflowEnvironment) -> Clock:
    return Clock(env)


@pytest.fixture
async def world(
    env: WorkflowEnvironment, clock: Clock, request: pytest.FixtureRequest
) -> AsyncIterator[World]:
    await clock.read()
    world = World(policy=a_policy(), now=lambda: clock.now, client=env.client)
    stories = Worker(
        env.client,
        task_queue=RENEWALS,
        workflows=[RenewalWorkflow],
        activities=world.effects(),
    )
    post = Worker(env.client, task_queue=MAIL, activities=[world.send_letter])
    async with stories, post:
        yield world
        if folder := os.environ.get(RECORD):
            await record_lives(env.client, world.dossiers, Path(folder), request)
