"""Every recorded history replays under the present code."""

import json
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

from workflows.renewal import RenewalWorkflow

FOLDER = Path(__file__).parents[1] / "histories"
RECORDED = sorted(FOLDER.glob("*.json"))


def history_in(file: Path) -> WorkflowHistory:
    recorded = json.loads(file.read_text())
    started = recorded["events"][0]["workflowExecutionStartedEventAttributes"]
    return WorkflowHistory.from_json(started["workflowId"], recorded)


@pytest.mark.parametrize("file", RECORDED, ids=lambda file: file.stem)
async def test_a_recorded_history_replays(file: Path) -> None:
    replayer = Replayer(
        workflows=[RenewalWorkflow], data_converter=pydantic_data_converter
    )

    await replayer.replay_workflow(history_in(file))


def test_each_story_of_the_demo_is_recorded() -> None:
    from embedded.demo import STORIES  # noqa: PLC0415 # the launcher is heavy

    told = {file.stem.rsplit("-", 2)[0] for file in RECORDED}
    assert told == {story.__name__ for story in STORIES}
