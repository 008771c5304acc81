"""A mail catcher with its pages, and an intake that stands in beside it."""

import secrets
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import httpx2
import pytest

from embedded.keys import make_keys
from embedded.parts import (
    cluster_of,
    make_parts,
    process_environment,
    stack_environment,
)
from embedded.ports import LOOPBACK, Ports
from tests.embedded.correspondence import StandIn, standing_in

_PATIENCE_S = 30.0


@dataclass(frozen=True)
class Inbox:
    """A catcher that runs: where it takes letters, shows them and hands in."""

    smtp: int
    lmtp: int
    url: str


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inbox]:
    """Run the stack's own catcher, one for the tests of a file."""
    data_dir, ports = tmp_path_factory.mktemp("inbox"), Ports.free()
    make_keys(data_dir)
    (data_dir / "ready").mkdir()
    environment = process_environment(stack_environment(data_dir, ports))
    cluster = cluster_of(data_dir, ports)
    running = make_parts(data_dir, ports, environment, cluster)["inbox"].start()
    url = f"http://{LOOPBACK}:{ports.inbox}"
    try:
        _wait_for(f"{url}/livez")
        yield Inbox(ports.smtp, ports.lmtp, url)
    finally:
        running.stop()


def _wait_for(url: str) -> None:
    limit = time.monotonic() + _PATIENCE_S
    while True:
        try:
            httpx2.get(url).raise_for_status()
        except httpx2.TransportError:
            assert time.monotonic() < limit, url
        else:
            return


@pytest.fixture
async def web(inbox: Inbox) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=inbox.url, timeout=20) as client:
        yield client


@pytest.fixture
async def intake(inbox: Inbox) -> AsyncIterator[StandIn]:
    async with standing_in(inbox.lmtp) as (intake, _):
        yield intake


@pytest.fixture
def mark() -> str:
    """Give a word that no other letter bears."""
    return f"m{secrets.token_hex(4)}"
