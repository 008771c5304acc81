"""Every recorded history replays under the present code."""

import base64
import json
from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from rules.dossier import Phase
from workflows.importing import ImportWorkflow
from workflows.messages import Start
from workflows.payloads import data_converter
from workflows.renewal import RenewalWorkflow
from workflows.shown import PHASE
from workflows.upkeep import ReconciliationWorkflow

FOLDER = Path(__file__).parents[1] / "histories"
RECORDED = sorted(FOLDER.glob("*.json"))


def history_in(file: Path) -> WorkflowHistory:
    recorded = json.loads(file.read_text())
    started = recorded["events"][0]["workflowExecutionStartedEventAttributes"]
    return WorkflowHistory.from_json(started["workflowId"], recorded)


@pytest.mark.parametrize("file", RECORDED, ids=lambda file: file.stem)
async def test_a_recorded_history_replays(file: Path) -> None:
    replayer = Replayer(
        workflows=[RenewalWorkflow, ReconciliationWorkflow, ImportWorkflow],
        data_converter=data_converter,
    )

    await replayer.replay_workflow(history_in(file))


def test_each_story_of_the_demo_is_recorded() -> None:
    from embedded.demo import STORIES  # noqa: PLC0415 # the launcher is heavy

    told = {file.stem.rsplit("-", 2)[0] for file in RECORDED}
    assert {story.__name__ for story in STORIES} <= told


def test_each_kind_of_story_is_recorded() -> None:
    from worker import WORKFLOWS  # noqa: PLC0415 # the whole worker is heavy

    assert {story.__name__ for story in WORKFLOWS} == {
        _kind_in(file) for file in RECORDED
    }


def test_every_phase_is_recorded_in_forty_histories_or_more() -> None:
    assert len(RECORDED) >= 40
    assert {p for file in RECORDED for p in _phases_in(file)} == set(Phase)


def _kind_in(file: Path) -> str:
    first = json.loads(file.read_text())["events"][0]
    started = first["workflowExecutionStartedEventAttributes"]
    kind: str = started["workflowType"]["name"]
    return kind


def _phases_in(file: Path) -> set[Phase]:
    """Read the phases a run showed in Temporal's own lists."""
    shown = set()
    for event in json.loads(file.read_text())["events"]:
        upserted = event.get("upsertWorkflowSearchAttributesEventAttributes", {})
        fields = upserted.get("searchAttributes", {}).get("indexedFields", {})
        if PHASE.name in fields:
            data = base64.b64decode(fields[PHASE.name]["data"])
            shown.add(Phase(json.loads(data)))
    return shown


@workflow.defn(name="RenewalWorkflow")
class HastyWorkflow(RenewalWorkflow):
    """The same story, but for one pause that no recorded history has."""

    @workflow.init
    def __init__(self, start: Start) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: Start) -> str:
        await workflow.sleep(1)
        return await super().run(start)


async def test_a_change_that_is_not_versioned_fails_the_replay() -> None:
    replayer = Replayer(
        workflows=[HastyWorkflow],
        workflow_runner=UnsandboxedWorkflowRunner(),
        data_converter=data_converter,
    )
    with pytest.raises(workflow.NondeterminismError):
        await replayer.replay_workflow(history_in(RECORDED[0]))
