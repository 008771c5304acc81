"""What every test may ask for: a real PostgreSQL, and a session that ends well."""

import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Error

from embedded.places import forget
from embedded.ports import Ports
from embedded.postgres import Cluster
from tests.browser import a_browser

_TEMPLATE = "template_echeance"
_SESSION = pytest.StashKey[pytest.Session]()


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """Give a folder that every account may enter, as PostgreSQL's under root must."""
    folder = Path(tempfile.mkdtemp(prefix="echeance-tests-"))
    folder.chmod(0o755)
    yield folder
    forget(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def cluster(open_folder: Path) -> Iterator[Cluster]:
    """Run one PostgreSQL for each test process."""
    cluster = Cluster(open_folder, Ports.free().postgres, secrets.token_urlsafe(16))
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
    name = f"test_{secrets.token_hex(6)}"
    _command(cluster, f"CREATE DATABASE {name} TEMPLATE {migrated_template}")
    yield cluster.url(name)
    _command(cluster, f"DROP DATABASE {name} WITH (FORCE)")


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


def _command(cluster: Cluster, statement: str) -> None:
    address = cluster.url("postgres").replace("+psycopg", "")
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(statement.encode())


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
