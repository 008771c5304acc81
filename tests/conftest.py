"""What every test may ask for: a real PostgreSQL, and a session that ends well."""

import gc
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Error

from embedded.places import forget
from embedded.ports import Ports
from embedded.postgres import Cluster
from tests.browser import a_browser
from tests.upkeep.server import one_server

_TEMPLATE = "template_echeance"
_MEMORY = Path("/dev/shm")
_ROOM = 4_000_000_000
"""Bytes: two processes' databases, stacks and journals, many times over."""
_SESSION = pytest.StashKey[pytest.Session]()


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """Give a folder that every account may enter, as PostgreSQL's under root must.

    It is in memory where there is room: on a disk, a database of its own costs each
    test ten times the processor. What is kept there outlives a killed process as well.
    """
    folder = Path(tempfile.mkdtemp(prefix="echeance-tests-", dir=_memory()))
    folder.chmod(0o755)
    yield folder
    forget(folder)
    shutil.rmtree(folder, ignore_errors=True)


def _memory() -> Path | None:
    """Name the folder that this machine keeps in memory; None without, or too small."""
    if not os.access(_MEMORY, os.W_OK):
        return None
    return _MEMORY if shutil.disk_usage(_MEMORY).free > _ROOM else None


@pytest.fixture(scope="session")
def cluster(open_folder: Path) -> Iterator[Cluster]:
    """Run one PostgreSQL for each test process."""
    cluster = Cluster(
        open_folder,
        Ports.free().postgres,
        secrets.token_urlsafe(16),
        survives_power_loss=False,
    )
    cluster.prepare()
    running = cluster.start()
    try:
        cluster.wait_ready(running)
        yield cluster
    finally:
        running.stop()


@pytest.fixture(scope="session")
def postgres_url(cluster: Cluster) -> str:
    """Return the address of an empty database of this session."""
    cluster.create_database()
    return cluster.url()


@pytest.fixture(scope="session")
def migrated_template(cluster: Cluster) -> str:
    """Make a database with every table, from which each test's own is copied."""
    from records import migrations  # noqa: PLC0415 - only tests of tables need it

    cluster.create_database(_TEMPLATE)
    migrations.upgrade(cluster.url(_TEMPLATE))
    return _TEMPLATE


@pytest.fixture
def database_url(cluster: Cluster, migrated_template: str) -> Iterator[str]:
    """Return the address of a fresh database with every table, for one test."""
    with a_database(cluster, migrated_template) as url:
        yield url


@contextmanager
def a_database(cluster: Cluster, template: str) -> Iterator[str]:
    """Copy a database of its own from the template; return its address."""
    name = f"test_{secrets.token_hex(6)}"
    address = cluster.url("postgres").replace("+psycopg", "")
    # The files alone are copied: nothing goes through the journal.
    copied = f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(copied.encode())
        yield cluster.url(name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture(scope="session")
def temporal_server() -> Iterator[str]:
    """Run one Temporal server for each test process; return its address."""
    yield from one_server()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Run one Chromium for each test process; its tests share the session's loop.

    Mark them pytest.mark.asyncio(loop_scope="session").
    """
    async with AsyncExitStack() as stack:
        try:
            browser = await stack.enter_async_context(a_browser())
        except Error as problem:
            if os.environ.get("CI"):
                raise
            why = problem.message.partition("\n")[0]
            pytest.skip(f"no Chromium, and CHROMIUM names none: {why}")
        yield browser


def pytest_configure(config: pytest.Config) -> None:
    """Look for no garbage while the tests are read: nearly all of it stays."""
    gc.disable()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Never look again at what was read; what the tests make is looked at as ever.

    Each look would go through all the modules and tests: a tenth of the time.
    """
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Keep the session: its exit code is final only once every plugin has ended."""
    session.config.stash[_SESSION] = session


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """End the process at once with pytest's exit code, the summary printed.

    The interpreter can crash while it ends once the SDK's runtime ran (temporalio
    sdk-python issue 300); a green run would end with 139. To be removed with it.
    """
    session = config.stash.get(_SESSION, None)
    if session is None:
        return  # a usage error: no test ran
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(int(session.exitstatus))
