"""The Temporal development server: one process, one file."""

import asyncio
import subprocess
from collections.abc import Mapping
from pathlib import Path

from embedded.places import temporal_binary
from embedded.ports import LOOPBACK, Ports
from embedded.processes import Program

NAMESPACE = "default"

# The typed search attributes of a dossier; docker-compose.yml registers the same.
SEARCH_ATTRIBUTES: dict[str, str] = {
    "Phase": "Keyword",
    "Due": "Datetime",
    "Kind": "Keyword",
    "NeedsStaff": "Bool",
}

# Write-ahead log: two to four times the throughput, far fewer late timers after a
# kill. full: what was acknowledged survives a power cut too.
_PRAGMAS = {"journal_mode": "wal", "synchronous": "full"}

_DYNAMIC = {
    # The demo's clock, which exists on this server only.
    "frontend.WorkflowTimeSkippingEnabled": "true",
    # A hop through time takes 0.2 s instead of 1 s.
    "history.timerProcessorMaxTimeShift": '"10ms"',
}


def temporal_program(
    data_dir: Path, ports: Ports, environment: Mapping[str, str]
) -> Program:
    """Return the server's command line; its state is kept in *data_dir*."""
    folder = data_dir / "temporal"
    folder.mkdir(mode=0o700, exist_ok=True)
    command = [
        *(str(temporal_binary()), "server", "start-dev", "--ip", LOOPBACK),
        *("--port", str(ports.temporal), "--ui-port", str(ports.temporal_ui)),
        *("--db-filename", str(folder / "temporal.db"), "--namespace", NAMESPACE),
        *("--log-level", "error"),
    ]
    for flag, pairs in (
        ("--sqlite-pragma", _PRAGMAS),
        ("--dynamic-config-value", _DYNAMIC),
        ("--search-attribute", SEARCH_ATTRIBUTES),
    ):
        for name, value in pairs.items():
            command += (flag, f"{name}={value}")
    return Program(tuple(command), environment, folder)


async def temporal_is_ready(ports: Ports) -> bool:
    """Say whether the server serves; asks by its own command, without the SDK."""
    try:
        _, writer = await asyncio.open_connection(LOOPBACK, ports.temporal)
    except OSError:
        return False
    writer.close()
    return await asyncio.to_thread(_is_serving, f"{LOOPBACK}:{ports.temporal}")


def _is_serving(address: str) -> bool:
    answer = subprocess.run(
        (
            *(str(temporal_binary()), "operator", "cluster", "health"),
            *("--address", address, "--command-timeout", "2s"),
        ),
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    return answer.returncode == 0 and "SERVING" in answer.stdout
