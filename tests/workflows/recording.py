"""Keep what the stories of the tests did, for later builds to replay.

RECORD_HISTORIES=tests/histories pytest tests/workflows/test_term.py -k "…" adds files;
a file that is there is never recorded again: a change must replay it, or be versioned.
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from temporalio.client import Client

from tests.histories.record import runs_of

RECORD = "RECORD_HISTORIES"
TRACE = re.compile(r'"stackTrace": "(?:[^"\\]|\\.)*"')


async def record_lives(
    client: Client, numbers: Iterable[str], folder: Path, request: pytest.FixtureRequest
) -> None:
    """Write one file a run of each dossier of the test that ends."""
    story = re.sub(r"\W+", "_", request.node.name).strip("_").removeprefix("test_")
    for who, number in enumerate(sorted(numbers), start=1):
        chapter = 0
        async for history in runs_of(client, number):
            chapter += 1
            file = folder / f"{story}-{who}-{chapter}.json"
            if not file.exists():
                recorded = history.to_json_dict()
                began = recorded["events"][0]["workflowExecutionStartedEventAttributes"]
                began["workflowId"] = number  # the time-skipping server leaves it out
                text = json.dumps(recorded, indent=1)
                # Where the code stood on this machine is nobody's business.
                file.write_text(TRACE.sub('"stackTrace": ""', text) + "\n")
