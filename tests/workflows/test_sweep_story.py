"""The story of a sweep: it answers with its report, whatever becomes of the mail."""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from temporalio import activity
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from tests.workflows.recording import RECORD, record_lives
from workflows.effects import MAIL, RENEWALS
from workflows.upkeep import ReconciliationWorkflow, SweepReport

DAY = date(2026, 11, 9)
AT = datetime(2026, 11, 10, 12, tzinfo=UTC)
A_SWEEP = "a-sweep"


@dataclass
class Desk:
    """What a sweep finds, and the operator who is told, or is not."""

    client: Client
    report: SweepReport
    refuses: bool = False
    told: list[date] = field(default_factory=list)
    tries: int = 0

    @activity.defn
    async def reconcile(self, _now: datetime) -> SweepReport:
        return self.report

    @activity.defn
    async def tell_operator(self, day: date) -> None:
        self.tries += 1
        if self.refuses:
            raise ApplicationError("the relay is away")
        self.told.append(day)

    async def sweep(self) -> SweepReport:
        return await self.client.execute_workflow(
            ReconciliationWorkflow.run, id=A_SWEEP, task_queue=RENEWALS
        )


@pytest.fixture
async def desk(
    env: WorkflowEnvironment, request: pytest.FixtureRequest
) -> AsyncIterator[Desk]:
    desk = Desk(env.client, SweepReport(started_at=AT, ended_at=AT, report_on=DAY))
    sweeps = Worker(
        env.client,
        task_queue=RENEWALS,
        workflows=[ReconciliationWorkflow],
        activities=[desk.reconcile],
    )
    async with sweeps:
        yield desk
        if folder := os.environ.get(RECORD):
            await record_lives(env.client, [A_SWEEP], Path(folder), request)


@pytest.fixture
async def post(desk: Desk) -> AsyncIterator[None]:
    async with Worker(desk.client, task_queue=MAIL, activities=[desk.tell_operator]):
        yield


async def test_a_sweep_with_nothing_to_tell_writes_to_nobody(
    desk: Desk, post: None
) -> None:
    desk.report = desk.report.model_copy(update={"report_on": None})

    assert await desk.sweep() == desk.report
    assert desk.tries == 0


async def test_a_sweep_has_the_operator_told_of_the_day_that_waits(
    desk: Desk, post: None
) -> None:
    assert await desk.sweep() == desk.report
    assert desk.told == [DAY]


async def test_a_sweep_ends_well_though_the_operators_mail_did_not_leave(
    desk: Desk, post: None
) -> None:
    desk.refuses = True

    assert await desk.sweep() == desk.report
    # The next sweep tries again: a minute later, not in a loop of this one.
    assert desk.tries == 1
