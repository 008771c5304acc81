"""What test_mounts runs on a small disk, in a process of its own."""

import asyncio
import os
import subprocess
import sys
import sysconfig
from datetime import timedelta
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError
from temporalio.client import Client
from temporalio.service import RPCError

from activities.dossiers import Dossiers
from embedded.ports import Ports
from embedded.postgres import Cluster
from records import migrations
from records.database import make_engine, make_sessions
from records.models import DossierRow
from tests.activities.office import Office, a_record, an_order, run
from tests.dossiers import HOLDER, a_holder
from workflows.messages import Entry

_MANY = 4000
_A_PIECE = b"\0" * 65536


def fill(disk: Path) -> Path:
    """Leave no room on a disk."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(_A_PIECE)
        except OSError:
            return ballast


async def postgresql(disk: Path) -> None:
    """Keep a record, be refused a large one while the disk is full, keep it after."""
    cluster = Cluster(disk, Ports.free().postgres, "of-one-test")
    cluster.prepare()
    running = cluster.start()
    try:
        cluster.wait_ready(running)
        cluster.create_database()
        migrations.upgrade(cluster.url())
        engine = make_engine(cluster.url())
        office = Office(cluster.url(), make_sessions(engine))
        nowhere = await Client.connect("127.0.0.1:1", lazy=True)
        effects = Dossiers(office.sessions, nowhere)
        await office.place(a_holder())
        await run(effects.keep_record, a_record(a_holder()))
        before = (await office.one(DossierRow, HOLDER)).version
        ballast = fill(disk)
        at = an_order(a_holder()).occurred_at
        entry = Entry(what="phase", at=at, by="rule", detail={"about": "x" * 900})
        large = a_record(a_holder(), version=2, entries=(entry,) * _MANY)
        refused = "no"
        try:
            await run(effects.keep_record, large)
        except SQLAlchemyError:
            refused = "yes"
        ballast.unlink()
        # A full log of writes stops the server; whoever watches starts it again.
        if running.poll() is not None:
            running = cluster.start()
            cluster.wait_ready(running)
        assert (await office.one(DossierRow, HOLDER)).version == before
        await run(effects.keep_record, large)
        after = (await office.one(DossierRow, HOLDER)).version
        sys.stdout.write(
            f"kept before: {before}, refused: {refused}, kept after: {after}\n"
        )
        await engine.dispose()
    finally:
        running.stop()


async def temporal(disk: Path) -> None:
    """Start runs before, while and after the disk is full; none told of may be lost."""
    port = Ports.free().temporal
    binary = Path(sysconfig.get_path("scripts")) / "temporal"
    server = subprocess.Popen(  # noqa: ASYNC220 # it is only begun
        [str(binary), "server", "start-dev", "--headless", "--port", str(port),
         "--db-filename", str(disk / "temporal.db"), "--log-level", "never"]
    )  # fmt: skip
    try:
        client = await _reached(port)
        acknowledged = [n for n in range(20) if await _started(client, n)]
        ballast = fill(disk)
        acknowledged += [n for n in range(20, 26) if await _started(client, n)]
        ballast.unlink()
        assert server.poll() is None, "the server died of it"
        async with asyncio.timeout(60):
            while not await _started(client, 100):  # noqa: ASYNC110 # no event tells
                await asyncio.sleep(0.2)
        lost = 0
        for n in [*acknowledged, 100]:
            try:
                await client.get_workflow_handle(f"run-{n}").describe()
            except RPCError:
                lost += 1
        sys.stdout.write(f"acknowledged: {len(acknowledged)}, lost: {lost}\n")
    finally:
        server.kill()
        server.wait()


async def _reached(port: int) -> Client:
    async with asyncio.timeout(60):
        while True:
            try:
                return await Client.connect(f"127.0.0.1:{port}")
            except RuntimeError:
                await asyncio.sleep(0.1)


async def _started(client: Client, n: int) -> bool:
    """Say whether the server acknowledged a run; asked twice, it is the same."""
    try:
        async with asyncio.timeout(3):
            await client.start_workflow(
                "RenewalWorkflow",
                "x" * 200_000,
                id=f"run-{n}",
                task_queue="nobody",
                rpc_timeout=timedelta(seconds=2),
            )
    except (RPCError, TimeoutError):
        return False
    return True


if __name__ == "__main__":
    part = postgresql if sys.argv[1] == "postgresql" else temporal
    asyncio.run(part(Path(sys.argv[2])))
    sys.stdout.flush()
    os._exit(0)
