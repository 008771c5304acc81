"""Exits, full outputs, and a story's code that blocks nobody."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import workflows

ROOT = Path(__file__).parents[2]

LEAVE_TWENTY_TIMES = """
import os
import engine
from temporalio.runtime import Runtime, TelemetryConfig
codes = []
for _ in range(20):
    child = os.fork()
    if not child:
        Runtime(telemetry=TelemetryConfig())
        engine.leave(3)
    codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
assert codes == [3] * 20, codes
"""

LOG_TO_A_FULL_DISK = """
import logging, sys
sys.stdout = open("/dev/full", "w")
import engine
from logs import log_to
log_to("json")
logging.getLogger("worker").info("ready")
print("the duty is done", file=sys.stderr)
engine.leave(0)
"""


def _python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )


def test_twenty_processes_that_used_the_sdk_end_with_their_own_code() -> None:
    ended = _python(LEAVE_TWENTY_TIMES)
    assert ended.returncode == 0, ended.stderr


def test_a_log_that_cannot_be_written_stops_no_duty_and_changes_no_code() -> None:
    ended = _python(LOG_TO_A_FULL_DISK)
    assert ended.returncode == 0, ended.stderr
    assert "the duty is done" in ended.stderr


BLOCKING = {"asyncio", "os", "random", "requests", "select", "socket", "subprocess",
            "threading", "time", "uuid", "urllib"}  # fmt: skip


def test_no_module_of_a_story_can_block_or_read_a_clock_of_its_own() -> None:
    """What the sandbox bans when it runs is not even imported."""
    imported: dict[str, set[str]] = {}
    for file in Path(workflows.__file__).parent.glob("*.py"):
        names: set[str] = set()
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module.partition(".")[0])
            elif isinstance(node, ast.Attribute):
                assert node.attr != "utcnow", file.name
            elif isinstance(node, ast.Name):
                assert node.id != "open", file.name
        imported[file.name] = names & BLOCKING
    assert {name: bad for name, bad in imported.items() if bad} == {}
