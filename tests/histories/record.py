"""Record the histories of the demo's stories: python -m tests.histories.record.

Run it when a story is added. A change of the workflows must replay what is recorded
here, or be versioned (`workflow.patched`): never record again to silence a failure.
"""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from rich.console import Console
from temporalio.client import Client, WorkflowHistory

import engine
from embedded.demo import STORIES
from embedded.places import forget
from embedded.ports import Ports
from embedded.stack import EmbeddedStack
from embedded.theatre import Theatre

HERE = Path(__file__).parent


async def runs_of(client: Client, number: str) -> AsyncIterator[WorkflowHistory]:
    """Follow a dossier from its first run to its last."""
    story = engine.story_of(client, number)
    described = await story.describe()
    run_id = described.raw_description.workflow_execution_info.first_run_id
    while run_id:
        run = client.get_workflow_handle(number, run_id=run_id)
        history = await run.fetch_history()
        yield history
        last = history.events[-1]
        next_run = last.workflow_execution_continued_as_new_event_attributes
        run_id = next_run.new_execution_run_id


async def record(folder: Path) -> None:
    async with EmbeddedStack(folder, Ports.free()) as stack:
        client = await engine.connect(stack.settings)
        async with Theatre.opened(stack.settings, Console()) as theatre:
            await theatre.place_agency()
            for story in STORIES:
                stage = theatre.stage()
                await story(theatre, stage)
                for who, number in enumerate(stage.dossiers, start=1):
                    chapter = 0
                    async for history in runs_of(client, number):
                        chapter += 1
                        name = f"{story.__name__}-{who}-{chapter}.json"
                        text = json.dumps(history.to_json_dict(), indent=1)
                        (HERE / name).write_text(text + "\n")


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="echeance-histories-"))
    folder.chmod(0o755)
    try:
        asyncio.run(record(folder))
    finally:
        forget(folder)
    engine.leave(0)


if __name__ == "__main__":
    main()
