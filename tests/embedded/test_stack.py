"""Parts are started in order, mended, stopped, and leave nothing behind."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest
from temporalio.client import Client

from embedded.launcher import up
from embedded.places import CHECKOUT, forget
from embedded.ports import LOOPBACK, PortError, Ports
from embedded.processes import Running, is_alive
from embedded.record import AlreadyRunning, running_stack
from embedded.stack import EmbeddedStack, PartError
from embedded.temporal import SEARCH_ATTRIBUTES

FOUNDATIONS = ("postgres", "temporal", "inbox")


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[EmbeddedStack]:
    data_dir = tmp_path / "var"
    async with EmbeddedStack(data_dir, Ports.free(), FOUNDATIONS) as stack:
        yield stack
    forget(data_dir)


async def test_a_killed_temporal_comes_back_with_what_it_had(
    stack: EmbeddedStack,
) -> None:
    address = stack.settings.temporal_address
    client = await Client.connect(address)
    await client.start_workflow("Anything", id="kept", task_queue="nobody")
    killed = stack.pid("temporal")
    stack.kill("temporal")
    await stack.wait_ready("temporal")
    assert stack.pid("temporal") != killed
    again = await Client.connect(address)
    description = await again.get_workflow_handle("kept").describe()
    assert description.id == "kept"


async def test_temporal_knows_every_search_attribute(stack: EmbeddedStack) -> None:
    answer = await asyncio.to_thread(
        subprocess.run,
        (
            *(Path(sys.executable).with_name("temporal"), "operator"),
            *("search-attribute", "list", "-o", "json"),
            *("--address", stack.settings.temporal_address),
        ),
        capture_output=True,
        check=True,
    )
    listed = json.loads(answer.stdout)["customAttributes"]
    wanted = {
        name: f"INDEXED_VALUE_TYPE_{kind.upper()}"
        for name, kind in SEARCH_ATTRIBUTES.items()
    }
    assert wanted.items() <= listed.items()


async def test_a_killed_postgresql_comes_back_with_every_row(
    stack: EmbeddedStack,
) -> None:
    address = stack.settings.database_url.replace("+psycopg", "")
    with psycopg.connect(address) as connection:
        connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 10)")
    stack.kill("postgres")
    await stack.wait_ready("postgres")
    with psycopg.connect(address) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (10,)


async def test_the_record_reaches_a_running_stack_and_holds_no_secret(
    stack: EmbeddedStack,
) -> None:
    record = running_stack(stack.data_dir)
    assert record is not None
    assert record.pid == os.getpid()
    assert record.parts == {name: stack.pid(name) for name in FOUNDATIONS}
    text = (stack.data_dir / "run.json").read_text()
    for secret in (stack.data_dir / "secrets").iterdir():
        assert secret.read_text() not in text
        assert secret.stat().st_mode & 0o077 == 0


async def test_a_second_stack_on_the_same_folder_is_refused(
    stack: EmbeddedStack,
) -> None:
    said: list[str] = []
    with pytest.raises(AlreadyRunning):
        async with EmbeddedStack(stack.data_dir, Ports.free(), ("inbox",)):
            pytest.fail("two stacks held one folder")
    code = await up(
        stack.data_dir, Ports.free(), demo=False, follow=False, says=said.append
    )
    assert code == 1
    assert len(said) == 1
    assert str(os.getpid()) in said[0]


async def test_every_part_is_stopped_and_the_state_is_there_next_time(
    tmp_path: Path,
) -> None:
    data_dir, pids = tmp_path / "var", list[int]()
    keys = set[str]()
    for _ in range(2):
        async with EmbeddedStack(data_dir, Ports.free(), FOUNDATIONS) as stack:
            pids += [stack.pid(name) for name in FOUNDATIONS]
            keys.add(stack.settings.mail_key.get_secret_value())
        assert not any(is_alive(pid) for pid in pids)
        assert running_stack(data_dir) is None
    assert len(keys) == 1
    assert forget(data_dir)
    assert {path.name for path in data_dir.iterdir()} == {"lock"}


async def test_a_busy_port_stops_the_start_and_the_parts_already_started(
    tmp_path: Path,
) -> None:
    ports = Ports.free()
    with (
        socket.create_server((LOOPBACK, ports.temporal_ui)),
        pytest.raises(PortError, match=str(ports.temporal_ui)),
    ):
        async with EmbeddedStack(tmp_path, ports, ("inbox", "temporal")):
            pytest.fail("started on a port of somebody else's")
    with socket.create_server((LOOPBACK, ports.smtp)):
        pass  # the mail catcher let it go
    assert running_stack(tmp_path) is None


async def test_a_part_that_fails_is_named_with_its_last_lines(tmp_path: Path) -> None:
    tmp_path.joinpath("inbox").write_text("in the way")
    with pytest.raises(PartError, match=r"FileExistsError"):
        async with EmbeddedStack(tmp_path, Ports.free(), ("inbox",)):
            pytest.fail("started in spite of it")


async def test_a_part_that_cannot_come_back_at_once_is_tried_again(
    tmp_path: Path,
) -> None:
    said: list[str] = []
    tried_twice = asyncio.Event()

    def hear(line: str) -> None:
        said.append(line)
        if len(said) == 3:
            tried_twice.set()

    ports = Ports.free()
    async with EmbeddedStack(tmp_path, ports, ("inbox",), says=hear) as stack:
        inbox = stack.data_dir / "inbox"
        inbox.rename(stack.data_dir / "aside")
        inbox.write_text("in the way")
        stack.kill("inbox")
        await tried_twice.wait()
        inbox.unlink()
        await stack.wait_ready("inbox")
    assert "9" in said[1]


def test_an_unknown_part_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="mailman"):
        EmbeddedStack(tmp_path, Ports.free(), ("mailman",))


def test_no_part_outlives_a_killed_launcher(tmp_path: Path) -> None:
    program = """
import asyncio, pathlib, sys
from embedded.ports import Ports
from embedded.stack import EmbeddedStack

async def main():
    folder, parts = pathlib.Path(sys.argv[1]), ("inbox", "postgres", "temporal")
    async with EmbeddedStack(folder, Ports.free(), parts) as stack:
        print(*(stack.pid(part) for part in parts), flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""
    with subprocess.Popen(
        (sys.executable, "-c", program, str(tmp_path)),
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        text=True,
    ) as launcher:
        assert launcher.stdout is not None
        parts = [Running(int(pid)) for pid in launcher.stdout.readline().split()]
        assert len(parts) == 3
        launcher.kill()
    assert all(part.wait(15) for part in parts)
    forget(tmp_path)


def test_a_start_that_is_interrupted_stops_what_it_had_started(tmp_path: Path) -> None:
    with subprocess.Popen(
        (sys.executable, "cli.py", "up", "--data-dir", str(tmp_path), "--ports=auto"),
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "LANG": "C.UTF-8", "LC_ALL": ""},
    ) as launcher:
        assert launcher.stdout is not None
        first = ""
        while "ready" not in first:
            first = launcher.stdout.readline()
        launcher.send_signal(signal.SIGINT)
        rest = launcher.stdout.read()
    assert launcher.returncode == 0
    assert "All is stopped." in rest
    assert running_stack(tmp_path) is None
    forget(tmp_path)
