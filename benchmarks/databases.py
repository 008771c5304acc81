"""A PostgreSQL of one's own for a measure, empty but for its tables."""

import asyncio
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from embedded.places import forget
from embedded.ports import Ports
from embedded.postgres import Cluster
from records import migrations


@asynccontextmanager
async def a_database() -> AsyncIterator[tuple[str, Path]]:
    """Run a PostgreSQL in an empty folder; yield its address and that folder."""
    folder = await asyncio.to_thread(_open_folder)
    cluster = Cluster(folder, Ports.free().postgres, secrets.token_urlsafe(16))
    await asyncio.to_thread(cluster.prepare)
    running = await asyncio.to_thread(cluster.start)
    try:
        await asyncio.to_thread(cluster.wait_ready, running)
        await asyncio.to_thread(cluster.create_database)
        await asyncio.to_thread(migrations.upgrade, cluster.url())
        yield cluster.url(), folder
    finally:
        await asyncio.to_thread(running.stop)
        await asyncio.to_thread(forget, folder)
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def _open_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="echeance-bench-"))
    folder.chmod(0o755)  # PostgreSQL under root is another account
    return folder
