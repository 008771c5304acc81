"""A database for one proof or one measure: every table, and then forgotten."""

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from embedded.places import forget
from embedded.ports import Ports
from embedded.postgres import Cluster
from records import migrations


@contextmanager
def passing_database() -> Iterator[tuple[str, Path]]:
    """Run a PostgreSQL with every table; give its address and its folder.

    Raises PostgresError when it cannot be made or started.
    """
    folder = Path(tempfile.mkdtemp(prefix="echeance-passing-"))
    folder.chmod(0o755)  # PostgreSQL under root is another account
    try:
        cluster = Cluster(folder, Ports.free().postgres, secrets.token_urlsafe(16))
        cluster.prepare()
        running = cluster.start()
        try:
            cluster.wait_ready(running)
            cluster.create_database()
            migrations.upgrade(cluster.url())
            yield cluster.url(), folder
        finally:
            running.stop()
    finally:
        forget(folder)
        shutil.rmtree(folder, ignore_errors=True)
