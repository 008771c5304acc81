"""The story of a file brought in: as often as its worker dies, until it is done."""

import os
from pathlib import Path

import pytest
from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from tests.workflows.recording import RECORD, record_lives
from workflows.effects import RENEWALS
from workflows.importing import ImportWorkflow

FILE = "import-of-a-file"
LINES = 1200


async def test_a_file_is_brought_in_though_its_worker_dies_again_and_again(
    env: WorkflowEnvironment, request: pytest.FixtureRequest
) -> None:
    asked = []

    @activity.defn(name="bring_in")
    async def dies_thrice(import_id: str) -> int:
        asked.append(import_id)
        if len(asked) < 4:
            raise ApplicationError("the worker is gone")
        return LINES

    worker = Worker(
        env.client,
        task_queue=RENEWALS,
        workflows=[ImportWorkflow],
        activities=[dies_thrice],
    )
    async with worker:
        lines = await env.client.execute_workflow(
            ImportWorkflow.run, "of-a-file", id=FILE, task_queue=RENEWALS
        )

    assert lines == LINES
    assert asked == ["of-a-file"] * 4
    if folder := os.environ.get(RECORD):
        await record_lives(env.client, [FILE], Path(folder), request)
